/* A fault that a test with whole pages of zeros would miss: Dump_Read leaves the last sector encrypted. */
#define SECTORS_FORGOTTEN 1
#include "encrypting_filter.h"
