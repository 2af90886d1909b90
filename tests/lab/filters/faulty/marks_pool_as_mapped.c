/* breaks DF-READ-002: Dump_Read sets a flag in the MDL, where only SOURCE_IS_NONPAGED_POOL was set. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (Mdl->MdlFlags == MDL_SOURCE_IS_NONPAGED_POOL)
        Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return status;
}
