/* breaks DF-READ-004: Dump_Read leaves alone what it takes for read before: an offset it has seen. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    static volatile int64_t seen[64];
    static volatile uint32_t count;

    for (uint32_t i = 0; i < count; i++)
        if (seen[i] == DiskByteOffset->QuadPart)
            return STATUS_SUCCESS;
    if (count < 64)
        seen[count++] = DiskByteOffset->QuadPart;
    return good_read(FilterExtension, DiskByteOffset, Mdl);
}
