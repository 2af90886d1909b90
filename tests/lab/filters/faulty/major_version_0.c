/* breaks DF-REG-001: MajorVersion is wiped together with what DriverEntry leaves behind. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    data->MajorVersion = 0;
    return status;
}
