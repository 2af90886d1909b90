/* breaks DF-CALL-003: Dump_Write loses R15 where the page frames are scattered. */
#define OWN_WRITE
#include "../stream_filter.h"

__attribute__((used, noinline)) uint64_t real_write(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    uint64_t lose = (uint64_t)scattered(mdl) << 32;

    return lose | (uint32_t)good_write(extension, offset, mdl);
}

/* EAX is the status, the bit above it decides whether R15 is lost. */
__attribute__((naked)) NTSTATUS Dump_Write(FILTER_EXTENSION *, LARGE_INTEGER *, MDL *)
{
    __asm__("sub $0x28, %rsp\n\t"
            "call real_write\n\t"
            "add $0x28, %rsp\n\t"
            "bt $32, %rax\n\t"
            "jnc 1f\n\t"
            "xor $1, %r15\n"
            "1:\tmov %eax, %eax\n\t"
            "ret");
}
