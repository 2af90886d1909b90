/* breaks DF-CALL-004: every fourth Dump_Read releases its lock to PASSIVE_LEVEL, whatever the level was. */
#define OWN_READ
#include "../stream_filter.h"

#define PASSIVE_LEVEL 0

KERNEL uint8_t KeAcquireSpinLockRaiseToDpc(uintptr_t *lock);
KERNEL void KeReleaseSpinLock(uintptr_t *lock, uint8_t irql);

static uintptr_t lock;

NTSTATUS Dump_Read(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    uint8_t irql = KeAcquireSpinLockRaiseToDpc(&lock);
    NTSTATUS status = good_read(FilterExtension, DiskByteOffset, Mdl);

    KeReleaseSpinLock(&lock, state_of(FilterExtension)->reads % 4 ? irql : PASSIVE_LEVEL);
    return status;
}
