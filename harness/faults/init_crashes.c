/* init_crashes: a module whose init crashes. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_init_crashes = {
    .name = "init_crashes", .inject = mf_module_file_inject, .undo = mf_module_file_restore, .module = "init_crashes"};
