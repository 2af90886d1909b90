/* breaks DF-REG-003: Dump_Finish is code in the pool. */
#define OWN_ENTRY
#include "../stream_filter.h"

#define EXECUTABLE_POOL 0 /* NonPagedPool, wdm.h */

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    NTSTATUS status = good_entry(extension, data);

    uint8_t *code = ExAllocatePoolWithTag(EXECUTABLE_POOL, PAGE_SIZE, TAG);

    if (!code)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* xor eax, eax; ret */
    code[0] = 0x31, code[1] = 0xC0, code[2] = 0xC3;
    data->DumpFinish = (DUMP_FINISH *)(void *)code;
    return status;
}
