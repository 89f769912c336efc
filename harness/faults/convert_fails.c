/* convert_fails: a module with a state layout of its own to which it can convert none. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_convert_fails = {.name = "convert_fails",
                                                .inject = mf_module_file_inject,
                                                .undo = mf_module_file_restore,
                                                .module = "convert_fails"};
