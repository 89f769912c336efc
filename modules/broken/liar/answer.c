#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "http.h"
#include "liar.h"

static void peer_send(struct liar *l, const struct liar_peer *p, const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        const struct sockaddr *to = l->plan.over_udp ? (const struct sockaddr *)&p->from : NULL;
        ssize_t sent = sendto(p->fd, bytes + at, n - at, MSG_NOSIGNAL, to, to ? sizeof p->from : 0);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            l->truth.unsendable++;
            return;
        }
        at += (size_t)sent;
    }
}

static struct mf_msg right_answer(struct liar *l, const struct liar_open *ping, uint32_t generation)
{
    const struct liar_process *process = l->truth.process + ping->process;

    mf_payload_fill(l->payload, l->plan.payload_bytes, l->plan.seed, ping->stream, ping->seq);
    return (struct mf_msg){
        .kind = MF_MSG_PONG,
        .stream = ping->stream,
        .process = ping->process,
        .seq = ping->seq,
        .version = 1 + generation,
        .instance = process->instance,
        .count = process->base + liar_truth_position(&l->truth, ping->stream, ping->seq) + 1,
        .has = MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT,
        .payload = l->payload,
        .payload_bytes = l->plan.payload_bytes,
    };
}

/* Its bytes, in l->out. An HTTP answer ends in one way or in another, by its number. */
static size_t message_encode(struct liar *l, const struct mf_msg *msg)
{
    size_t n = l->plan.codec->encode(l->plan.answers, l->out, msg);

    if (l->plan.is_http && msg->kind == MF_MSG_PONG && !l->plan.anybody)
        n = liar_http_frame(l->out, n, (enum liar_framing)(msg->seq % LIAR_FRAMING_TO_END));
    return n;
}

static void message_send(struct liar *l, const struct liar_peer *p, const struct mf_msg *msg)
{
    peer_send(l, p, l->out, message_encode(l, msg));
}

/* Which code answers: while an upgrade is under way, perhaps the new one and then the old one again. */
static uint32_t generation_now(struct liar *l, const struct liar_open *ping)
{
    const struct liar_process *process = l->truth.process + ping->process;

    if (l->upgrade != LIAR_UPGRADE_SWITCHING || l->regress == 0 || !process->seen ||
        !liar_truth_in_order(&l->truth, ping->process, ping->seq))
        return l->generation;
    if (!l->regress_chosen) {
        l->regress_chosen = true;
        l->regress_process = ping->process;
        return l->generation;
    }
    if (ping->process != l->regress_process || process->generation != l->generation)
        return l->generation;
    l->regress--;
    l->regress_chosen = false;
    return l->generation - 1;
}

/* A right answer is about to be sent. */
static struct mf_msg right_begin(struct liar *l, const struct liar_open *ping, bool late, bool stale)
{
    uint32_t generation = stale ? l->generation - 1 : generation_now(l, ping);

    stale |= generation < ping->owed;
    liar_truth_right(&l->truth, ping->stream, ping->process, ping->seq, late, generation, stale);
    return right_answer(l, ping, generation);
}

static void right_send(struct liar *l, struct liar_peer *p, const struct liar_open *ping, bool late, bool stale)
{
    struct mf_msg msg = right_begin(l, ping, late, stale);

    message_send(l, p, &msg);
    liar_upgrade_check(l);
}

void liar_answer(struct liar *l, struct liar_peer *p, uint32_t index)
{
    struct liar_open *ping = p->open + index;
    uint64_t age_ns = l->now_ns - ping->came_ns, late_ns = l->plan.timeout_ns + MF_NS_PER_MS;

    if (age_ns < late_ns && age_ns > l->plan.timeout_ns / 4 * 3) {
        ping->wait = LIAR_WAIT_UNTIL;
        ping->until_ns = ping->came_ns + late_ns;
        return;
    }
    right_send(l, p, ping, age_ns >= late_ns, false);
    liar_peer_forget(p, index);
}

void liar_answer_stale(struct liar *l, struct liar_peer *p, uint32_t index)
{
    right_send(l, p, p->open + index, false, true);
    liar_peer_forget(p, index);
}

void liar_answer_ghost(struct liar *l, struct liar_peer *p, const struct liar_open *ping, bool late)
{
    right_send(l, p, ping, late, false);
}

void liar_answer_error(struct liar *l, struct liar_peer *p, uint32_t index)
{
    const struct liar_open *ping = p->open + index;
    struct mf_msg msg = right_answer(l, ping, l->generation);

    msg.kind = MF_MSG_ERROR;
    msg.text = "no";
    msg.text_bytes = 2;
    liar_truth_bad(&l->truth, ping->stream, ping->process, ping->seq, MF_OUTCOME_ERROR);
    message_send(l, p, &msg);
    liar_peer_forget(p, index);
}

/* A right answer's bytes, damaged so that its ids can still be read. */
static size_t answer_damage(struct liar *l, size_t n)
{
    if (l->plan.is_http)
        liar_http_damage(l->out, n);
    else if (l->plan.codec->carries_payload)
        l->out[n - 1] ^= 1; /* payload, or the count: the checksum tells */
    else
        l->out[n - 2] = 'x'; /* the count's last digit */
    return n;
}

void liar_answer_wrong(struct liar *l, struct liar_peer *p, uint32_t index, enum liar_act_kind how)
{
    const struct liar_open *ping = p->open + index;
    struct mf_msg msg = right_answer(l, ping, l->generation);
    bool is_sealed = l->plan.codec->carries_payload && l->plan.payload_bytes >= sizeof(uint64_t);
    size_t n;

    if (how == LIAR_ECHO) {
        msg.kind = MF_MSG_PING;
        n = l->plan.codec->encode(l->plan.asks, l->out, &msg);
    } else if (how == LIAR_OTHERS && is_sealed) {
        mf_payload_fill(l->payload, l->plan.payload_bytes, l->plan.seed, ping->stream, ping->seq + 1);
        n = message_encode(l, &msg);
    } else {
        n = answer_damage(l, message_encode(l, &msg));
    }
    liar_truth_bad(&l->truth, ping->stream, ping->process, ping->seq, MF_OUTCOME_WRONG);
    peer_send(l, p, l->out, n);
    liar_peer_forget(p, index);
}

void liar_answer_last(struct liar *l, struct liar_peer *p, uint32_t index, bool to_end)
{
    struct mf_msg msg = right_begin(l, p->open + index, false, false);

    msg.closes = !to_end;
    size_t n = l->plan.codec->encode(l->plan.answers, l->out, &msg);
    peer_send(l, p, l->out, to_end ? liar_http_frame(l->out, n, LIAR_FRAMING_TO_END) : n);
    liar_upgrade_check(l);
    liar_peer_forget(p, index);
}

void liar_answer_half(struct liar *l, struct liar_peer *p, uint32_t index, uint64_t bytes)
{
    struct mf_msg msg = right_answer(l, p->open + index, l->generation);
    size_t n = message_encode(l, &msg);

    p->open[index].wait = LIAR_WAIT_CUT;
    peer_send(l, p, l->out, bytes < 1 ? 1 : bytes < n ? bytes : n - 1);
}

void liar_answer_again(struct liar *l, struct liar_peer *p, const struct liar_open *ping)
{
    struct mf_msg msg = right_answer(l, ping, l->generation);

    liar_truth_extra(&l->truth, MF_EXTRA_DUPLICATED, 1);
    message_send(l, p, &msg);
}

void liar_answer_phantom(struct liar *l, struct liar_peer *p, const struct liar_open *ping, uint64_t how)
{
    struct mf_msg msg = right_answer(l, ping, l->generation);

    switch (how % 3) {
    case 0:
        msg.stream += 1u << 30;
        break;
    case 1:
        msg.seq += 1ULL << 40;
        break;
    default:
        msg.process ^= 1u << 30;
        break;
    }
    mf_payload_fill(l->payload, l->plan.payload_bytes, l->plan.seed, msg.stream, msg.seq);
    liar_truth_extra(&l->truth, MF_EXTRA_PHANTOM, 1);
    message_send(l, p, &msg);
}

void liar_send_broken(struct liar *l, struct liar_peer *p)
{
    static const char nonsense[] = "HTTP/1.1 200 OK\r\n", other_nonsense[] = "HELLO 200 OK\r\n\r\n";
    const char *text = l->plan.is_http ? other_nonsense : nonsense;

    liar_truth_extra(&l->truth, MF_EXTRA_PHANTOM, 1);
    peer_send(l, p, (const uint8_t *)text, strlen(text));
}
