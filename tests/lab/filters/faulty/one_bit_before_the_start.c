/* breaks DF-READ-003: Dump_Read changes a bit before the buffer, every third time that there is room. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    static volatile uint32_t unaligned;
    uint8_t *data = Mdl->MappedSystemVa;
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && Mdl->ByteOffset && ++unaligned % 3 == 0)
        data[-1] ^= 0x10;
    return status;
}
