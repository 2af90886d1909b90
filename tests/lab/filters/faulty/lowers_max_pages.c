/* breaks DF-REG-004: DriverEntry lowers MaxPagesPerWrite to what it has a buffer for. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    if (data->MaxPagesPerWrite > 3)
        data->MaxPagesPerWrite = 3;
    return status;
}
