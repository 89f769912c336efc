/* module_no_symbol: a shared object that loads well and does not export midflight_module. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_module_no_symbol = {
    .name = "module_no_symbol", .inject = mf_module_file_inject, .undo = mf_module_file_restore, .module = "no_symbol"};
