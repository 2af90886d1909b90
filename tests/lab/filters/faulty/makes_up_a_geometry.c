/* breaks DF-ARGS-002: Dump_Start tries Dump_Read with sectors of 520 bytes, as some storage arrays have. */
#define OWN_START
#include "../self_test.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_start(FilterExtension);
    LARGE_INTEGER offset = {.QuadPart = UNUSED_OFFSET};
    FILTER_EXTENSION copy = *FilterExtension;
    own_mdl mdl;

    if (status != STATUS_SUCCESS)
        return status;
    copy.Geometry.BytesPerSector = 520;
    mdl = mdl_of_buffer(state_of(FilterExtension), 0, 512);
    return read_own(&copy, &offset, &mdl);
}
