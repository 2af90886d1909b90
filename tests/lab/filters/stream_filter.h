/* A filter without fault for others to build on, and for the faulty ones to spoil in one place.
 *
 * It works as encrypting_filter.h does, with a key stream instead of AES-XTS, because many filters run for each
 * table of proof: byte n of the partition is XORed with a byte that follows from n. Dump_Write does so in a copy
 * of its own and puts its page frames into the MDL by hand; Dump_Read does so in place.
 *
 * Before including it:
 *   OWN_START, OWN_WRITE, OWN_READ, OWN_FINISH, OWN_UNLOAD, OWN_ENTRY
 *                           the filter has this one itself; good_start and so on are there for it to call
 *   WITHOUT_READ            no Dump_Read, version 1
 *   TRANSFERS_ONLY          Dump_Start, Dump_Finish and Dump_Unload are NULL
 */
#ifndef STREAM_FILTER_H
#define STREAM_FILTER_H

#include "dump_filter.h"

/* The buffer has a page more than a transfer: faults go there and nowhere else. */
#define SPARE_PAGES 1u
#define TAG 0x74466D53u /* "SmFt" */
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_DEVICE_DATA_ERROR ((NTSTATUS)0xC000009C)

EXPORTED NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
#ifndef WITHOUT_READ
EXPORTED NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
#endif
#ifndef TRANSFERS_ONLY
EXPORTED NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension);
#endif
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data);

/* What one copy of the filter knows: its DumpData. */
typedef struct {
    uint8_t *buffer;
    uint64_t first_pfn;
    uint32_t buffer_size;
    uint32_t started, writes, reads, finished;
    FILTER_INITIALIZATION_DATA *table;
} copy_state;

static inline copy_state *state_of(const FILTER_EXTENSION *extension)
{
    return extension->DumpData;
}

/* How many pages the buffer touches: ADDRESS_AND_SIZE_TO_SPAN_PAGES. */
static inline uint32_t span_pages(const MDL *mdl)
{
    return (mdl->ByteOffset + mdl->ByteCount + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Whether the page frames do not follow each other: where one address and a length are no description. */
static inline int scattered(MDL *mdl)
{
    for (uint32_t i = 1; i < span_pages(mdl); i++)
        if (mdl_pfns(mdl)[i] != mdl_pfns(mdl)[i - 1] + 1)
            return 1;
    return 0;
}

/* The data, or NULL when the transfer is not one that we can do. MappedSystemVa alone can be trusted. */
static inline uint8_t *transfer_data(const copy_state *state, const LARGE_INTEGER *offset, const MDL *mdl)
{
    if (!state || !state->started || !(mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)))
        return NULL;
    if (mdl->ByteCount > state->buffer_size - SPARE_PAGES * PAGE_SIZE || offset->QuadPart < 0)
        return NULL;
    return mdl->MappedSystemVa;
}

static inline uint8_t stream_byte(uint64_t at)
{
    uint64_t mixed = (at >> 3) * 0x9E3779B97F4A7C15u;

    mixed ^= mixed >> 29;
    return (uint8_t)(mixed >> (8 * (at & 7)));
}

static inline void apply_stream(uint8_t *to, const uint8_t *from, uint32_t size, uint64_t at)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = from[i] ^ stream_byte(at + i);
}

/* The buffer's page frames instead of the caller's. */
static inline void put_buffer(copy_state *state, MDL *mdl)
{
    uint32_t pages = (mdl->ByteCount + PAGE_SIZE - 1) / PAGE_SIZE;

    for (uint32_t i = 0; i < pages; i++)
        mdl_pfns(mdl)[i] = state->first_pfn + i;
    mdl->StartVa = state->buffer;
    mdl->MappedSystemVa = state->buffer;
    mdl->ByteOffset = 0;
}

static inline NTSTATUS good_start(FILTER_EXTENSION *extension)
{
    copy_state *state = state_of(extension);

    if (!state)
        return STATUS_INVALID_PARAMETER;
    state->started = 1;
    return STATUS_SUCCESS;
}

static inline NTSTATUS good_write(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    copy_state *state = state_of(extension);
    uint8_t *source = transfer_data(state, offset, mdl);

    if (!source)
        return STATUS_INVALID_PARAMETER;
    state->writes++;
    apply_stream(state->buffer, source, mdl->ByteCount, (uint64_t)offset->QuadPart);
    put_buffer(state, mdl);
    return STATUS_SUCCESS;
}

static inline NTSTATUS good_read(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    copy_state *state = state_of(extension);
    uint8_t *data = transfer_data(state, offset, mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    state->reads++;
    apply_stream(data, data, mdl->ByteCount, (uint64_t)offset->QuadPart);
    return STATUS_SUCCESS;
}

static inline NTSTATUS good_finish(FILTER_EXTENSION *extension)
{
    copy_state *state = state_of(extension);

    if (state)
        state->finished++, state->started = 0;
    return STATUS_SUCCESS;
}

static inline NTSTATUS good_unload(FILTER_EXTENSION *extension)
{
    copy_state *state = state_of(extension);

    extension->DumpData = NULL;
    if (state) {
        MmFreeContiguousMemory(state->buffer);
        ExFreePoolWithTag(state, TAG);
    }
    return STATUS_SUCCESS;
}

static FILTER_INITIALIZATION_DATA registration = {
    .MinorVersion = DUMP_FILTER_MINOR_VERSION,
    .DumpWrite = Dump_Write,
#ifndef TRANSFERS_ONLY
    .DumpStart = Dump_Start,
    .DumpFinish = Dump_Finish,
    .DumpUnload = Dump_Unload,
#endif
#ifdef WITHOUT_READ
    .MajorVersion = DUMP_FILTER_MAJOR_VERSION_1,
#else
    .MajorVersion = DUMP_FILTER_MAJOR_VERSION,
    .DumpRead = Dump_Read,
#endif
};

static inline NTSTATUS good_entry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    /* Volatile, or the compiler makes code of the table, and then the image has no base relocations. */
    volatile FILTER_INITIALIZATION_DATA *from = &registration;
    LARGE_INTEGER highest = {.QuadPart = INT64_MAX};
    copy_state *state;

    (void)extension;
    data->Flags |= DUMP_FILTER_CRITICAL;
    if (data->MaxPagesPerWrite == 0)
        return STATUS_INVALID_PARAMETER;
    state = ExAllocatePoolWithTag(NON_PAGED_POOL_NX, sizeof(*state), TAG);
    if (!state)
        return STATUS_INSUFFICIENT_RESOURCES;
    *state = (copy_state){.buffer_size = (data->MaxPagesPerWrite + SPARE_PAGES) * PAGE_SIZE, .table = data};
    state->buffer = MmAllocateContiguousMemory(state->buffer_size, highest);
    if (!state->buffer) {
        ExFreePoolWithTag(state, TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    state->first_pfn = (uint64_t)MmGetPhysicalAddress(state->buffer).QuadPart / PAGE_SIZE;
    data->MajorVersion = from->MajorVersion;
    data->MinorVersion = from->MinorVersion;
    data->DumpStart = from->DumpStart;
    data->DumpWrite = from->DumpWrite;
    data->DumpFinish = from->DumpFinish;
    data->DumpUnload = from->DumpUnload;
    data->DumpData = state;
#ifndef WITHOUT_READ
    data->DumpRead = from->DumpRead;
    data->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
#endif
    return STATUS_SUCCESS;
}

#ifndef OWN_START
NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    return good_start(FilterExtension);
}
#endif

#ifndef OWN_WRITE
NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    return good_write(FilterExtension, DiskByteOffset, Mdl);
}
#endif

#if !defined(OWN_READ) && !defined(WITHOUT_READ)
NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    return good_read(FilterExtension, DiskByteOffset, Mdl);
}
#endif

#ifndef OWN_FINISH
NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    return good_finish(FilterExtension);
}
#endif

#ifndef OWN_UNLOAD
NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension)
{
    return good_unload(FilterExtension);
}
#endif

#ifndef OWN_ENTRY
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    return good_entry(extension, data);
}
#endif

#endif
