/* breaks DF-CALL-002: Dump_Start of the resume changes DumpData, which only Dump_Unload may. */
#define OWN_START
#include "../stream_filter.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    copy_state *state = state_of(FilterExtension);

    if (state && state->finished == 1) {
        copy_state *again = ExAllocatePoolWithTag(NON_PAGED_POOL_NX, sizeof(*again), TAG);

        if (!again)
            return STATUS_INSUFFICIENT_RESOURCES;
        *again = *state;
        ExFreePoolWithTag(state, TAG);
        FilterExtension->DumpData = again;
    }
    return good_start(FilterExtension);
}
