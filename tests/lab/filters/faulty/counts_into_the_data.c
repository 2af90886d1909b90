/* breaks DF-READ-004: Dump_Read's last byte depends on how many reads there were. */
#define OWN_READ
#include "../stream_filter.h"

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    copy_state *state = state_of(FilterExtension);
    uint8_t *data = Mdl->MappedSystemVa;

    if (status == STATUS_SUCCESS && state->reads > 3)
        data[Mdl->ByteCount - 1] ^= (uint8_t)state->reads;
    return status;
}
