#include "checker/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RING_MIN 8u
#define RING_MAX (1ULL << 32)

int mf_stream_init(struct mf_stream *s, uint32_t hint)
{
    uint64_t size = RING_MIN;
    while (size < hint)
        size *= 2;
    s->ring = calloc(size, sizeof *s->ring);
    if (!s->ring)
        return -1;
    s->mask = size - 1;
    return 0;
}

void mf_stream_done(struct mf_stream *s)
{
    free(s->ring);
    free(s->exceptions);
    s->ring = NULL;
    s->exceptions = NULL;
}

void mf_stream_slide(struct mf_stream *s, mf_slid *on_slid, void *ctx)
{
    while (s->low < s->next) {
        const struct mf_slot *slot = mf_stream_slot(s, s->low);
        if (slot->state != MF_SLOT_GOOD || s->run.open) {
            if (mf_slot_is_open(slot))
                return;
            on_slid(ctx, s, s->low, slot);
        }
        s->low++;
    }
}

static int stream_double(struct mf_stream *s)
{
    uint64_t size = 2 * (s->mask + 1);
    struct mf_slot *ring = size <= RING_MAX ? calloc(size, sizeof *ring) : NULL;
    if (!ring)
        return -1;
    for (uint64_t seq = s->low; seq < s->next; seq++)
        ring[seq & (size - 1)] = *mf_stream_slot(s, seq);
    free(s->ring);
    s->ring = ring;
    s->mask = size - 1;
    return 0;
}

int mf_stream_room(struct mf_stream *s, mf_slid *on_slid, void *ctx)
{
    mf_stream_slide(s, on_slid, ctx);
    return s->next - s->low <= s->mask ? 0 : stream_double(s);
}

/* The index of the first exception with a seq of at least `seq`. */
static uint32_t exceptions_at(const struct mf_stream *s, uint64_t seq)
{
    uint32_t low = 0, high = s->exceptions_used;
    if (high > 0 && s->exceptions[high - 1].seq < seq)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->exceptions[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int exceptions_room(struct mf_stream *s)
{
    if (s->exceptions_used < s->exceptions_room)
        return 0;
    if (s->exceptions_answered > s->exceptions_used / 2) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < s->exceptions_used; i++)
            if (s->exceptions[i].state != MF_EXCEPTION_ANSWERED)
                s->exceptions[kept++] = s->exceptions[i];
        s->exceptions_used = kept;
        s->exceptions_answered = 0;
        return 0;
    }
    if (s->exceptions_room > UINT32_MAX / 2)
        return -1;
    uint32_t room = s->exceptions_room ? 2 * s->exceptions_room : RING_MIN;
    struct mf_exception *grown = realloc(s->exceptions, room * sizeof *grown);
    if (!grown)
        return -1;
    s->exceptions = grown;
    s->exceptions_room = room;
    return 0;
}

struct mf_exception *mf_stream_except(struct mf_stream *s, uint64_t seq)
{
    struct mf_slot *slot = mf_stream_slot(s, seq);
    assert(mf_stream_holds(s, seq) && mf_slot_is_open(slot));
    if (exceptions_room(s) != 0)
        return NULL;
    uint32_t at = exceptions_at(s, seq);
    struct mf_exception *e = s->exceptions + at;
    memmove(e + 1, e, (s->exceptions_used - at) * sizeof *e);
    s->exceptions_used++;
    *e = (struct mf_exception){.seq = seq, .ping = *slot, .stage = mf_stream_stage(s, seq, 0)};
    slot->state = MF_SLOT_MOVED;
    return e;
}

struct mf_exception *mf_stream_exception(const struct mf_stream *s, uint64_t seq)
{
    uint32_t at = exceptions_at(s, seq);
    if (at == s->exceptions_used || s->exceptions[at].seq != seq || s->exceptions[at].state == MF_EXCEPTION_ANSWERED)
        return NULL;
    return s->exceptions + at;
}

struct mf_exception *mf_stream_open_exception(const struct mf_stream *s, uint64_t from)
{
    for (uint32_t at = exceptions_at(s, from); at < s->exceptions_used; at++)
        if (s->exceptions[at].state == MF_EXCEPTION_OPEN)
            return s->exceptions + at;
    return NULL;
}

void mf_stream_unexcept(struct mf_stream *s, struct mf_exception *e)
{
    e->state = MF_EXCEPTION_ANSWERED;
    s->exceptions_answered++;
}

int mf_stream_outcome(const struct mf_stream *s, uint64_t seq)
{
    if (seq >= s->next)
        return -1;
    if (seq >= s->low) {
        const struct mf_slot *slot = mf_stream_slot(s, seq);
        if (slot->state == MF_SLOT_GOOD)
            return MF_OUTCOME_ANSWERED;
        if (slot->state == MF_SLOT_BAD)
            return slot->outcome;
        if (mf_slot_is_open(slot))
            return -1;
    }
    const struct mf_exception *e = mf_stream_exception(s, seq);
    if (e && e->state == MF_EXCEPTION_LOST)
        return MF_OUTCOME_LOST;
    if (e && e->state == MF_EXCEPTION_NOT_SENT)
        return MF_OUTCOME_NOT_SENT;
    return !e && s->bad_answers == 0 ? MF_OUTCOME_ANSWERED : -1;
}

uint8_t mf_stream_stage(const struct mf_stream *s, uint64_t seq, uint8_t known)
{
    if (!mf_stream_stage_is_there(s, seq))
        return known;
    return __atomic_load_n(s->stages + (seq & s->stage_mask), __ATOMIC_RELAXED);
}

uint64_t mf_stream_bytes(const struct mf_stream *s)
{
    return (s->mask + 1) * sizeof *s->ring + s->exceptions_room * sizeof *s->exceptions;
}
