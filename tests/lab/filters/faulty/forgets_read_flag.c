/* breaks DF-REG-002: DumpRead is set and version 2, but no flag says that reads are supported. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    data->Flags &= ~DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
    return status;
}
