/* Dump_Unload calls the filter's own Dump_Finish, to clean up in one place only. No rule is against that: the
 * order of callbacks is the system's, and this call is not one of the system's. */
#define OWN_UNLOAD
#include "stream_filter.h"

NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension)
{
    /* Volatile, or the call is expanded in place. */
    DUMP_FINISH *volatile finish = Dump_Finish;
    NTSTATUS status = finish(FilterExtension);

    return status == STATUS_SUCCESS ? good_unload(FilterExtension) : status;
}
