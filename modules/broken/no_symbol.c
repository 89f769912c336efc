/* no_symbol: a shared object that loads well and is no module: its table has another name. */
#include "base.h"

__attribute__((visibility("default"))) extern const uint32_t some_other_symbol;
const uint32_t some_other_symbol = MF_MODULE_ABI;
