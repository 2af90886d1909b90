/* breaks DF-ARGS-004: Dump_Start tries Dump_Read with an MDL that is mapped, and MdlFlags that do not say so. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = {.QuadPart = UNUSED_OFFSET};
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    mdl = mdl_of_buffer(state_of(FilterExtension), 0, PAGE_SIZE);
    mdl.header.MdlFlags = 0;
    read_own(FilterExtension, &offset, &mdl);
    return STATUS_SUCCESS;
}
