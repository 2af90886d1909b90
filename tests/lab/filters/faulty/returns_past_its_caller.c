/* breaks DF-CALL-006: Dump_Read's error path throws its caller's frame away with its own. */
#define OWN_READ
#include "../stream_filter.h"

/* Every third read finds the data broken. */
__attribute__((used, noinline)) NTSTATUS real_read(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    NTSTATUS status = good_read(extension, offset, mdl);

    return state_of(extension)->reads % 3 == 0 ? STATUS_DEVICE_DATA_ERROR : status;
}

/* What a longjmp too far comes to: 0x28 bytes of the caller's frame and two return addresses are dropped. */
__attribute__((naked)) NTSTATUS Dump_Read(FILTER_EXTENSION *, LARGE_INTEGER *, MDL *)
{
    __asm__("sub $0x28, %rsp\n\t"
            "call real_read\n\t"
            "add $0x28, %rsp\n\t"
            "test %eax, %eax\n\t"
            "js 1f\n\t"
            "ret\n"
            "1:\txor %eax, %eax\n\t"
            "add $0x30, %rsp\n\t"
            "ret");
}
