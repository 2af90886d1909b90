/* What a dump filter sees of Windows, in declarations of our own: ntdddump.h is in no free header package.
 *
 * Layouts: the ntdddump.h reference pages on learn.microsoft.com (FILTER_EXTENSION,
 * FILTER_INITIALIZATION_DATA, DUMP_READ, DUMP_WRITE), ntdddisk.h (DISK_GEOMETRY, DISK_PARTITION_INFO) and
 * wdm.h (MDL). x64 only; DUMP_FILTER_SELF_CHECK below holds the offsets to what the tables say.
 */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096u

typedef int32_t NTSTATUS;
#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)

#define DUMP_FILTER_MAJOR_VERSION 2
#define DUMP_FILTER_MAJOR_VERSION_1 1
#define DUMP_FILTER_MINOR_VERSION 0

/* The same bit: the header gives it both names. */
#define DUMP_FILTER_CRITICAL 0x00000001
#define DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ 0x00000001

#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004

typedef union _LARGE_INTEGER {
    struct {
        uint32_t LowPart;
        int32_t HighPart;
    };
    int64_t QuadPart;
} LARGE_INTEGER;

typedef struct _DISK_GEOMETRY {
    LARGE_INTEGER Cylinders;
    uint32_t MediaType;
    uint32_t TracksPerCylinder;
    uint32_t SectorsPerTrack;
    uint32_t BytesPerSector;
} DISK_GEOMETRY;

typedef struct _DISK_PARTITION_INFO {
    uint32_t SizeOfPartitionInfo;
    uint32_t PartitionStyle;
    union {
        struct {
            uint32_t Signature;
            uint32_t CheckSum;
        } Mbr;
        struct {
            uint8_t DiskId[16];
        } Gpt;
    };
} DISK_PARTITION_INFO;

typedef struct _MDL {
    struct _MDL *Next;
    int16_t Size;
    int16_t MdlFlags;
    void *Process;
    void *MappedSystemVa;
    void *StartVa;
    uint32_t ByteCount;
    uint32_t ByteOffset;
} MDL;

typedef enum _FILTER_DUMP_TYPE {
    DumpTypeUndefined,
    DumpTypeCrashdump,
    DumpTypeHibernation
} FILTER_DUMP_TYPE;

typedef struct _FILTER_EXTENSION {
    FILTER_DUMP_TYPE DumpType;
    void *DeviceObject;
    DISK_GEOMETRY Geometry;
    LARGE_INTEGER DiskSize;
    DISK_PARTITION_INFO PartitionInfo;
    void *DumpData;
    uint32_t Size;
    uint32_t Flags;
} FILTER_EXTENSION;

typedef NTSTATUS DUMP_START(FILTER_EXTENSION *FilterExtension);
typedef NTSTATUS DUMP_WRITE(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
typedef NTSTATUS DUMP_READ(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl);
typedef NTSTATUS DUMP_FINISH(FILTER_EXTENSION *FilterExtension);
typedef NTSTATUS DUMP_UNLOAD(FILTER_EXTENSION *FilterExtension);

typedef struct _FILTER_INITIALIZATION_DATA {
    uint32_t MajorVersion;
    uint32_t MinorVersion;
    DUMP_START *DumpStart;
    DUMP_WRITE *DumpWrite;
    DUMP_FINISH *DumpFinish;
    DUMP_UNLOAD *DumpUnload;
    void *DumpData;
    uint32_t MaxPagesPerWrite;
    uint32_t Flags;
    DUMP_READ *DumpRead;
} FILTER_INITIALIZATION_DATA;

#define DUMP_FILTER_SELF_CHECK(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member)

DUMP_FILTER_SELF_CHECK(MDL, MdlFlags, 0x0A);
DUMP_FILTER_SELF_CHECK(MDL, MappedSystemVa, 0x18);
DUMP_FILTER_SELF_CHECK(MDL, ByteOffset, 0x2C);
DUMP_FILTER_SELF_CHECK(FILTER_EXTENSION, Geometry, 0x10);
DUMP_FILTER_SELF_CHECK(FILTER_EXTENSION, DumpData, 0x48);
DUMP_FILTER_SELF_CHECK(FILTER_EXTENSION, Flags, 0x54);
DUMP_FILTER_SELF_CHECK(FILTER_INITIALIZATION_DATA, DumpData, 0x28);
DUMP_FILTER_SELF_CHECK(FILTER_INITIALIZATION_DATA, DumpRead, 0x38);
_Static_assert(sizeof(MDL) == 0x30, "MDL");
_Static_assert(sizeof(FILTER_EXTENSION) == 0x58, "FILTER_EXTENSION");
_Static_assert(sizeof(FILTER_INITIALIZATION_DATA) == 0x40, "FILTER_INITIALIZATION_DATA");

/* wdm.h's MmGetMdlPfnArray. */
static inline uint64_t *mdl_pfns(MDL *mdl)
{
    return (uint64_t *)(mdl + 1);
}

/* What ntoskrnl exports and we call. NonPagedPoolNx is 512 (wdm.h). */
#define KERNEL __declspec(dllimport)
#define NON_PAGED_POOL_NX 512

KERNEL void *ExAllocatePoolWithTag(int pool, size_t size, uint32_t tag);
KERNEL void ExFreePoolWithTag(void *block, uint32_t tag);
KERNEL void *MmAllocateContiguousMemory(size_t size, LARGE_INTEGER highest);
KERNEL void MmFreeContiguousMemory(void *block);
KERNEL LARGE_INTEGER MmGetPhysicalAddress(void *address);
KERNEL uint32_t DbgPrint(const char *format, ...);

/* A filter that must be hard to find defines these two empty, and exports nothing. */
#ifndef EXPORTED
#define EXPORTED __declspec(dllexport)
#endif

#endif
