#include "fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAMS 4

void bench_recorder(struct bench *b)
{
    struct mf_error err = {0};
    struct mf_recorder_shape shape = {
        .workers = 1, .upgrades = 4, .bins = 8, .streams = STREAMS, .stage_bits = 10, .bin_ns = 10000000};
    snprintf(b->dir, sizeof b->dir, "/tmp/midflight-node-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(b->dir), NULL));
    cr_assert(eq(int, mf_recorder_create(&b->rec, &shape, &err), 0), "%s", err.text);
    b->args.recorder_fd = fcntl(b->rec.fd, F_DUPFD_CLOEXEC, 0); /* the core takes it */
    b->args.dir = b->dir;
    b->args.strategy = "none";
    b->args.codec = "frame";
    b->args.modules[0] = MODULE_V1;
    b->args.modules_count = 1;
    b->args.cargo_fd = -1;
    b->args.listen_fd = b->args.hand_fd = b->args.take_fd = -1;
    b->args.cargo_k = UINT32_MAX;
}

void bench_start(struct bench *b, uint32_t processes, uint32_t schedulers, const char *transport)
{
    struct mf_error err = {0};
    bench_recorder(b);
    b->args.processes = processes;
    b->args.schedulers = schedulers;
    b->args.transport = transport;
    cr_assert(eq(int, mf_core_init(&b->core, &b->args, NULL, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_core_open(&b->core, &err), 0), "%s", err.text);
}

void bench_stop(struct bench *b)
{
    mf_core_done(&b->core);
    bench_remove_dir(b);
}

void bench_remove_dir(struct bench *b)
{
    mf_recorder_close(&b->rec);
    cr_assert(eq(int, rmdir(b->dir), 0), "something is left in the run's folder");
}
