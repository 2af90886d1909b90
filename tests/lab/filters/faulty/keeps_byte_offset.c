/* breaks DF-WRITE-003: Dump_Write's own buffer begins where the caller's did in its page. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    uint32_t inside = Mdl->ByteOffset;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    apply_stream(state->buffer + inside, source, Mdl->ByteCount, (uint64_t)DiskByteOffset->QuadPart);
    for (uint32_t i = 0; i < span_pages(Mdl); i++)
        mdl_pfns(Mdl)[i] = state->first_pfn + i;
    Mdl->StartVa = state->buffer;
    Mdl->MappedSystemVa = state->buffer + inside;
    return STATUS_SUCCESS;
}
