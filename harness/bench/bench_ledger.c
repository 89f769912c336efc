/* What the account costs per message: due, written and pong, N times, closed loop, with three histograms, timeline and
 * witnesses.
 *
 *   bench-ledger [MESSAGES [STREAMS [WINDOW [PROCESSES]]]]    prints one line: messages, ns per message
 * Under `valgrind --tool=callgrind --toggle-collect=loop_run` the counted instructions divided by MESSAGES are those of
 * one message, this loop included (about 25 of them: see its own share in callgrind_annotate). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "checker/account.h"

struct bench {
    struct mf_account *account;
    uint32_t streams, window, processes;
    uint64_t messages;
};

/* The target's part: how often each process has answered. */
struct answerer {
    uint64_t *count;
};

static uint64_t loop_run(const struct bench *b, const struct answerer *answerer, uint64_t begin_ns)
    __attribute__((noinline));

static uint64_t loop_run(const struct bench *b, const struct answerer *answerer, uint64_t begin_ns)
{
    uint64_t now = begin_ns, answered = 0, rounds = b->messages / b->window;
    uint32_t stream = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t first = 0;
        uint32_t process[64];
        for (uint32_t i = 0; i < b->window; i++) {
            bool sendable;
            uint64_t seq = mf_account_due(b->account, stream, now, process + i, &sendable);
            first = i ? first : seq;
            now += 150;
            mf_account_written(b->account, stream, seq, now);
        }
        for (uint32_t i = 0; i < b->window; i++) {
            now += 150;
            struct mf_pong pong = {.stream = stream,
                                   .process = process[i],
                                   .version = 1,
                                   .seq = first + i,
                                   .instance = process[i] + 1,
                                   .count = ++answerer->count[process[i]],
                                   .has = 7};
            answered += mf_account_pong(b->account, &pong, now) == MF_OUTCOME_ANSWERED;
        }
        mf_account_expire(b->account, now, NULL, NULL);
        stream = stream + 1 == b->streams ? 0 : stream + 1;
    }
    return answered;
}

static uint64_t argument(int argc, char **argv, int i, uint64_t fallback, uint64_t max)
{
    uint64_t value = argc > i ? strtoull(argv[i], NULL, 10) : fallback;
    return value && value <= max ? value : fallback;
}

int main(int argc, char **argv)
{
    struct bench b = {.messages = argument(argc, argv, 1, 20000000, UINT64_MAX),
                      .streams = (uint32_t)argument(argc, argv, 2, 1, 100000),
                      .window = (uint32_t)argument(argc, argv, 3, 64, 64)};
    b.processes = (uint32_t)argument(argc, argv, 4, b.streams, 1000000);
    b.messages -= b.messages % b.window;
    const struct mf_recorder_shape shape = {
        .workers = 1, .upgrades = 4, .bins = 1000, .streams = b.streams, .stage_bits = 8, .bin_ns = 10 * MF_NS_PER_MS};
    const struct mf_account_config config = {.streams = b.streams,
                                             .streams_total = b.streams,
                                             .processes = b.processes,
                                             .timeout_ns = MF_NS_PER_S,
                                             .window_ns = 100 * MF_NS_PER_MS,
                                             .window_hint = b.window};
    struct mf_error err = {0};
    struct mf_recorder rec;
    struct answerer answerer = {.count = calloc(b.processes, sizeof *answerer.count)};
    if (!answerer.count || mf_recorder_create(&rec, &shape, &err) != 0) {
        mf_error_print("bench-ledger", &err);
        return MF_STATUS_INTERNAL;
    }
    for (uint32_t k = 0; k < shape.upgrades; k++)
        rec.log[k].version_from = rec.log[k].version_to = 1;
    uint64_t begin = mf_clock_now_ns();
    rec.header->start_ns = begin;
    rec.header->measure_ns = begin;
    b.account = mf_account_new(&rec, &config, &err);
    if (!b.account) {
        mf_error_print("bench-ledger", &err);
        return MF_STATUS_INTERNAL;
    }
    uint64_t bytes = mf_account_bytes(b.account), from = mf_clock_now_ns();
    uint64_t answered = loop_run(&b, &answerer, begin);
    uint64_t took = mf_clock_now_ns() - from;
    printf("messages %" PRIu64 " answered %" PRIu64 " ns_per_message %.1f bytes_before %" PRIu64 " bytes_after %" PRIu64
           "\n",
           b.messages, answered, (double)took / (double)b.messages, bytes, mf_account_bytes(b.account));
    mf_account_free(b.account);
    mf_recorder_close(&rec);
    free(answerer.count);
    return answered == b.messages ? 0 : MF_STATUS_FAIL;
}
