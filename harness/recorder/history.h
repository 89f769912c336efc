/* The history: every call that one worker's account was told, with its instants, and what the account saw of the
 * upgrades and stages at each of them: told again, it gives the same numbers (checker/replay.h). README.md says what
 * stands at which byte.
 *
 * Here: records, and their bytes. Writing and reading files: history_writer.h, history_reader.h. Pure. */
#ifndef MF_RECORDER_HISTORY_H
#define MF_RECORDER_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define MF_HISTORY_FORMAT 1

enum mf_history_field {
#define MF_HISTORY_FIELD(id, text) MF_HISTORY_##id,
#include "recorder/history_fields.def"
#undef MF_HISTORY_FIELD
    MF_HISTORY_FIELDS
};

enum mf_history_kind {
#define MF_HISTORY_KIND(id, number, fields, text) MF_HISTORY_KIND_##id = number,
#include "recorder/history_kinds.def"
#undef MF_HISTORY_KIND
    MF_HISTORY_KINDS
};
extern const char *const mf_history_kind_texts[MF_HISTORY_KINDS];

/* WHAT of a PONG, besides wire/codec.h's MF_HAS_... bits. */
#define MF_HISTORY_IS_ERROR 8u
#define MF_HISTORY_IS_WRONG 16u

struct mf_history_record {
    enum mf_history_kind kind;
    uint64_t of[MF_HISTORY_FIELDS]; /* those that its kind has; the others are 0 */
};

/* So many bytes at most. */
#define MF_HISTORY_RECORD_BYTES (1 + 10 * MF_HISTORY_FIELDS)

/* Writes the record to `out`; returns how many bytes. *last_ns: the instant of the record before it in its block, 0 at
 * its begin; becomes this one's, where it has one. */
size_t mf_history_encode(uint8_t *out, const struct mf_history_record *record, uint64_t *last_ns);
/* Reads one of `n` bytes; returns how many it took, 0 where they are no record (an unknown kind, cut off, a number past
 * 64 bits). */
size_t mf_history_decode(struct mf_history_record *record, const uint8_t *in, size_t n, uint64_t *last_ns);

/* What stands at the head of a file: the account that was told. */
struct mf_history_head {
    uint32_t worker; /* whose section of the recorder */
    uint32_t first_stream, streams, streams_total, processes, window_hint;
    uint64_t timeout_ns, window_ns;
};
#define MF_HISTORY_HEAD_BYTES 64
void mf_history_head_encode(uint8_t *out, const struct mf_history_head *head);
/* 0; -1: no history; -2: one of another version. */
int mf_history_head_decode(struct mf_history_head *head, const uint8_t *in);

/* Before the records of a block. */
struct mf_history_block {
    uint32_t bytes, records; /* that follow */
    uint32_t is_last;        /* nothing follows: the history was ended */
    uint64_t before;         /* records in the blocks before */
    uint64_t dropped;        /* records that there was no room for, up to here */
};
#define MF_HISTORY_BLOCK_HEAD_BYTES 40
#define MF_HISTORY_BLOCK_BYTES      65536 /* head and records: at most */
/* `out`: the head's place, with the records behind it. */
void mf_history_block_encode(uint8_t *out, const struct mf_history_block *block);
/* The head alone. -1: it is none. */
int mf_history_block_decode(struct mf_history_block *block, const uint8_t *in);
/* Head and records are as they were written. */
int mf_history_block_is_whole(const uint8_t *in, const struct mf_history_block *block);

#endif
