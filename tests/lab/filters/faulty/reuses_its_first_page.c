/* breaks DF-WRITE-005: Dump_Write names its first page twice in transfers of four pages. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && Mdl->ByteCount > 3 * PAGE_SIZE)
        mdl_pfns(Mdl)[3] = mdl_pfns(Mdl)[0];
    return status;
}
