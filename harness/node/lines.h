/* The control lines between a supervisor and its worker (a socket pair; the grammar is wire/control.h's). Words only, no code of its own.
 *
 * supervisor -> worker   plan ...  go  stop                    passed on from the driver
 *                        upgrade k=N                           carry out slot N (a strategy with `upgrade`)
 *                        command what=TEXT                     call the strategy's `command`
 * worker -> supervisor   ready endpoint=... pid=N              it listens (`local`: its schedulers run). Again after an exec: not passed on
 *                        fired k=N  ended k=N outcome=... [reason=TEXT]  finished  error text=TEXT status=N     passed on
 *                        commanded [reason=TEXT]               the command's answer: good, or why not. A command that ends the worker
 *                                                              gives none: its end is the answer (exit status 0: good)
 * A worker that reads the end of its line exits. A worker that fires a slot itself sends `fired`, and carries the upgrade out itself unless the
 * strategy has `supervise`: then the supervisor does, as if the driver had asked. */
#ifndef MF_NODE_LINES_H
#define MF_NODE_LINES_H

#define MF_LINE_COMMAND   "command"
#define MF_LINE_COMMANDED "commanded"

#endif
