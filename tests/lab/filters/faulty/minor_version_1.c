/* breaks DF-REG-001: the copy in the hibernation stack says MinorVersion 1. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    if (extension->DumpType == DumpTypeHibernation)
        data->MinorVersion = 1;
    return status;
}
