/* As VeraCrypt: encrypts what is written, version 1, no Dump_Read. */
#define WITHOUT_READ
#include "encrypting_filter.h"
