/* breaks DF-WRITE-007: every second transfer that is no whole pages keeps its last sector as it was. */
#define OWN_WRITE
#define WITHOUT_READ
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    static volatile uint32_t parts;
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    int keep = Mdl->ByteCount % PAGE_SIZE && Mdl->ByteCount > 512 && ++parts % 2 == 0;
    uint32_t last = Mdl->ByteCount - 512;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    for (uint32_t i = last; status == STATUS_SUCCESS && keep && i < Mdl->ByteCount; i++)
        state->buffer[i] = source[i];
    return status;
}
