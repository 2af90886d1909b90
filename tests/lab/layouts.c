/* What a C compiler says of the structures in pykd_dumpfilt/structures.
 *
 * Compiled to assembly only (see layouts.py): every EMIT leaves a comment line there, nothing is linked or
 * run. Types and constants are the headers' own; where no public header has them (FILTER_*, CodeView) they
 * are declared here from the sources that pykd_dumpfilt/structures names.
 */

#define EMIT(key, value) __asm__ volatile("\n#LAYOUT " key " %c0" : : "i"(value))
#define EMIT2(key, first, second) __asm__ volatile("\n#LAYOUT " key " %c0 %c1" : : "i"(first), "i"(second))

#define STRUCTURE(type) EMIT2("structure " #type, (int)sizeof(type), (int)_Alignof(type))
#define FIELD(type, member)                                                                                  \
    EMIT2("field " #type " " #member, (int)__builtin_offsetof(type, member), (int)sizeof(((type *)0)->member))
#define NUMBER(type, member)                                                                                 \
    FIELD(type, member);                                                                                     \
    EMIT("signed " #type " " #member, (__typeof__(((type *)0)->member))-1 < (__typeof__(((type *)0)->member))0)
#define VALUE(name) EMIT("value " #name, (int)(name))
#define RESULT(expression) EMIT("result " #expression, (int)(expression))

#ifdef KERNEL

#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <ntddk.h>
#include <ntdddisk.h>

typedef enum _FILTER_DUMP_TYPE { DumpTypeUndefined, DumpTypeCrashdump, DumpTypeHibernation } FILTER_DUMP_TYPE;

typedef struct {
    FILTER_DUMP_TYPE DumpType;
    PDEVICE_OBJECT DeviceObject;
    DISK_GEOMETRY Geometry;
    LARGE_INTEGER DiskSize;
    DISK_PARTITION_INFO PartitionInfo;
    PVOID DumpData;
} FILTER_EXTENSION_V1;

typedef struct {
    FILTER_DUMP_TYPE DumpType;
    PDEVICE_OBJECT DeviceObject;
    DISK_GEOMETRY Geometry;
    LARGE_INTEGER DiskSize;
    DISK_PARTITION_INFO PartitionInfo;
    PVOID DumpData;
    ULONG Size;
    ULONG Flags;
} FILTER_EXTENSION;

#define INITIALIZATION_DATA_MEMBERS                                                                          \
    ULONG MajorVersion;                                                                                      \
    ULONG MinorVersion;                                                                                      \
    PVOID DumpStart;                                                                                         \
    PVOID DumpWrite;                                                                                         \
    PVOID DumpFinish;                                                                                        \
    PVOID DumpUnload;                                                                                        \
    PVOID DumpData;                                                                                          \
    ULONG MaxPagesPerWrite;                                                                                  \
    ULONG Flags;

typedef struct {
    INITIALIZATION_DATA_MEMBERS
} FILTER_INITIALIZATION_DATA_V1;

typedef struct {
    INITIALIZATION_DATA_MEMBERS
    PVOID DumpRead;
} FILTER_INITIALIZATION_DATA;

typedef struct {
    INITIALIZATION_DATA_MEMBERS
    PVOID DumpRead;
    PVOID DumpPreReadWrite;
} FILTER_INITIALIZATION_DATA_PRE_READ_WRITE;

typedef struct {
    FILTER_INITIALIZATION_DATA_V1 InitializationData;
    FILTER_EXTENSION_V1 Extension;
    LIST_ENTRY ListEntry;
} FILTER_CONTEXT_V1;

typedef struct {
    FILTER_INITIALIZATION_DATA InitializationData;
    FILTER_EXTENSION Extension;
    LIST_ENTRY ListEntry;
} FILTER_CONTEXT;

typedef struct {
    FILTER_INITIALIZATION_DATA_PRE_READ_WRITE InitializationData;
    FILTER_EXTENSION Extension;
    LIST_ENTRY ListEntry;
} FILTER_CONTEXT_PRE_READ_WRITE;

#define EXTENSION_V1(type)                                                                                   \
    STRUCTURE(type);                                                                                         \
    NUMBER(type, DumpType);                                                                                  \
    NUMBER(type, DeviceObject);                                                                              \
    FIELD(type, Geometry);                                                                                   \
    NUMBER(type, Geometry.Cylinders.QuadPart);                                                               \
    NUMBER(type, Geometry.MediaType);                                                                        \
    NUMBER(type, Geometry.TracksPerCylinder);                                                                \
    NUMBER(type, Geometry.SectorsPerTrack);                                                                  \
    NUMBER(type, Geometry.BytesPerSector);                                                                   \
    NUMBER(type, DiskSize.QuadPart);                                                                         \
    FIELD(type, PartitionInfo);                                                                              \
    NUMBER(type, PartitionInfo.SizeOfPartitionInfo);                                                         \
    NUMBER(type, PartitionInfo.PartitionStyle);                                                              \
    FIELD(type, PartitionInfo.Mbr);                                                                          \
    NUMBER(type, PartitionInfo.Mbr.Signature);                                                               \
    NUMBER(type, PartitionInfo.Mbr.CheckSum);                                                                \
    FIELD(type, PartitionInfo.Gpt);                                                                          \
    FIELD(type, PartitionInfo.Gpt.DiskId);                                                                   \
    NUMBER(type, DumpData)

#define INITIALIZATION_DATA_V1(type)                                                                         \
    STRUCTURE(type);                                                                                         \
    NUMBER(type, MajorVersion);                                                                              \
    NUMBER(type, MinorVersion);                                                                              \
    NUMBER(type, DumpStart);                                                                                 \
    NUMBER(type, DumpWrite);                                                                                 \
    NUMBER(type, DumpFinish);                                                                                \
    NUMBER(type, DumpUnload);                                                                                \
    NUMBER(type, DumpData);                                                                                  \
    NUMBER(type, MaxPagesPerWrite);                                                                          \
    NUMBER(type, Flags)

#define CONTEXT(type)                                                                                        \
    STRUCTURE(type);                                                                                         \
    FIELD(type, InitializationData);                                                                         \
    FIELD(type, Extension);                                                                                  \
    FIELD(type, ListEntry)

#define S(name) EMIT("value STATUS_" #name, (int)STATUS_##name);

void layouts(void)
{
    EXTENSION_V1(FILTER_EXTENSION_V1);
    EXTENSION_V1(FILTER_EXTENSION);
    NUMBER(FILTER_EXTENSION, Size);
    NUMBER(FILTER_EXTENSION, Flags);

    INITIALIZATION_DATA_V1(FILTER_INITIALIZATION_DATA_V1);
    INITIALIZATION_DATA_V1(FILTER_INITIALIZATION_DATA);
    NUMBER(FILTER_INITIALIZATION_DATA, DumpRead);
    INITIALIZATION_DATA_V1(FILTER_INITIALIZATION_DATA_PRE_READ_WRITE);
    NUMBER(FILTER_INITIALIZATION_DATA_PRE_READ_WRITE, DumpRead);
    NUMBER(FILTER_INITIALIZATION_DATA_PRE_READ_WRITE, DumpPreReadWrite);

    CONTEXT(FILTER_CONTEXT_V1);
    CONTEXT(FILTER_CONTEXT);
    CONTEXT(FILTER_CONTEXT_PRE_READ_WRITE);

    STRUCTURE(DISK_GEOMETRY);
    NUMBER(DISK_GEOMETRY, Cylinders.QuadPart);
    NUMBER(DISK_GEOMETRY, MediaType);
    NUMBER(DISK_GEOMETRY, TracksPerCylinder);
    NUMBER(DISK_GEOMETRY, SectorsPerTrack);
    NUMBER(DISK_GEOMETRY, BytesPerSector);

    STRUCTURE(DISK_PARTITION_INFO);
    NUMBER(DISK_PARTITION_INFO, SizeOfPartitionInfo);
    NUMBER(DISK_PARTITION_INFO, PartitionStyle);
    FIELD(DISK_PARTITION_INFO, Mbr);
    NUMBER(DISK_PARTITION_INFO, Mbr.Signature);
    NUMBER(DISK_PARTITION_INFO, Mbr.CheckSum);
    FIELD(DISK_PARTITION_INFO, Gpt);
    FIELD(DISK_PARTITION_INFO, Gpt.DiskId);

    STRUCTURE(MDL);
    NUMBER(MDL, Next);
    NUMBER(MDL, Size);
    NUMBER(MDL, MdlFlags);
    NUMBER(MDL, Process);
    NUMBER(MDL, MappedSystemVa);
    NUMBER(MDL, StartVa);
    NUMBER(MDL, ByteCount);
    NUMBER(MDL, ByteOffset);
    STRUCTURE(PFN_NUMBER);

    STRUCTURE(LARGE_INTEGER);
    NUMBER(LARGE_INTEGER, QuadPart);
    STRUCTURE(GUID);

    VALUE(DumpTypeUndefined);
    VALUE(DumpTypeCrashdump);
    VALUE(DumpTypeHibernation);
    VALUE(PARTITION_STYLE_MBR);
    VALUE(PARTITION_STYLE_GPT);
    VALUE(PARTITION_STYLE_RAW);

    VALUE(MDL_MAPPED_TO_SYSTEM_VA);
    VALUE(MDL_PAGES_LOCKED);
    VALUE(MDL_SOURCE_IS_NONPAGED_POOL);
    VALUE(MDL_ALLOCATED_FIXED_SIZE);
    VALUE(MDL_PARTIAL);
    VALUE(MDL_PARTIAL_HAS_BEEN_MAPPED);
    VALUE(MDL_IO_PAGE_READ);
    VALUE(MDL_WRITE_OPERATION);
    VALUE(MDL_PARENT_MAPPED_SYSTEM_VA);
    VALUE(MDL_FREE_EXTRA_PTES);
    VALUE(MDL_DESCRIBES_AWE);
    VALUE(MDL_IO_SPACE);
    VALUE(MDL_NETWORK_HEADER);
    VALUE(MDL_MAPPING_CAN_FAIL);
    VALUE(MDL_ALLOCATED_MUST_SUCCEED);
    VALUE(MDL_INTERNAL);

    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x0));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x1));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x1000));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xFFF, 0x1));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xFFF, 0x2));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x200, 0x10000));
    RESULT(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x12345E00, 0x400));
    RESULT(NT_SUCCESS(0x0));
    RESULT(NT_SUCCESS(0x103));
    RESULT(NT_SUCCESS(0x40000001));
    RESULT(NT_SUCCESS(0x80000005));
    RESULT(NT_SUCCESS(0xC00000BB));
    RESULT(NT_ERROR(0x0));
    RESULT(NT_ERROR(0x40000001));
    RESULT(NT_ERROR(0x80000005));
    RESULT(NT_ERROR(0xC00000BB));

    S(SUCCESS) S(WAIT_1) S(ABANDONED_WAIT_0) S(USER_APC) S(ALERTED) S(TIMEOUT) S(PENDING) S(REPARSE)
    S(MORE_ENTRIES) S(VOLSNAP_HIBERNATE_READY) S(OBJECT_NAME_EXISTS) S(THREAD_WAS_SUSPENDED)
    S(FT_READ_RECOVERY_FROM_BACKUP) S(FT_WRITE_RECOVERY) S(HIBERNATED) S(RESUME_HIBERNATION)
    S(ABANDON_HIBERFILE) S(GUARD_PAGE_VIOLATION) S(DATATYPE_MISALIGNMENT) S(BREAKPOINT) S(SINGLE_STEP)
    S(BUFFER_OVERFLOW) S(NO_MORE_FILES) S(DEVICE_POWERED_OFF) S(DEVICE_OFF_LINE) S(DEVICE_BUSY)
    S(NO_MORE_ENTRIES) S(MEDIA_CHANGED) S(END_OF_MEDIA) S(MEDIA_CHECK) S(NO_DATA_DETECTED)
    S(FVE_PARTIAL_METADATA) S(FVE_TRANSIENT_STATE) S(UNSUCCESSFUL) S(NOT_IMPLEMENTED) S(INVALID_INFO_CLASS)
    S(INFO_LENGTH_MISMATCH) S(ACCESS_VIOLATION) S(IN_PAGE_ERROR) S(INVALID_HANDLE) S(BAD_INITIAL_STACK)
    S(INVALID_CID) S(INVALID_PARAMETER) S(NO_SUCH_DEVICE) S(NO_SUCH_FILE) S(INVALID_DEVICE_REQUEST)
    S(END_OF_FILE) S(WRONG_VOLUME) S(NO_MEDIA_IN_DEVICE) S(UNRECOGNIZED_MEDIA) S(NONEXISTENT_SECTOR)
    S(MORE_PROCESSING_REQUIRED) S(NO_MEMORY) S(CONFLICTING_ADDRESSES) S(NOT_MAPPED_VIEW)
    S(INVALID_SYSTEM_SERVICE) S(ILLEGAL_INSTRUCTION) S(ACCESS_DENIED) S(BUFFER_TOO_SMALL)
    S(OBJECT_TYPE_MISMATCH) S(NONCONTINUABLE_EXCEPTION) S(NOT_LOCKED) S(INVALID_PARAMETER_MIX)
    S(DISK_CORRUPT_ERROR) S(OBJECT_NAME_INVALID) S(OBJECT_NAME_NOT_FOUND) S(OBJECT_NAME_COLLISION)
    S(DEVICE_ALREADY_ATTACHED) S(OBJECT_PATH_INVALID) S(OBJECT_PATH_NOT_FOUND) S(DATA_OVERRUN)
    S(DATA_LATE_ERROR) S(DATA_ERROR) S(CRC_ERROR) S(SECTION_TOO_BIG) S(SHARING_VIOLATION)
    S(FILE_LOCK_CONFLICT) S(LOCK_NOT_GRANTED) S(DELETE_PENDING) S(PRIVILEGE_NOT_HELD) S(WRONG_PASSWORD)
    S(LOGON_FAILURE) S(PROCEDURE_NOT_FOUND) S(INVALID_IMAGE_FORMAT) S(DISK_FULL) S(NOT_MAPPED_DATA)
    S(RESOURCE_DATA_NOT_FOUND) S(INTEGER_DIVIDE_BY_ZERO) S(INTEGER_OVERFLOW) S(PRIVILEGED_INSTRUCTION)
    S(INSUFFICIENT_RESOURCES) S(DEVICE_DATA_ERROR) S(DEVICE_NOT_CONNECTED) S(DEVICE_POWER_FAILURE)
    S(FREE_VM_NOT_AT_BASE) S(MEMORY_NOT_ALLOCATED) S(WORKING_SET_QUOTA) S(MEDIA_WRITE_PROTECTED)
    S(DEVICE_NOT_READY) S(BAD_VALIDATION_CLASS) S(INVALID_READ_MODE) S(IO_TIMEOUT) S(FILE_FORCED_CLOSED)
    S(FILE_IS_A_DIRECTORY) S(NOT_SUPPORTED) S(DEVICE_DOES_NOT_EXIST) S(BAD_DEVICE_TYPE) S(NOT_SAME_DEVICE)
    S(INTERNAL_ERROR) S(UNEXPECTED_IO_ERROR) S(INVALID_PARAMETER_1) S(INVALID_PARAMETER_2)
    S(INVALID_PARAMETER_3) S(INVALID_PARAMETER_4) S(INVALID_PARAMETER_5) S(INVALID_PARAMETER_6)
    S(INVALID_PARAMETER_7) S(INVALID_PARAMETER_8) S(INVALID_PARAMETER_9) S(INVALID_PARAMETER_10)
    S(INVALID_PARAMETER_11) S(INVALID_PARAMETER_12) S(STACK_OVERFLOW) S(BAD_FUNCTION_TABLE) S(CANCELLED)
    S(CANNOT_DELETE) S(FILE_DELETED) S(FILE_CLOSED) S(THREAD_NOT_IN_PROCESS) S(DLL_NOT_FOUND)
    S(ENTRYPOINT_NOT_FOUND) S(UNHANDLED_EXCEPTION) S(UNRECOGNIZED_VOLUME) S(DISK_RECALIBRATE_FAILED)
    S(DISK_OPERATION_FAILED) S(DISK_RESET_FAILED) S(PARTITION_FAILURE) S(INVALID_BLOCK_LENGTH)
    S(DEVICE_NOT_PARTITIONED) S(NO_MEDIA) S(DEVICE_CONFIGURATION_ERROR) S(DRIVER_INTERNAL_ERROR)
    S(INVALID_DEVICE_STATE) S(IO_DEVICE_ERROR) S(DEVICE_PROTOCOL_ERROR) S(DRIVER_CANCEL_TIMEOUT) S(NOT_FOUND)
    S(RETRY) S(DRIVER_ORDINAL_NOT_FOUND) S(DRIVER_ENTRYPOINT_NOT_FOUND) S(DRIVER_UNABLE_TO_LOAD)
    S(VOLUME_DISMOUNTED) S(ENCRYPTION_FAILED) S(DECRYPTION_FAILED) S(RANGE_NOT_FOUND) S(NO_RECOVERY_POLICY)
    S(FILE_ENCRYPTED) S(DEVICE_REMOVED) S(NOINTERFACE) S(DRIVER_FAILED_SLEEP) S(DATATYPE_MISALIGNMENT_ERROR)
    S(POWER_STATE_INVALID) S(CRYPTO_SYSTEM_INVALID) S(DRIVER_BLOCKED_CRITICAL) S(DRIVER_BLOCKED)
    S(DRIVER_DATABASE_ERROR) S(VOLSNAP_PREPARE_HIBERNATE) S(STACK_BUFFER_OVERRUN) S(HIBERNATION_FAILURE)
    S(INVALID_CRUNTIME_PARAMETER) S(ASSERTION_FAILURE) S(INVALID_IMAGE_HASH) S(HARDWARE_MEMORY_ERROR)
    S(VOLUME_DIRTY) S(FVE_LOCKED_VOLUME) S(FVE_NOT_ENCRYPTED) S(FVE_BAD_INFORMATION) S(FVE_TOO_SMALL)
    S(FVE_ACTION_NOT_ALLOWED) S(FVE_BAD_DATA) S(FVE_VOLUME_NOT_BOUND) S(FVE_CONV_READ_ERROR)
    S(FVE_CONV_WRITE_ERROR) S(FVE_OVERLAPPED_UPDATE) S(FVE_FAILED_SECTOR_SIZE) S(FVE_FAILED_AUTHENTICATION)
    S(FVE_BAD_METADATA_POINTER) S(FVE_OLD_METADATA_COPY) S(FVE_REBOOT_REQUIRED) S(FVE_RAW_ACCESS)
    S(FVE_RAW_BLOCKED) S(FVE_VIRTUALIZED_SPACE_TOO_BIG)
}

#else

#include <windows.h>
#include <winioctl.h>

typedef struct {
    DWORD CvSignature;
    GUID Guid;
    DWORD Age;
} CODEVIEW_RSDS;

#define OPTIONAL_HEADER(type)                                                                                \
    STRUCTURE(type);                                                                                         \
    NUMBER(type, Magic);                                                                                     \
    NUMBER(type, MajorLinkerVersion);                                                                        \
    NUMBER(type, MinorLinkerVersion);                                                                        \
    NUMBER(type, SizeOfCode);                                                                                \
    NUMBER(type, SizeOfInitializedData);                                                                     \
    NUMBER(type, SizeOfUninitializedData);                                                                   \
    NUMBER(type, AddressOfEntryPoint);                                                                       \
    NUMBER(type, BaseOfCode);                                                                                \
    NUMBER(type, ImageBase);                                                                                 \
    NUMBER(type, SectionAlignment);                                                                          \
    NUMBER(type, FileAlignment);                                                                             \
    NUMBER(type, MajorOperatingSystemVersion);                                                               \
    NUMBER(type, MinorOperatingSystemVersion);                                                               \
    NUMBER(type, MajorImageVersion);                                                                         \
    NUMBER(type, MinorImageVersion);                                                                         \
    NUMBER(type, MajorSubsystemVersion);                                                                     \
    NUMBER(type, MinorSubsystemVersion);                                                                     \
    NUMBER(type, Win32VersionValue);                                                                         \
    NUMBER(type, SizeOfImage);                                                                               \
    NUMBER(type, SizeOfHeaders);                                                                             \
    NUMBER(type, CheckSum);                                                                                  \
    NUMBER(type, Subsystem);                                                                                 \
    NUMBER(type, DllCharacteristics);                                                                        \
    NUMBER(type, SizeOfStackReserve);                                                                        \
    NUMBER(type, SizeOfStackCommit);                                                                         \
    NUMBER(type, SizeOfHeapReserve);                                                                         \
    NUMBER(type, SizeOfHeapCommit);                                                                          \
    NUMBER(type, LoaderFlags);                                                                               \
    NUMBER(type, NumberOfRvaAndSizes);                                                                       \
    FIELD(type, DataDirectory)

void layouts(void)
{
    STRUCTURE(IMAGE_DOS_HEADER);
    NUMBER(IMAGE_DOS_HEADER, e_magic);
    NUMBER(IMAGE_DOS_HEADER, e_cblp);
    NUMBER(IMAGE_DOS_HEADER, e_cp);
    NUMBER(IMAGE_DOS_HEADER, e_crlc);
    NUMBER(IMAGE_DOS_HEADER, e_cparhdr);
    NUMBER(IMAGE_DOS_HEADER, e_minalloc);
    NUMBER(IMAGE_DOS_HEADER, e_maxalloc);
    NUMBER(IMAGE_DOS_HEADER, e_ss);
    NUMBER(IMAGE_DOS_HEADER, e_sp);
    NUMBER(IMAGE_DOS_HEADER, e_csum);
    NUMBER(IMAGE_DOS_HEADER, e_ip);
    NUMBER(IMAGE_DOS_HEADER, e_cs);
    NUMBER(IMAGE_DOS_HEADER, e_lfarlc);
    NUMBER(IMAGE_DOS_HEADER, e_ovno);
    FIELD(IMAGE_DOS_HEADER, e_res);
    NUMBER(IMAGE_DOS_HEADER, e_oemid);
    NUMBER(IMAGE_DOS_HEADER, e_oeminfo);
    FIELD(IMAGE_DOS_HEADER, e_res2);
    NUMBER(IMAGE_DOS_HEADER, e_lfanew);

    STRUCTURE(IMAGE_FILE_HEADER);
    NUMBER(IMAGE_FILE_HEADER, Machine);
    NUMBER(IMAGE_FILE_HEADER, NumberOfSections);
    NUMBER(IMAGE_FILE_HEADER, TimeDateStamp);
    NUMBER(IMAGE_FILE_HEADER, PointerToSymbolTable);
    NUMBER(IMAGE_FILE_HEADER, NumberOfSymbols);
    NUMBER(IMAGE_FILE_HEADER, SizeOfOptionalHeader);
    NUMBER(IMAGE_FILE_HEADER, Characteristics);

    OPTIONAL_HEADER(IMAGE_OPTIONAL_HEADER32);
    NUMBER(IMAGE_OPTIONAL_HEADER32, BaseOfData);
    OPTIONAL_HEADER(IMAGE_OPTIONAL_HEADER64);

    STRUCTURE(IMAGE_DATA_DIRECTORY);
    NUMBER(IMAGE_DATA_DIRECTORY, VirtualAddress);
    NUMBER(IMAGE_DATA_DIRECTORY, Size);

    STRUCTURE(IMAGE_DEBUG_DIRECTORY);
    NUMBER(IMAGE_DEBUG_DIRECTORY, Characteristics);
    NUMBER(IMAGE_DEBUG_DIRECTORY, TimeDateStamp);
    NUMBER(IMAGE_DEBUG_DIRECTORY, MajorVersion);
    NUMBER(IMAGE_DEBUG_DIRECTORY, MinorVersion);
    NUMBER(IMAGE_DEBUG_DIRECTORY, Type);
    NUMBER(IMAGE_DEBUG_DIRECTORY, SizeOfData);
    NUMBER(IMAGE_DEBUG_DIRECTORY, AddressOfRawData);
    NUMBER(IMAGE_DEBUG_DIRECTORY, PointerToRawData);

    STRUCTURE(IMAGE_SECTION_HEADER);
    FIELD(IMAGE_SECTION_HEADER, Name);
    FIELD(IMAGE_SECTION_HEADER, Misc);
    NUMBER(IMAGE_SECTION_HEADER, Misc.VirtualSize);
    NUMBER(IMAGE_SECTION_HEADER, VirtualAddress);
    NUMBER(IMAGE_SECTION_HEADER, SizeOfRawData);
    NUMBER(IMAGE_SECTION_HEADER, PointerToRawData);
    NUMBER(IMAGE_SECTION_HEADER, PointerToRelocations);
    NUMBER(IMAGE_SECTION_HEADER, PointerToLinenumbers);
    NUMBER(IMAGE_SECTION_HEADER, NumberOfRelocations);
    NUMBER(IMAGE_SECTION_HEADER, NumberOfLinenumbers);
    NUMBER(IMAGE_SECTION_HEADER, Characteristics);

    STRUCTURE(CODEVIEW_RSDS);
    NUMBER(CODEVIEW_RSDS, CvSignature);
    FIELD(CODEVIEW_RSDS, Guid);
    NUMBER(CODEVIEW_RSDS, Age);

    VALUE(IMAGE_DOS_SIGNATURE);
    VALUE(IMAGE_NT_SIGNATURE);
    VALUE(IMAGE_FILE_MACHINE_I386);
    VALUE(IMAGE_FILE_MACHINE_AMD64);
    VALUE(IMAGE_FILE_MACHINE_ARM64);
    VALUE(IMAGE_NT_OPTIONAL_HDR32_MAGIC);
    VALUE(IMAGE_NT_OPTIONAL_HDR64_MAGIC);
    VALUE(IMAGE_DIRECTORY_ENTRY_DEBUG);
    VALUE(IMAGE_DEBUG_TYPE_CODEVIEW);
    VALUE(IMAGE_SCN_MEM_DISCARDABLE);
    VALUE(IMAGE_SCN_MEM_EXECUTE);
    VALUE(IMAGE_SCN_MEM_WRITE);

    VALUE(Unknown);
    VALUE(F5_1Pt2_512);
    VALUE(F3_1Pt44_512);
    VALUE(F3_2Pt88_512);
    VALUE(F3_20Pt8_512);
    VALUE(F3_720_512);
    VALUE(F5_360_512);
    VALUE(F5_320_512);
    VALUE(F5_320_1024);
    VALUE(F5_180_512);
    VALUE(F5_160_512);
    VALUE(RemovableMedia);
    VALUE(FixedMedia);
    VALUE(F3_120M_512);
    VALUE(F3_640_512);
    VALUE(F5_640_512);
    VALUE(F5_720_512);
    VALUE(F3_1Pt2_512);
    VALUE(F3_1Pt23_1024);
    VALUE(F5_1Pt23_1024);
    VALUE(F3_128Mb_512);
    VALUE(F3_230Mb_512);
    VALUE(F8_256_128);
    VALUE(F3_200Mb_512);
    VALUE(F3_240M_512);
    VALUE(F3_32M_512);
}

#endif
