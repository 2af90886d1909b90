/* breaks DF-CALL-004: DriverEntry raises the IRQL to set up its copy, and lowers it on the error path only. */
#define OWN_ENTRY
#include "../stream_filter.h"

KERNEL uint8_t KeRaiseIrqlToDpcLevel(void);
KERNEL void KeLowerIrql(uint8_t irql);

NTSTATUS DriverEntry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    uint8_t irql = KeRaiseIrqlToDpcLevel();
    NTSTATUS status = good_entry(extension, data);

    if (status != STATUS_SUCCESS)
        KeLowerIrql(irql);
    return status;
}
