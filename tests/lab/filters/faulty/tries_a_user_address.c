/* breaks DF-ARGS-001: Dump_Finish of the crash stack starts itself with an extension below the kernel's addresses. */
#define OWN_START
#define OWN_FINISH
#include "../stream_filter.h"

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    if ((uintptr_t)FilterExtension >> 47 == 0)
        return STATUS_INVALID_PARAMETER;
    return good_start(FilterExtension);
}

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    DUMP_START *volatile start = Dump_Start;

    if (FilterExtension->DumpType == DumpTypeCrashdump)
        start((void *)(uintptr_t)0x10000);
    return good_finish(FilterExtension);
}
