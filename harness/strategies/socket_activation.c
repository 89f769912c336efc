/* socket-activation: the supervisor holds the listening socket (as systemd or inetd would), and the worker behind it is
 * replaced: it answers what has arrived, saves the state and exits; a new one starts with the state (drained.h says
 * how).
 *
 * Since the socket outlives the workers, nobody is refused: who connects in the gap, and who has connected and was not
 * accepted yet, waits in the accept queue for the new worker. Lost: what reaches a live connection between the last
 * look at it and the exit, since live connections end. Queued messages are answered and states kept, but every process
 * is made anew out of its saved state. */
#include "strategies/drained.h"

const struct mf_strategy mf_strategy_socket_activation = {
    .name = "socket-activation",
    .listener = MF_LISTENER_HELD,
    .supervise = mf_drained_supervise,
    .command = mf_drained_command,
};
