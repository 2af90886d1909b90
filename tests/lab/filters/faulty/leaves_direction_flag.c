/* breaks DF-CALL-003: Dump_Write copies backwards and leaves the direction flag set, for whole pages. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (Mdl->ByteCount % PAGE_SIZE == 0)
        __asm__ volatile("std" ::: "memory");
    return status;
}
