/* breaks DF-REG-003: the copy in the crash stack registers a function of the kernel's as Dump_Unload. */
#define OWN_ENTRY
#include "../stream_filter.h"

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    /* Prints what FILTER_EXTENSION begins with, and returns STATUS_SUCCESS. */
    if (extension->DumpType == DumpTypeCrashdump)
        data->DumpUnload = (DUMP_UNLOAD *)(void *)DbgPrint;
    return status;
}
