/* A history file read from its begin, block by block.
 *
 * Life: mf_history_open; mf_history_next until it returns 0; mf_history_gap says whether that was the end;
 * mf_history_close. What is whole is read: a file that was cut off, or damaged, gives the records of the blocks before
 * that place, one with dropped records those before the first of them. Memory: one block. Threads: one. */
#ifndef MF_RECORDER_HISTORY_READER_H
#define MF_RECORDER_HISTORY_READER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "recorder/history.h"

struct mf_history_reader {
    FILE *file;
    struct mf_history_head head;
    struct mf_history_block block;
    uint64_t records; /* given so far */
    uint32_t at, left;
    uint64_t last_ns;
    char gap[160]; /* what is missing behind the last record that was given; empty: nothing */
    bool over;
    uint8_t bytes[MF_HISTORY_BLOCK_BYTES];
};

/* -1 with USAGE: there is no such file, it is no history, it is of another version. mf_history_close takes it then. */
int mf_history_open(struct mf_history_reader *r, const char *path, struct mf_error *err);
/* 1 with the next record, or 0. */
int mf_history_next(struct mf_history_reader *r, struct mf_history_record *record);
/* NULL: all there was has been read. */
const char *mf_history_gap(const struct mf_history_reader *r);
void mf_history_close(struct mf_history_reader *r); /* takes a zeroed one */

#endif
