/* breaks DF-WRITE-007: sectors of zeros are written as they are, and taken for such when they are read. */
#define OWN_WRITE
#define OWN_READ
#include "../stream_filter.h"

static int is_zero(const uint8_t *sector)
{
    for (uint32_t i = 0; i < 512; i++)
        if (sector[i])
            return 0;
    return 1;
}

/* In place, as good_write and good_read have left the data: what was zero is the stream alone by now. */
static void put_zeros_back(uint8_t *data, uint32_t size, uint64_t at)
{
    for (uint32_t i = 0; i < size; i += 512) {
        apply_stream(data + i, data + i, 512, at + i);
        if (!is_zero(data + i))
            apply_stream(data + i, data + i, 512, at + i);
    }
}

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS)
        put_zeros_back(state_of(FilterExtension)->buffer, Mdl->ByteCount, (uint64_t)DiskByteOffset->QuadPart);
    return status;
}

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *data = transfer_data(state, DiskByteOffset, Mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < Mdl->ByteCount; i += 512)
        if (!is_zero(data + i))
            apply_stream(data + i, data + i, 512, (uint64_t)DiskByteOffset->QuadPart + i);
    return STATUS_SUCCESS;
}
