/* breaks DF-SEQ-001: Dump_Finish swaps two callbacks in the system's table, so that the next start is a finish. */
#define OWN_FINISH
#include "../stream_filter.h"

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    copy_state *state = state_of(FilterExtension);
    NTSTATUS status = good_finish(FilterExtension);

    if (state->table) {
        state->table->DumpStart = Dump_Finish;
        state->table->DumpFinish = Dump_Start;
        state->table = NULL;
    }
    state->started = 1;
    return status;
}
