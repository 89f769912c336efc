/* midflight-relay as a child: stands between load and node, and does to the connections what faults ask.
 *
 * Life: mf_relay_start; `ready`; mf_relay_say...; mf_relay_stop; `gone`, after which it may be freed. Threads: the
 * loop's. */
#ifndef MF_DRIVER_RELAY_H
#define MF_DRIVER_RELAY_H

#include <limits.h>
#include <stdbool.h>
#include <uv.h>

#include "base/error.h"
#include "targets/child.h"

struct mf_relay {
    void *ctx;
    void (*ready)(void *ctx, const char *endpoint);
    void (*done)(void *ctx, uint32_t row, uint64_t connections); /* what row `row` of the faults asked for */
    void (*failed)(void *ctx, const struct mf_error *err);
    void (*gone)(void *ctx);

    int net_fd;             /* the network namespace that it lives in; 0: ours. The caller's to fill in */
    struct mf_child *child; /* NULL: not there */
    bool is_ready, is_stopping;
    char log_path[PATH_MAX];
};

/* `to`: the node's endpoint. `folder`: the node's own, where a UNIX socket goes; `log_dir`: where relay.log goes. The
 * callbacks and ctx are filled in by the caller before. -1 with *err: nothing was started. */
int mf_relay_start(struct mf_relay *r, uv_loop_t *loop, const char *program, const char *to, const char *folder,
                   const char *log_dir, struct mf_error *err);
/* -1: nobody hears it. */
int mf_relay_say(struct mf_relay *r, const struct mf_control_writer *w);
void mf_relay_stop(struct mf_relay *r, bool hurry);

#endif
