/* breaks DF-WRITE-001: every fifth Dump_Write flips one bit in the last page of the caller's data. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = Mdl->MappedSystemVa;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && state->writes % 5 == 0)
        source[Mdl->ByteCount - 7] ^= 0x04;
    return status;
}
