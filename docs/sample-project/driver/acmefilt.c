/* acmefilt: the dump filter of a disk encryption product that does not exist. It encrypts what Windows dumps,
 * but for the image's header, which the boot loader has to read.
 *
 * The key stream is no cipher: it only has to be one that the tests can compute, too.
 *
 * ACME_1_0 and ACME_FORGETS_THE_TAIL build it with a fault each; see README.md.
 */
#include "dump_filter.h"

#define ACME_TAG 0x656D6341u /* "Acme" */

KERNEL void *memcpy(void *target, const void *source, size_t size);
KERNEL void *memset(void *target, int value, size_t size);

EXPORTED NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
EXPORTED NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
EXPORTED NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension);
EXPORTED NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension);
NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data);

typedef struct {
    uint8_t *buffer;
    uint64_t first_pfn;
    uint32_t size, started;
    int64_t header, header_end;
} acme_state;

/* Byte n of the disk has its own key byte, so that a read may begin anywhere. */
static uint8_t key_byte(uint64_t at)
{
    return (uint8_t)(at * 0x9D + (at >> 8) * 0x65 + (at >> 16) + 0xAC);
}

static void crypt(const acme_state *state, uint8_t *data, uint32_t size, int64_t at)
{
    for (uint32_t i = 0; i < size; i++)
        if (at + i < state->header || at + i >= state->header_end)
            data[i] ^= key_byte((uint64_t)at + i);
}

static int begins_with(const uint8_t *data, const char *magic)
{
    while (*magic)
        if (*data++ != (uint8_t)*magic++)
            return 0;
    return 1;
}

/* MappedSystemVa alone can be trusted: StartVa may be 0 or stale. */
static uint8_t *data_of(const acme_state *state, const MDL *mdl)
{
    if (!state || !state->started || mdl->ByteCount > state->size)
        return NULL;
    if (!(mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)))
        return NULL;
    return mdl->MappedSystemVa;
}

NTSTATUS Dump_Start(FILTER_EXTENSION *FilterExtension)
{
    acme_state *state = FilterExtension->DumpData;

    state->started = 1;
    return STATUS_SUCCESS;
}

/* The caller's pages must not be touched: encrypt a copy, and put its page frames into the MDL. */
NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    acme_state *state = FilterExtension->DumpData;
    uint8_t *data = data_of(state, Mdl);

    if (!data)
        return STATUS_INVALID_PARAMETER;
    if (begins_with(data, "HIBR") || begins_with(data, "PAGEDU64")) {
        state->header = DiskByteOffset->QuadPart;
        state->header_end = state->header + Mdl->ByteCount;
        return STATUS_SUCCESS;
    }
    memcpy(state->buffer, data, Mdl->ByteCount);
    crypt(state, state->buffer, Mdl->ByteCount, DiskByteOffset->QuadPart);
    for (uint32_t i = 0; i < (Mdl->ByteCount + PAGE_SIZE - 1) / PAGE_SIZE; i++)
        mdl_pfns(Mdl)[i] = state->first_pfn + i;
    Mdl->StartVa = state->buffer;
    Mdl->MappedSystemVa = state->buffer;
    Mdl->ByteOffset = 0;
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    acme_state *state = FilterExtension->DumpData;
    uint8_t *data = data_of(state, Mdl);
    uint32_t size = Mdl->ByteCount;

    if (!data)
        return STATUS_INVALID_PARAMETER;
#ifdef ACME_FORGETS_THE_TAIL
    size &= ~(PAGE_SIZE - 1);
#endif
    crypt(state, data, size, DiskByteOffset->QuadPart);
    return STATUS_SUCCESS;
}

NTSTATUS Dump_Finish(FILTER_EXTENSION *FilterExtension)
{
    acme_state *state = FilterExtension->DumpData;

    memset(state->buffer, 0, state->size);
    state->started = 0;
#ifdef ACME_1_0
    return 0x00000103; /* STATUS_PENDING, copied from where it was right. */
#else
    return STATUS_SUCCESS;
#endif
}

NTSTATUS Dump_Unload(FILTER_EXTENSION *FilterExtension)
{
    acme_state *state = FilterExtension->DumpData;

    FilterExtension->DumpData = NULL;
    MmFreeContiguousMemory(state->buffer);
    ExFreePoolWithTag(state, ACME_TAG);
    return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    LARGE_INTEGER highest = {.QuadPart = INT64_MAX};
    acme_state *state = ExAllocatePoolWithTag(NON_PAGED_POOL_NX, sizeof(*state), ACME_TAG);

    (void)extension;
    if (!state)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(state, 0, sizeof(*state));
    state->size = data->MaxPagesPerWrite * PAGE_SIZE;
    state->buffer = MmAllocateContiguousMemory(state->size, highest);
    if (!state->buffer) {
        ExFreePoolWithTag(state, ACME_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    state->first_pfn = (uint64_t)MmGetPhysicalAddress(state->buffer).QuadPart / PAGE_SIZE;
    data->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    data->MinorVersion = DUMP_FILTER_MINOR_VERSION;
    data->DumpStart = Dump_Start;
    data->DumpWrite = Dump_Write;
    data->DumpRead = Dump_Read;
    data->DumpFinish = Dump_Finish;
    data->DumpUnload = Dump_Unload;
    data->DumpData = state;
    data->Flags |= DUMP_FILTER_CRITICAL | DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
    return STATUS_SUCCESS;
}
