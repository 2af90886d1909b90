/* breaks DF-ARGS-003: Dump_Start tries Dump_Read with a page that begins in the disk's last sector. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = FilterExtension->DiskSize;
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    offset.QuadPart -= 512;
    mdl = mdl_of_buffer(state_of(FilterExtension), 0, PAGE_SIZE);
    return read_own(FilterExtension, &offset, &mdl);
}
