/* breaks DF-ARGS-001: Dump_Start tries Dump_Read with an offset that is not aligned, in a packed structure. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    struct {
        uint32_t unit;
        LARGE_INTEGER offset;
    } __attribute__((packed, aligned(8))) request = {.offset = {.QuadPart = UNUSED_OFFSET}};
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    mdl = mdl_of_buffer(state_of(FilterExtension), 0, PAGE_SIZE);
    return read_own(FilterExtension, (void *)((uint8_t *)&request + sizeof(request.unit)), &mdl);
}
