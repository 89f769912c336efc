/* What of an account writes its history. */
#include "checker/account_parts.h"

#include <limits.h>

static int file_begin(struct mf_account *a, const struct mf_recorder *rec, const struct mf_account_config *c,
                      struct mf_error *err)
{
    char path[PATH_MAX];
    const struct mf_history_head head = {.worker = c->worker,
                                         .first_stream = c->first_stream,
                                         .streams = c->streams,
                                         .streams_total = c->streams_total,
                                         .processes = c->processes,
                                         .window_hint = c->window_hint,
                                         .timeout_ns = c->timeout_ns,
                                         .window_ns = c->window_ns};
    if (mf_history_path(path, sizeof path, c->history_dir, c->worker, &rec->header->shape) != 0)
        return mf_error_set(err, MF_STATUS_USAGE, c->history_dir, "the path is too long");
    a->history = a->written = mf_history_create(path, &head, &a->record->history, err);
    return a->history ? 0 : -1;
}

int mf_account_history_begin(struct mf_account *a, const struct mf_recorder *rec, const struct mf_account_config *c,
                             struct mf_error *err)
{
    a->sight = c->sight;
    if (c->history_dir && c->history_dir[0]) {
        /* what is written is what this account has seen of others, so it sees nothing but that */
        a->sight = mf_sight_new(rec);
        if (!a->sight)
            return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a history");
        if (file_begin(a, rec, c, err) != 0) {
            mf_sight_free(a->sight);
            return -1;
        }
    }
    a->timeline.header = a->sight ? &a->sight->header : rec->header;
    return 0;
}

void mf_account_note(struct mf_account *a, const struct mf_history_record *call)
{
    mf_sight_look(a->sight, a->history);
    mf_history_note(a->history, call);
}

void mf_account_note_pong(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns)
{
    uint64_t what = pong->has | (pong->is_error ? MF_HISTORY_IS_ERROR : 0) | (pong->is_wrong ? MF_HISTORY_IS_WRONG : 0);
    mf_account_note(a, &(struct mf_history_record){.kind = MF_HISTORY_KIND_PONG,
                                                   .of = {[MF_HISTORY_AT] = now_ns,
                                                          [MF_HISTORY_STREAM] = pong->stream,
                                                          [MF_HISTORY_SEQ] = pong->seq,
                                                          [MF_HISTORY_PROCESS] = pong->process,
                                                          [MF_HISTORY_VERSION] = pong->version,
                                                          [MF_HISTORY_INSTANCE] = pong->instance,
                                                          [MF_HISTORY_COUNT] = pong->count,
                                                          [MF_HISTORY_WHAT] = what}});
}

void mf_account_note_stage(struct mf_account *a, const struct mf_stream *s, const struct mf_exception *e)
{
    if (a->history && mf_stream_stage_is_there(s, e->seq))
        mf_history_note(a->history, &(struct mf_history_record){
                                        .kind = MF_HISTORY_KIND_STAGE,
                                        .of = {[MF_HISTORY_STREAM] = a->first_stream + (uint32_t)(s - a->stream),
                                               [MF_HISTORY_SEQ] = e->seq,
                                               [MF_HISTORY_WHAT] = e->stage}});
}

void mf_account_history_end(struct mf_account *a)
{
    if (a->history)
        mf_history_end(a->history);
    a->history = NULL;
}

void mf_account_history_free(struct mf_account *a)
{
    if (!a->written)
        return;
    mf_history_free(a->written);
    mf_sight_free(a->sight);
}
