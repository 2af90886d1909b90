/* breaks DF-CALL-003: Dump_Read's fast path for whole pages works in XMM6 and does not put it back. */
#define OWN_READ
#include "../stream_filter.h"

__attribute__((used, noinline)) NTSTATUS real_read(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, MDL *mdl)
{
    return good_read(extension, offset, mdl);
}

/* R8 is the MDL; ByteCount is at 0x28. A compiler would have saved XMM6; assembly has to do it by hand. */
__attribute__((naked)) NTSTATUS Dump_Read(FILTER_EXTENSION *, LARGE_INTEGER *, MDL *)
{
    __asm__("testl $0xFFF, 0x28(%r8)\n\t"
            "jnz real_read\n\t"
            "pxor %xmm6, %xmm6\n\t"
            "jmp real_read");
}
