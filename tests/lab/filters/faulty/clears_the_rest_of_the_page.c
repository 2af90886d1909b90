/* breaks DF-READ-003: Dump_Read clears less than a sector after the data, in the last page. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t *end = (uint8_t *)Mdl->MappedSystemVa + Mdl->ByteCount;
    uint32_t rest = -(Mdl->ByteOffset + Mdl->ByteCount) % PAGE_SIZE;
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    for (uint32_t i = 0; status == STATUS_SUCCESS && rest < 512 && i < rest; i++)
        end[i] = 0;
    return status;
}
