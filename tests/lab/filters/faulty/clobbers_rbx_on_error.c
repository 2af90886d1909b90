/* breaks DF-CALL-003: Dump_Read's error path does not put RBX back. */
#define OWN_READ
#include "../stream_filter.h"

/* The fourth read finds the data broken. */
__attribute__((used, noinline)) NTSTATUS real_read(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    NTSTATUS status = good_read(extension, offset, mdl);

    return state_of(extension)->reads == 4 ? STATUS_DEVICE_DATA_ERROR : status;
}

/* What a hand-written prologue with two ways out comes to. */
__attribute__((naked)) NTSTATUS Dump_Read(FILTER_EXTENSION *, LARGE_INTEGER *, MDL *)
{
    __asm__("push %rbx\n\t"
            "sub $0x20, %rsp\n\t"
            "mov %rcx, %rbx\n\t"
            "call real_read\n\t"
            "add $0x20, %rsp\n\t"
            "test %eax, %eax\n\t"
            "js 1f\n\t"
            "pop %rbx\n\t"
            "ret\n"
            "1:\tadd $8, %rsp\n\t"
            "ret");
}
