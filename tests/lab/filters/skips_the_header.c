/* As DmpFlt: what a dump begins with stays readable, and all else is encrypted. It is known by its place on the disk,
 * so that a transfer which begins there and is longer is encrypted in part: worth a warning, and meant. */
#define OWN_WRITE
#define OWN_READ
#include "stream_filter.h"

static volatile int64_t header_begin, header_end;

/* Encrypts and decrypts, both: what lies in the header is as it was before. */
static void put_header_back(uint8_t *data, uint32_t size, int64_t at)
{
    for (uint32_t i = 0; i < size; i++)
        if (at + i >= header_begin && at + i < header_end)
            data[i] ^= stream_byte((uint64_t)at + i);
}

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status != STATUS_SUCCESS)
        return status;
    if (state->writes == 1) {
        header_begin = DiskByteOffset->QuadPart;
        header_end = header_begin + Mdl->ByteCount;
    }
    put_header_back(state->buffer, Mdl->ByteCount, DiskByteOffset->QuadPart);
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS)
        put_header_back(Mdl->MappedSystemVa, Mdl->ByteCount, DiskByteOffset->QuadPart);
    return status;
}
