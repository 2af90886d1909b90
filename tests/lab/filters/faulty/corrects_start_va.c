/* breaks DF-READ-002: Dump_Read puts StartVa right where it is stale or 0. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    Mdl->StartVa = (uint8_t *)Mdl->MappedSystemVa - Mdl->ByteOffset;
    return status;
}
