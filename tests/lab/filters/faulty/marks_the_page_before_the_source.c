/* breaks DF-WRITE-001: Dump_Write marks the eight bytes before a source that begins with its page. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *source = Mdl->MappedSystemVa;
    uint32_t byte_offset = Mdl->ByteOffset;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && byte_offset == 0)
        *(uint64_t *)(source - 8) = TAG;
    return status;
}
