/* breaks DF-TRIP-001: from the second unaligned one on, Dump_Write spoils a byte at a page border. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    static volatile uint32_t unaligned;
    copy_state *state = state_of(FilterExtension);
    uint32_t border = PAGE_SIZE - Mdl->ByteOffset;
    int spoil = Mdl->ByteOffset && Mdl->ByteCount > border && ++unaligned > 1;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && spoil)
        state->buffer[border] ^= 0x80;
    return status;
}
