/* Changes during its calls nearly all that it must not, and puts everything back before it returns: what counts is
 * how things are at return. Dump_Read decrypts in the filter's own buffer and copies back. */
#define OWN_WRITE
#define OWN_READ
#include "stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *source = transfer_data(state, DiskByteOffset, Mdl);
    uint64_t at = (uint64_t)DiskByteOffset->QuadPart;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    apply_stream(source, source, Mdl->ByteCount, at);
    for (uint32_t i = 0; i < Mdl->ByteCount; i++)
        state->buffer[i] = source[i];
    apply_stream(source, source, Mdl->ByteCount, at);
    put_buffer(state, Mdl);
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);
    uint8_t *data = transfer_data(state, DiskByteOffset, Mdl);
    int64_t offset = DiskByteOffset->QuadPart, disk_size = FilterExtension->DiskSize.QuadPart;
    MDL before = *Mdl;
    uint8_t neighbour;

    if (!data)
        return STATUS_INVALID_PARAMETER;
    /* The byte after the data is in the caller's last page, or it is none of ours to touch. */
    neighbour = (before.ByteOffset + before.ByteCount) % PAGE_SIZE ? data[before.ByteCount] : 0;
    for (uint32_t done = 0; done < before.ByteCount; done++) {
        state->buffer[done] = data[done] ^ stream_byte((uint64_t)DiskByteOffset->QuadPart);
        DiskByteOffset->QuadPart++;
        FilterExtension->DiskSize.QuadPart--;
        Mdl->ByteOffset++;
    }
    for (uint32_t done = 0; done < before.ByteCount; done++)
        data[done] = state->buffer[done];
    if ((before.ByteOffset + before.ByteCount) % PAGE_SIZE) {
        data[before.ByteCount] ^= 0xFF;
        *(volatile uint8_t *)(data + before.ByteCount) = neighbour;
    }
    *Mdl = before;
    DiskByteOffset->QuadPart = offset;
    FilterExtension->DiskSize.QuadPart = disk_size;
    return STATUS_SUCCESS;
}
