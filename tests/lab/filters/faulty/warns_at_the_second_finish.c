/* breaks DF-CALL-001: Dump_Finish returns a warning value after the resume. */
#define OWN_FINISH
#include "../stream_filter.h"

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    NTSTATUS status = good_finish(FilterExtension);

    return state_of(FilterExtension)->finished == 2 ? STATUS_BUFFER_OVERFLOW : status;
}
