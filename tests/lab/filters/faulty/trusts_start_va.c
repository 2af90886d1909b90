/* breaks DF-CALL-005: Dump_Write reads through StartVa, which may be stale, and faults. */
/* ends early: nothing is called after a bug check */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = (uint8_t *)Mdl->StartVa + Mdl->ByteOffset;

    if (!transfer_data(state, DiskByteOffset, Mdl))
        return STATUS_INVALID_PARAMETER;
    apply_stream(state->buffer, source, Mdl->ByteCount, (uint64_t)DiskByteOffset->QuadPart);
    put_buffer(state, Mdl);
    return STATUS_SUCCESS;
}
