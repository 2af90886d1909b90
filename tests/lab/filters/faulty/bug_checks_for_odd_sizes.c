/* breaks DF-CALL-005: Dump_Write raises a bug check for a size that is not a whole number of pages. */
/* ends early: nothing is called after a bug check */
#define OWN_WRITE
#include "../stream_filter.h"

#define INTERNAL_POWER_ERROR 0xA0

KERNEL void KeBugCheckEx(uint32_t code, uintptr_t one, uintptr_t two, uintptr_t three, uintptr_t four);

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    if (Mdl->ByteCount % PAGE_SIZE)
        KeBugCheckEx(INTERNAL_POWER_ERROR, (uintptr_t)Mdl, Mdl->ByteCount, 0, 0);
    return good_write(FilterExtension, DiskByteOffset, Mdl);
}
