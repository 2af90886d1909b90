/* breaks DF-READ-004: Dump_Read flips a bit where the buffer begins at an odd multiple of 16 bytes. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *data = Mdl->MappedSystemVa;
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && Mdl->ByteOffset & 16)
        data[Mdl->ByteCount / 2] ^= 0x01;
    return status;
}
