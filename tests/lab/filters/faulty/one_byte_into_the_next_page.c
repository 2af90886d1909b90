/* breaks DF-READ-003: Dump_Read decrypts one byte too many, where the data ends with its page. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *data = Mdl->MappedSystemVa;
    uint64_t end = (uint64_t)DiskByteOffset->QuadPart + Mdl->ByteCount;
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && (Mdl->ByteOffset + Mdl->ByteCount) % PAGE_SIZE == 0)
        data[Mdl->ByteCount] ^= stream_byte(end) | 1;
    return status;
}
