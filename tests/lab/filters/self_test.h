/* For filters that try their own Dump_Read before a dump begins: what such a call gets is the filter's doing, and a
 * tracer sees it as it sees the system's calls.
 *
 * The data is in the filter's own buffer, and the disk offset is before anything that a dump writes. */
#ifndef SELF_TEST_H
#define SELF_TEST_H

#include "stream_filter.h"

#define UNUSED_OFFSET 0x2000

/* An MDL with room for two page frames, for the buffer's bytes from byte_offset. */
typedef struct {
    MDL header;
    uint64_t pfns[2];
} own_mdl;

static inline own_mdl mdl_of_buffer(const copy_state *state, uint32_t byte_offset, uint32_t size)
{
    own_mdl mdl = {
        .header =
            {
                .Size = sizeof(mdl),
                .MdlFlags = MDL_MAPPED_TO_SYSTEM_VA,
                .MappedSystemVa = state->buffer + byte_offset,
                .StartVa = state->buffer,
                .ByteCount = size,
                .ByteOffset = byte_offset,
            },
        .pfns = {state->first_pfn, state->first_pfn + 1},
    };

    return mdl;
}

static inline NTSTATUS read_own(FILTER_EXTENSION *extension, LARGE_INTEGER *offset, own_mdl *mdl)
{
    /* Volatile, or the call is expanded in place. */
    DUMP_READ *volatile read = Dump_Read;

    return read(extension, offset, &mdl->header);
}

#endif
