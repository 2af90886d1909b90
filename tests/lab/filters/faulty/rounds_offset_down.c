/* breaks DF-READ-001: Dump_Read leaves *DiskByteOffset on a 4 KiB border where it was on none. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    DiskByteOffset->QuadPart &= ~(int64_t)(PAGE_SIZE - 1);
    return status;
}
