/* convert_hangs: a module with a state layout of its own whose convert never returns. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_convert_hangs = {.name = "convert_hangs",
                                                .inject = mf_module_file_inject,
                                                .undo = mf_module_file_restore,
                                                .module = "convert_hangs"};
