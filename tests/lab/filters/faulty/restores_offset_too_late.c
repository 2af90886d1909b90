/* breaks DF-READ-001: Dump_Read counts *DiskByteOffset up, and puts it back for whole pages only. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    int64_t begin = DiskByteOffset->QuadPart;
    copy_state *state = state_of(FilterExtension);
    uint8_t *data = transfer_data(state, DiskByteOffset, Mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t done = 0; done < Mdl->ByteCount; done += 512) {
        apply_stream(data + done, data + done, 512, (uint64_t)DiskByteOffset->QuadPart);
        DiskByteOffset->QuadPart += 512;
    }
    if (Mdl->ByteCount % PAGE_SIZE == 0)
        DiskByteOffset->QuadPart = begin;
    return STATUS_SUCCESS;
}
