/* What identical-code folding makes of callbacks that only succeed: one function under several names, so that a
 * breakpoint there cannot tell which was called. Dump_Write alone has code of its own. */
#include "dump_filter.h"

EXPORTED NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data);

static NTSTATUS succeed(void)
{
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    (void)FilterExtension, (void)DiskByteOffset;
    return Mdl->Next == NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* The arguments that a callback does not look at are in registers on x64, so one function fits all types. */
static void *const folded = (void *)succeed;

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    void *volatile const *function = &folded;

    (void)extension;
    data->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    data->MinorVersion = DUMP_FILTER_MINOR_VERSION;
    data->DumpStart = *function;
    data->DumpWrite = Dump_Write;
    data->DumpRead = *function;
    data->DumpFinish = *function;
    data->DumpUnload = *function;
    data->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
    return STATUS_SUCCESS;
}
