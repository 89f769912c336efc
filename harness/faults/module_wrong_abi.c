/* module_wrong_abi: a module that was built for an ABI that this node does not speak. */
#include "faults/module_file.h"

const struct mf_fault mf_fault_module_wrong_abi = {
    .name = "module_wrong_abi", .inject = mf_module_file_inject, .undo = mf_module_file_restore, .module = "wrong_abi"};
