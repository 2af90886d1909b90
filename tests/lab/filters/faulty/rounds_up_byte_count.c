/* breaks DF-WRITE-002: Dump_Write makes whole pages of what is shorter. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    uint32_t size = (Mdl->ByteCount + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

    if (status == STATUS_SUCCESS)
        Mdl->ByteCount = size;
    return status;
}
