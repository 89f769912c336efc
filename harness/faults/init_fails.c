/* init_fails: a module whose init says that it cannot work. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_init_fails = {
    .name = "init_fails", .inject = mf_module_file_inject, .undo = mf_module_file_restore, .module = "init_fails"};
