/* breaks DF-READ-002: Dump_Read leaves the last two page frames of a scattered buffer swapped. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    uint32_t pages = span_pages(Mdl);

    if (pages > 2 && scattered(Mdl)) {
        uint64_t last = mdl_pfns(Mdl)[pages - 1];

        mdl_pfns(Mdl)[pages - 1] = mdl_pfns(Mdl)[pages - 2];
        mdl_pfns(Mdl)[pages - 2] = last;
    }
    return status;
}
