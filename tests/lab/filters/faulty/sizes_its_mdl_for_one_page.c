/* breaks DF-ARGS-004: Dump_Start tries Dump_Read with a page of data in two pages, and an MDL whose Size is for one. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = {.QuadPart = UNUSED_OFFSET};
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    mdl = mdl_of_buffer(state_of(FilterExtension), 2048, PAGE_SIZE);
    mdl.header.Size = sizeof(MDL) + sizeof(uint64_t);
    return read_own(FilterExtension, &offset, &mdl);
}
