/* The hiccup meter: how late this process itself was, and why. The pacer tells how late it woke up; this one how long
 * the loop was at work between two looks at its descriptors (loop lag), for how long the process was ready and had no
 * processor (/proc/self/schedstat), and how much of the machine's processors was taken by whoever runs the machine
 * (steal, /proc/stat).
 *
 * Life: zeroed; mf_meter_open (never fails: what this kernel does not tell is not told on); mf_meter_start at the
 * start; mf_meter_beat about every millisecond; mf_meter_finish; mf_meter_close, and the loop must run until the
 * handles are closed. All is counted in the worker's section. Threads: one. */
#ifndef MF_LOAD_METER_H
#define MF_LOAD_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "checker/account.h"

struct mf_meter {
    uv_loop_t *loop;
    uv_check_t round; /* the end of a round of the loop */
    bool is_open;
    int schedstat;              /* -1: there is none */
    struct mf_account *account; /* NULL: not started, or finished */
    uint64_t round_ns, idle_ns; /* when the last round ended; for how long the loop had slept by then */
    bool has_waited, has_processors;
    uint64_t looked_ns, waited_ns; /* when schedstat was last read, and what it said then */
    uint64_t processors, stolen;   /* at the start */
};

void mf_meter_open(struct mf_meter *meter, uv_loop_t *loop);
void mf_meter_start(struct mf_meter *meter, struct mf_account *account, uint64_t now_ns);
void mf_meter_beat(struct mf_meter *meter, uint64_t now_ns);
void mf_meter_finish(struct mf_meter *meter, uint64_t now_ns);
void mf_meter_close(struct mf_meter *meter); /* takes one that is not open */

#endif
