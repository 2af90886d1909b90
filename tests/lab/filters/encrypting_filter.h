/* A filter that encrypts what is written to disk, as a full-disk encryption product does, for several .c files.
 *
 * Dump_Write may not touch the caller's pages, so it encrypts a copy in a contiguous buffer of its own and puts
 * that buffer's page frames into the MDL by hand, as VeraCrypt and DiskCryptor do: at HIGH_LEVEL no Mm routine
 * may be called. Dump_Read decrypts in place.
 *
 * Before including it:
 *   WITHOUT_READ            no Dump_Read, version 1
 *   SECTORS_FORGOTTEN       how many sectors at the end of each transfer Dump_Read leaves as they are (a fault)
 *   EXPORTED                empty: export nothing
 */
#include "dump_filter.h"
#include "aes_xts.h"

#ifndef SECTORS_FORGOTTEN
#define SECTORS_FORGOTTEN 0
#endif

#define TAG 0x74466D44u /* "DmFt" */

KERNEL void *memcpy(void *target, const void *source, size_t size);
KERNEL void *memset(void *target, int value, size_t size);

EXPORTED NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
EXPORTED NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension);
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data);

/* What one copy of the filter knows: its DumpData. */
typedef struct {
    xts_key key;
    uint8_t *buffer;
    uint64_t first_pfn;
    uint32_t buffer_size;
    uint32_t started;
} copy_state;

/* A product asks its driver for the key; what is encrypted here holds no secret. */
static void make_key(uint8_t key[XTS_KEY_SIZE])
{
    for (uint32_t i = 0; i < XTS_KEY_SIZE; i++)
        key[i] = (uint8_t)(0x3B + 0x59 * i);
}

static void wipe(void *data, size_t size)
{
    volatile uint8_t *byte = data;

    while (size--)
        *byte++ = 0;
}

/* The data, or NULL when the transfer is not one that we can do. MappedSystemVa alone can be trusted: StartVa
 * may be 0 or stale. */
static void *transfer_data(const copy_state *state, const LARGE_INTEGER *offset, const MDL *mdl)
{
    if (!state || !state->started || !(mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)))
        return NULL;
    if (mdl->ByteCount > state->buffer_size || mdl->ByteCount % XTS_UNIT || offset->QuadPart % XTS_UNIT)
        return NULL;
    return mdl->MappedSystemVa;
}

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    copy_state *state = FilterExtension->DumpData;

    if (!state)
        return STATUS_INVALID_PARAMETER;
    state->started = 1;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = FilterExtension->DumpData;
    void *source = transfer_data(state, DiskByteOffset, Mdl);
    uint32_t pages = (Mdl->ByteCount + PAGE_SIZE - 1) / PAGE_SIZE;

    if (!source)
        return STATUS_INVALID_PARAMETER;
    memcpy(state->buffer, source, Mdl->ByteCount);
    xts_crypt(&state->key, 0, (uint64_t)DiskByteOffset->QuadPart / XTS_UNIT, state->buffer, Mdl->ByteCount);
    for (uint32_t i = 0; i < pages; i++)
        mdl_pfns(Mdl)[i] = state->first_pfn + i;
    Mdl->StartVa = state->buffer;
    Mdl->MappedSystemVa = state->buffer;
    Mdl->ByteOffset = 0;
    return STATUS_SUCCESS;
}

#ifndef WITHOUT_READ
EXPORTED NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = FilterExtension->DumpData;
    void *data = transfer_data(state, DiskByteOffset, Mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    xts_crypt(&state->key, 1, (uint64_t)DiskByteOffset->QuadPart / XTS_UNIT, data,
              Mdl->ByteCount - SECTORS_FORGOTTEN * XTS_UNIT);
    return STATUS_SUCCESS;
}
#endif

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    copy_state *state = FilterExtension->DumpData;

    /* The key stays: after hibernation Dump_Read needs it. */
    if (state) {
        memset(state->buffer, 0, state->buffer_size);
        state->started = 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension)
{
    copy_state *state = FilterExtension->DumpData;

    FilterExtension->DumpData = NULL;
    if (state) {
        MmFreeContiguousMemory(state->buffer);
        wipe(state, sizeof(*state));
        ExFreePoolWithTag(state, TAG);
    }
    return STATUS_SUCCESS;
}

static FILTER_INITIALIZATION_DATA registration = {
    .MinorVersion = DUMP_FILTER_MINOR_VERSION,
    .DumpStart = Dump_Start,
    .DumpWrite = Dump_Write,
    .DumpFinish = Dump_Finish,
    .DumpUnload = Dump_Unload,
#ifdef WITHOUT_READ
    .MajorVersion = DUMP_FILTER_MAJOR_VERSION_1,
#else
    .MajorVersion = DUMP_FILTER_MAJOR_VERSION,
    .DumpRead = Dump_Read,
#endif
};

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    /* Volatile, or the compiler makes code of the table, and then the image has no base relocations. */
    volatile FILTER_INITIALIZATION_DATA *from = &registration;
    LARGE_INTEGER highest = {.QuadPart = INT64_MAX};
    uint8_t key[XTS_KEY_SIZE];
    copy_state *state;

    (void)extension;
    /* Before anything can fail: a dump that would be written unencrypted must not be written at all. */
    data->Flags |= DUMP_FILTER_CRITICAL;
    if (data->MaxPagesPerWrite == 0)
        return STATUS_INVALID_PARAMETER;
    state = ExAllocatePoolWithTag(NON_PAGED_POOL_NX, sizeof(*state), TAG);
    if (!state)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(state, 0, sizeof(*state));
    state->buffer_size = data->MaxPagesPerWrite * PAGE_SIZE;
    state->buffer = MmAllocateContiguousMemory(state->buffer_size, highest);
    if (!state->buffer) {
        ExFreePoolWithTag(state, TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    state->first_pfn = (uint64_t)MmGetPhysicalAddress(state->buffer).QuadPart / PAGE_SIZE;
    aes_make_tables();
    make_key(key);
    xts_set_key(&state->key, key);
    wipe(key, sizeof(key));

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
