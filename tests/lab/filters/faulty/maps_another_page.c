/* breaks DF-ARGS-005: Dump_Start tries Dump_Read with the address of a page and the page frame of the next. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = {.QuadPart = UNUSED_OFFSET};
    copy_state *state = state_of(FilterExtension);
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    state->buffer[0] = 0x5A;
    state->buffer[PAGE_SIZE] = 0xA5;
    mdl = mdl_of_buffer(state, 0, PAGE_SIZE);
    mdl.pfns[0] = state->first_pfn + 1;
    return read_own(FilterExtension, &offset, &mdl);
}
