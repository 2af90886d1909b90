/* As VeraCrypt with a hidden system: encrypts, and writes to another place by adding to *DiskByteOffset. The
 * documentation says that a filter should not, so it is worth a warning and no more. Version 1, no Dump_Read. */
#define OWN_WRITE
#define WITHOUT_READ
#include "stream_filter.h"

#define REMAPPED ((int64_t)1 << 30)

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS)
        DiskByteOffset->QuadPart += REMAPPED;
    return status;
}
