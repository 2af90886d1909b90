/* breaks DF-WRITE-005: Dump_Write leaves the caller's first page in the MDL where nothing else is in it. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint64_t first = mdl_pfns(Mdl)[0];
    int whole = Mdl->ByteOffset == 0 && Mdl->ByteCount > PAGE_SIZE;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && whole)
        mdl_pfns(Mdl)[0] = first;
    return status;
}
