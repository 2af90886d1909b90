/* As aes_xts, and nothing tells a debugger where its callbacks are: no exports, no symbols. */
#define EXPORTED
#include "encrypting_filter.h"
