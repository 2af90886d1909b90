/* As DiskCryptor when no volume is mounted: Dump_Start says with an error that there is nothing to encrypt, and
 * the system goes on without the filter. */
#define OWN_START
#include "stream_filter.h"

#define STATUS_FVE_NOT_ENCRYPTED ((NTSTATUS)0xC0210001)

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    return state_of(FilterExtension) ? STATUS_FVE_NOT_ENCRYPTED : STATUS_INVALID_PARAMETER;
}
