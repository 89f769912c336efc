/* A core in this process: its threads don't run, so that a test may look at everything and move messages by hand. */
#ifndef MF_TESTS_NODE_FIXTURE_H
#define MF_TESTS_NODE_FIXTURE_H

#include "node/core_internal.h"

#define MODULE_V1        MIDFLIGHT_BINARY_DIR "/modules/pingpong/v1.so"
#define MODULE_V2        MIDFLIGHT_BINARY_DIR "/modules/pingpong/v2.so"
#define MODULE_V3        MIDFLIGHT_BINARY_DIR "/modules/pingpong/v3.so"
#define MODULE_REFUSER   MIDFLIGHT_BINARY_DIR "/harness/tests/strategies-refuser.so"
#define MODULE_UNWILLING MIDFLIGHT_BINARY_DIR "/harness/tests/strategies-unwilling.so"

#define MODULE_LISTER(n) MIDFLIGHT_BINARY_DIR "/harness/tests/strategies-lister-" n ".so"

struct bench {
    char dir[64];
    struct mf_recorder rec; /* as the driver has it */
    struct mf_node_args args;
    struct mf_core core;
};

/* Aborts the test on failure. Fill `args.points` before, if any. */
void bench_start(struct bench *b, uint32_t processes, uint32_t schedulers, const char *transport);
void bench_recorder(struct bench *b); /* the first half: for tests that bring their own worker */
void bench_stop(struct bench *b);
void bench_remove_dir(struct bench *b);

#endif
