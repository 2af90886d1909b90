/* breaks DF-REG-005: not a fault: DUMP_FILTER_CRITICAL alone, the bit that also means read support. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    data->DumpRead = NULL;
    return status;
}
