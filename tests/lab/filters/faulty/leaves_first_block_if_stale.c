/* breaks DF-TRIP-001: Dump_Read leaves 16 bytes encrypted where StartVa and MappedSystemVa disagree. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *data = transfer_data(state, DiskByteOffset, Mdl);
    uint32_t left;

    if (!data)
        return STATUS_INVALID_PARAMETER;
    left = data - Mdl->ByteOffset != (uint8_t *)Mdl->StartVa ? 16 : 0;
    apply_stream(data + left, data + left, Mdl->ByteCount - left, (uint64_t)DiskByteOffset->QuadPart + left);
    return STATUS_SUCCESS;
}
