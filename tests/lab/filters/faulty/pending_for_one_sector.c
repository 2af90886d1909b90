/* breaks DF-CALL-001: Dump_Read returns STATUS_PENDING for a single sector. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && Mdl->ByteCount == 512)
        return STATUS_PENDING;
    return status;
}
