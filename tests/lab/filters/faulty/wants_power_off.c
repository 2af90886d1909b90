/* breaks DF-CALL-002: Dump_Finish sets a flag in FILTER_EXTENSION in the crash stack only. */
#define OWN_FINISH
#include "../stream_filter.h"

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    if (FilterExtension->DumpType == DumpTypeCrashdump)
        FilterExtension->Flags |= 1;
    return good_finish(FilterExtension);
}
