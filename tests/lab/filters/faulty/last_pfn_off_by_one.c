/* breaks DF-WRITE-004: Dump_Write's fourth page frame is one too far. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && Mdl->ByteCount > 3 * PAGE_SIZE)
        mdl_pfns(Mdl)[3]++;
    return status;
}
