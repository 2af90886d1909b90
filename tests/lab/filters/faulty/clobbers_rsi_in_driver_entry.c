/* breaks DF-CALL-003: DriverEntry does not put RSI back in the crash stack. */
#define OWN_ENTRY
#include "../stream_filter.h"

/* The upper half says whether to lose RSI, the lower is the status. */
__attribute__((used, noinline)) uint64_t real_entry(FILTER_EXTENSION *extension, FILTER_INITIALIZATION_DATA *data)
{
    uint64_t lose = (uint64_t)(extension->DumpType == DumpTypeCrashdump) << 32;

    return lose | (uint32_t)good_entry(extension, data);
}

__attribute__((naked)) NTSTATUS DriverEntry(FILTER_EXTENSION *, FILTER_INITIALIZATION_DATA *)
{
    __asm__("sub $0x28, %rsp\n\t"
            "call real_entry\n\t"
            "add $0x28, %rsp\n\t"
            "bt $32, %rax\n\t"
            "jnc 1f\n\t"
            "lea 8(%rsi), %rsi\n"
            "1:\tmov %eax, %eax\n\t"
            "ret");
}
