/* Only what it needs, as the documentation allows: Dump_Write and Dump_Read, and NULL for the rest. */
#define OWN_START
#define OWN_FINISH
#define OWN_UNLOAD
#define OWN_ENTRY
#define TRANSFERS_ONLY
#include "stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    /* There will be no Dump_Start, and no Dump_Unload to free anything. */
    if (status == STATUS_SUCCESS)
        ((copy_state *)data->DumpData)->started = 1;
    return status;
}
