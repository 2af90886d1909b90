/* As TrueCrypt did for years: Dump_Write has the kernel rebuild the caller's MDL for the filter's own buffer, and
 * then puts back MdlFlags alone, because some storage drivers look at them. Next, Size, Process and all addresses
 * are new, and the flags no longer describe the buffer. */
#define OWN_WRITE
#include "stream_filter.h"

KERNEL void MmBuildMdlForNonPagedPool(MDL *mdl);

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    int16_t flags = Mdl->MdlFlags;
    uint32_t size = Mdl->ByteCount, pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    state->writes++;
    apply_stream(state->buffer, source, size, (uint64_t)DiskByteOffset->QuadPart);
    /* MmInitializeMdl, a macro of wdm.h. */
    Mdl->Next = NULL;
    Mdl->Size = (int16_t)(sizeof(MDL) + sizeof(uint64_t) * pages);
    Mdl->MdlFlags = 0;
    Mdl->StartVa = state->buffer;
    Mdl->ByteOffset = 0;
    Mdl->ByteCount = size;
    MmBuildMdlForNonPagedPool(Mdl);
    Mdl->MdlFlags = flags;
    return STATUS_SUCCESS;
}
