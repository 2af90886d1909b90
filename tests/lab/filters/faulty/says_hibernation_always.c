/* breaks DF-ARGS-002: Dump_Finish starts itself again with an extension for hibernation, in the crash stack too. */
#define OWN_FINISH
#include "../stream_filter.h"

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    DUMP_START *volatile start = Dump_Start;
    FILTER_EXTENSION copy = *FilterExtension;

    copy.DumpType = DumpTypeHibernation;
    start(&copy);
    return good_finish(FilterExtension);
}
