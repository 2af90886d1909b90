/* breaks DF-REG-002: DumpRead is set with its flag, but MajorVersion is 1. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    data->MajorVersion = DUMP_FILTER_MAJOR_VERSION_1;
    return status;
}
