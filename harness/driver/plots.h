/* The plots of a result folder: scripts/plot, run once at the end. */
#ifndef MF_DRIVER_PLOTS_H
#define MF_DRIVER_PLOTS_H

#include <uv.h>

#include "driver/locate.h"

struct mf_plots;

/* Starts the script. NULL with a reason in `note` (SKIPPED: gnuplot or the script is missing). `done` is called once,
 * with an empty note or why there are no plots; the memory is freed after it. */
struct mf_plots *mf_plots_start(uv_loop_t *loop, const struct mf_places *places, const char *folder, void *ctx,
                                void (*done)(void *ctx, const char *note), struct mf_error *note);
void mf_plots_stop(struct mf_plots *plots);

#endif
