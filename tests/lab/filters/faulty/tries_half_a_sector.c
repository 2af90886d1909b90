/* breaks DF-ARGS-003: Dump_Start tries Dump_Read at an offset within a sector. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = {.QuadPart = UNUSED_OFFSET + 256};
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    mdl = mdl_of_buffer(state_of(FilterExtension), 0, PAGE_SIZE);
    return read_own(FilterExtension, &offset, &mdl);
}
