/* A history file under way. The thread that notes never waits: it fills blocks in memory, and a thread of the writer's
 * own, at the lowest priority, puts them on the disk.
 *
 * Life: mf_history_create; mf_history_note; mf_history_end once nothing more will be noted; mf_history_free, which
 * waits until all is on the disk (or the disk has refused), and must not be called where waiting does harm. Memory: 8
 * MiB, all of it at the start. Where the disk cannot keep up, or is full, records are dropped and counted: from then on
 * the history is of no use, and says so. Threads: the noting one; the writer's own blocks every signal. */
#ifndef MF_RECORDER_HISTORY_WRITER_H
#define MF_RECORDER_HISTORY_WRITER_H

#include "base/error.h"
#include "recorder/history.h"
#include "recorder/recorder.h"

struct mf_history_writer;

/* The name of worker `worker`'s file in a run's folder; of `shape.workers`: the probes'. `path` has `bytes`. -1: too
 * long. */
int mf_history_path(char *path, size_t bytes, const char *dir, uint32_t worker, const struct mf_recorder_shape *shape);
/* Makes the file, which must not exist. What is told of the history at its end is written to *told by
 * mf_history_free. NULL with INTERNAL. */
struct mf_history_writer *mf_history_create(const char *path, const struct mf_history_head *head,
                                            struct mf_history_told *told, struct mf_error *err);
/* The same into a descriptor, which it takes, on failure too. `path` is for errors. */
struct mf_history_writer *mf_history_create_in(int fd, const char *path, const struct mf_history_head *head,
                                               struct mf_history_told *told, struct mf_error *err);
void mf_history_note(struct mf_history_writer *w, const struct mf_history_record *record);
void mf_history_end(struct mf_history_writer *w);
/* Takes NULL. One that was not ended is a history that is cut off. */
void mf_history_free(struct mf_history_writer *w);

#endif
