/* breaks DF-WRITE-005: Dump_Write's copy of a full transfer spans one page more than MaxPagesPerWrite. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    uint32_t header = 16;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    if (Mdl->ByteCount < state->buffer_size - SPARE_PAGES * PAGE_SIZE)
        return good_write(FilterExtension, DiskByteOffset, Mdl);
    apply_stream(state->buffer + header, source, Mdl->ByteCount, (uint64_t)DiskByteOffset->QuadPart);
    put_buffer(state, Mdl);
    Mdl->ByteOffset = header;
    Mdl->MappedSystemVa = state->buffer + header;
    mdl_pfns(Mdl)[span_pages(Mdl) - 1] = state->first_pfn + span_pages(Mdl) - 1;
    return STATUS_SUCCESS;
}
