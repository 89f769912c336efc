/* module_wrong_arch: the module as it is, but for the machine that its header names. */
#include <elf.h>
#include <string.h>

#include "faults/module_file.h"

static int module_wrong_arch_inject(struct mf_fault_act *act, struct mf_error *err)
{
    struct mf_bytes bytes;
    if (mf_module_file_read(act, &bytes, err) != 0)
        return -1;
    Elf64_Ehdr head; /* e_machine stands at the same place in a 32-bit one */
    if (bytes.size > sizeof head) {
        memcpy(&head, bytes.at, sizeof head);
        head.e_machine = head.e_machine == EM_S390 ? EM_PPC64 : EM_S390;
        memcpy(bytes.at, &head, sizeof head);
    }
    return mf_module_file_put(act, &bytes, err);
}

const struct mf_fault mf_fault_module_wrong_arch = {
    .name = "module_wrong_arch", .inject = module_wrong_arch_inject, .undo = mf_module_file_restore};
