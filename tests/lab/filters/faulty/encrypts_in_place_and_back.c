/* breaks DF-WRITE-001: Dump_Write works in the caller's pages and forgets to put the last byte back. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    uint64_t at = (uint64_t)DiskByteOffset->QuadPart;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    apply_stream(source, source, Mdl->ByteCount, at);
    for (uint32_t i = 0; i < Mdl->ByteCount; i++)
        state->buffer[i] = source[i];
    /* Right for whole pages only. */
    apply_stream(source, source, Mdl->ByteCount - (Mdl->ByteCount % PAGE_SIZE != 0), at);
    put_buffer(state, Mdl);
    return STATUS_SUCCESS;
}
