/* breaks DF-WRITE-004: Dump_Write leaves MappedSystemVa at the caller's data where StartVa says otherwise. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *source = Mdl->MappedSystemVa;
    int disagrees = source - Mdl->ByteOffset != (uint8_t *)Mdl->StartVa;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && disagrees)
        Mdl->MappedSystemVa = source;
    return status;
}
