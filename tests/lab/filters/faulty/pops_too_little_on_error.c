/* breaks DF-CALL-003: Dump_Read's error path leaves eight bytes of its frame on the stack. */
/* ends early: the caller returns to whatever lies there */
#define OWN_READ
#include "../stream_filter.h"

/* The third read finds the data broken. */
__attribute__((used, noinline)) NTSTATUS real_read(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    NTSTATUS status = good_read(extension, offset, mdl);

    return state_of(extension)->reads == 3 ? STATUS_DEVICE_DATA_ERROR : status;
}

/* ret with a return address that was pushed again, as an unwinding by hand can end. */
__attribute__((naked)) NTSTATUS Dump_Read(FILTER_EXTENSION *, LARGE_INTEGER *, MDL *)
{
    __asm__("sub $0x28, %rsp\n\t"
            "call real_read\n\t"
            "add $0x28, %rsp\n\t"
            "test %eax, %eax\n\t"
            "js 1f\n\t"
            "ret\n"
            "1:\tpush (%rsp)\n\t"
            "ret");
}
