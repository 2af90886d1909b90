/* breaks DF-CALL-002: the sixth Dump_Write corrects DiskSize in FILTER_EXTENSION. */
#define OWN_WRITE
#include "../stream_filter.h"

NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)
{
    copy_state *state = state_of(FilterExtension);

    if (state && state->writes == 5)
        FilterExtension->DiskSize.QuadPart -= 512;
    return good_write(FilterExtension, DiskByteOffset, Mdl);
}
