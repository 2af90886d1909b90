/* breaks DF-WRITE-002: Dump_Write takes a sector from the size of a scattered transfer of full length. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    int cut = scattered(Mdl) && state && Mdl->ByteCount == state->buffer_size - SPARE_PAGES * PAGE_SIZE;
    NTSTATUS status = good_write(FilterExtension, DiskByteOffset, Mdl);

    if (status == STATUS_SUCCESS && cut)
        Mdl->ByteCount -= 512;
    return status;
}
