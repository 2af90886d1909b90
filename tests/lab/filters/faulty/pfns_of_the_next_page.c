/* breaks DF-WRITE-004: Dump_Write's page frames are all one too far, where the caller's were scattered. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint32_t off = (uint32_t)scattered(Mdl);
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    for (uint32_t i = 0; status == STATUS_SUCCESS && i < span_pages(Mdl); i++)
        mdl_pfns(Mdl)[i] += off;
    return status;
}
