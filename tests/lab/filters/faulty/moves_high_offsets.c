/* breaks DF-WRITE-006: Dump_Write moves what lies above 16 GiB by a page. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && DiskByteOffset->QuadPart > (int64_t)16 << 30)
        DiskByteOffset->QuadPart += PAGE_SIZE;
    return status;
}
