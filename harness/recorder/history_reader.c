#include "recorder/history_reader.h"

#include <inttypes.h>
#include <string.h>

int mf_history_open(struct mf_history_reader *r, const char *path, struct mf_error *err)
{
    uint8_t head[MF_HISTORY_HEAD_BYTES];
    r->file = NULL;
    r->records = r->last_ns = r->at = r->left = 0;
    r->over = false;
    r->gap[0] = 0;
    r->block = (struct mf_history_block){0};
    r->file = fopen(path, "rbe");
    if (!r->file)
        return mf_error_errno(err, MF_STATUS_USAGE, path, "cannot read this history");
    int bad = fread(head, 1, sizeof head, r->file) == sizeof head ? mf_history_head_decode(&r->head, head) : -1;
    if (bad == -2)
        return mf_error_set(err, MF_STATUS_USAGE, path, "is a history of another version; this program reads %d",
                            MF_HISTORY_FORMAT);
    return bad ? mf_error_set(err, MF_STATUS_USAGE, path, "is no history, or is cut off at its begin") : 0;
}

static void gap_at(struct mf_history_reader *r, const char *what)
{
    snprintf(r->gap, sizeof r->gap, "%s after %" PRIu64 " records", what, r->records);
    r->over = true;
}

/* The next block's records are in `bytes`; false: there are none. */
static bool block_read(struct mf_history_reader *r)
{
    uint8_t *bytes = r->bytes;
    if (r->over)
        return false;
    if (r->block.is_last) {
        r->over = true;
        return false;
    }
    size_t n = fread(bytes, 1, MF_HISTORY_BLOCK_HEAD_BYTES, r->file);
    if (n < MF_HISTORY_BLOCK_HEAD_BYTES) {
        gap_at(r, "it is cut off");
    } else if (mf_history_block_decode(&r->block, bytes) != 0) {
        gap_at(r, "it is damaged");
    } else if (fread(bytes + n, 1, r->block.bytes, r->file) < r->block.bytes) {
        gap_at(r, "it is cut off");
    } else if (!mf_history_block_is_whole(bytes, &r->block) || r->block.before != r->records) {
        gap_at(r, "it is damaged");
    } else if (r->block.dropped > 0) {
        gap_at(r, "records were dropped, since the disk could not keep up or was full,");
    }
    r->at = 0;
    r->left = r->block.records;
    r->last_ns = 0;
    return !r->over;
}

int mf_history_next(struct mf_history_reader *r, struct mf_history_record *record)
{
    while (r->left == 0)
        if (!block_read(r))
            return 0;
    size_t n =
        mf_history_decode(record, r->bytes + MF_HISTORY_BLOCK_HEAD_BYTES + r->at, r->block.bytes - r->at, &r->last_ns);
    if (n == 0) {
        gap_at(r, "it holds what is no record");
        r->left = 0;
        return 0;
    }
    r->at += (uint32_t)n;
    r->left--;
    r->records++;
    return 1;
}

const char *mf_history_gap(const struct mf_history_reader *r)
{
    return r->gap[0] ? r->gap : NULL;
}

void mf_history_close(struct mf_history_reader *r)
{
    if (r->file)
        fclose(r->file);
    r->file = NULL;
}
