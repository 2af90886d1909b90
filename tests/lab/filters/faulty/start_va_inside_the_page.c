/* breaks DF-WRITE-003: Dump_Write's StartVa is no page's where the caller's buffer had a ByteOffset. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint32_t inside = Mdl->ByteOffset;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS)
        Mdl->StartVa = (uint8_t *)Mdl->StartVa + inside;
    return status;
}
