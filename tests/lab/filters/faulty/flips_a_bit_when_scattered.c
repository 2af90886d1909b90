/* breaks DF-TRIP-001: Dump_Read flips one bit in the last page of a scattered buffer. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    uint8_t *data = Mdl->MappedSystemVa;

    if (status == STATUS_SUCCESS && Mdl->ByteCount >= PAGE_SIZE && scattered(Mdl))
        data[Mdl->ByteCount - 100] ^= 0x40;
    return status;
}
