/* init_hangs: a module whose init never returns. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_init_hangs = {
    .name = "init_hangs", .inject = mf_module_file_inject, .undo = mf_module_file_restore, .module = "init_hangs"};
