/* breaks DF-TRIP-001: Dump_Read computes with the low half of the offset, Dump_Write with all of it. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *data = transfer_data(state, DiskByteOffset, Mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    apply_stream(data, data, Mdl->ByteCount, DiskByteOffset->LowPart);
    return STATUS_SUCCESS;
}
