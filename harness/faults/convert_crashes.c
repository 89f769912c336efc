/* convert_crashes: a module with a state layout of its own whose convert crashes. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_convert_crashes = {.name = "convert_crashes",
                                                  .inject = mf_module_file_inject,
                                                  .undo = mf_module_file_restore,
                                                  .module = "convert_crashes"};
