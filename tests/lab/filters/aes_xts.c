/* The model filter: Dump_Write encrypts, Dump_Read reverts it exactly. */
#include "encrypting_filter.h"
