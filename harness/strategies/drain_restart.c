/* drain-restart: the careful restart. Stop accepting, answer what has arrived, save the state, exit, start anew with
 * the state (drained.h says how).
 *
 * The listening socket is the worker's own and ends with it. Lost: what reaches a connection between the last look at
 * it and the exit, since live connections end; connections made in the gap are refused. Queued messages are answered
 * and states kept, but every process is made anew out of its saved state. */
#include "strategies/drained.h"

const struct mf_strategy mf_strategy_drain_restart = {
    .name = "drain-restart",
    .supervise = mf_drained_supervise,
    .command = mf_drained_command,
};
