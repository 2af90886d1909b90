/* breaks DF-WRITE-001: Dump_Write writes into the caller's first page, before ByteOffset. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *source = Mdl->MappedSystemVa;

    if (Mdl->ByteOffset)
        source[-2] = 0;
    return good_write(FilterExtension, DiskByteOffset, Mdl);
}
