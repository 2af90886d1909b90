/* A filter that looks on: every callback succeeds and changes nothing. Legal, with read support. */
#include "dump_filter.h"

EXPORTED NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
EXPORTED NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
EXPORTED NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension);
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data);

/* Callbacks with equal code are one function after some linkers' identical-code folding, and a breakpoint
 * there would serve them all. Each counts for itself, so each has code of its own. */
static volatile struct {
    uint32_t starts, writes, reads, finishes, unloads;
} count;

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    (void)FilterExtension;
    count.starts++;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    (void)FilterExtension, (void)DiskByteOffset, (void)Mdl;
    count.writes++;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    (void)FilterExtension, (void)DiskByteOffset, (void)Mdl;
    count.reads++;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    (void)FilterExtension;
    count.finishes++;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension)
{
    (void)FilterExtension;
    count.unloads++;
    DbgPrint("pass_through: %u writes, %u reads\n", count.writes, count.reads);
    return STATUS_SUCCESS;
}

static FILTER_INITIALIZATION_DATA registration = {
    .MajorVersion = DUMP_FILTER_MAJOR_VERSION,
    .MinorVersion = DUMP_FILTER_MINOR_VERSION,
    .DumpStart = Dump_Start,
    .DumpWrite = Dump_Write,
    .DumpRead = Dump_Read,
    .DumpFinish = Dump_Finish,
    .DumpUnload = Dump_Unload,
};

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    /* Volatile, or the compiler makes code of the table, and then the image has no base relocations. */
    volatile FILTER_INITIALIZATION_DATA *from = &registration;

    (void)extension;
    data->MajorVersion = from->MajorVersion;
    data->MinorVersion = from->MinorVersion;
    data->DumpStart = from->DumpStart;
    data->DumpWrite = from->DumpWrite;
    data->DumpRead = from->DumpRead;
    data->DumpFinish = from->DumpFinish;
    data->DumpUnload = from->DumpUnload;
    data->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
    return STATUS_SUCCESS;
}
