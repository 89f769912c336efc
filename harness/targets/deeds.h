/* The steps that are done at once: files replaced, signals sent. -1 with TARGET, saying what could not be done. */
#ifndef MF_TARGETS_DEEDS_H
#define MF_TARGETS_DEEDS_H

#include "targets/scene.h"

/* Each replaces `path` by rename, and makes the folders above it. */
int mf_deed_write(const char *path, const char *text, struct mf_error *err);
int mf_deed_copy(const char *path, const char *from, struct mf_error *err); /* with its mode */
int mf_deed_link(const char *path, const char *to, struct mf_error *err);
/* To the started process, or to the one that the file names; only ever to one of the target's own. */
int mf_deed_signal(struct mf_scene *scene, const struct mf_step *step, struct mf_error *err);

#endif
