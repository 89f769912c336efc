/* The files of the modules of one run, in the node's own folder, so that a fault may take one's place.
 *
 * Life: mf_module_files_make before the target starts (i.so, and i.good: the same file under another name);
 * mf_module_file_... at an upgrade; all go with the folder. A file appears under its name by rename: whole or not at
 * all. */
#ifndef MF_FAULTS_MODULE_FILE_H
#define MF_FAULTS_MODULE_FILE_H

#include "faults/fault.h"

#define MF_MODULES_FOLDER "modules"

/* The path of module `index` of the run. */
int mf_module_file_path(const char *scratch, uint32_t index, char *path, size_t bytes);
int mf_module_files_make(const struct mf_fault_site *site, const char *const *sources, uint32_t n,
                         struct mf_error *err);

/* A file's bytes, to be changed and put in place. */
struct mf_bytes {
    uint8_t *at; /* malloc */
    size_t size;
};
/* The module that the act's upgrade is to load, as it should be. */
int mf_module_file_read(const struct mf_fault_act *act, struct mf_bytes *bytes, struct mf_error *err);
/* Puts `bytes` in its place (the no-op twin: the good ones, as a new file), and frees them. Fills act->what. */
int mf_module_file_put(struct mf_fault_act *act, struct mf_bytes *bytes, struct mf_error *err);
/* Puts a module of modules/broken in its place (the fault's `module`). `number` and `path` are written into its order
 * (modules/broken/order.h) where it has one; path may be NULL. */
int mf_module_file_put_broken(struct mf_fault_act *act, uint64_t number, const char *path, struct mf_error *err);
/* `inject` of the faults whose whole work that is. */
int mf_module_file_inject(struct mf_fault_act *act, struct mf_error *err);
/* `undo` of all of them. */
int mf_module_file_restore(struct mf_fault_act *act, struct mf_error *err);

#endif
