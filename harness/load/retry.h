/* The other client policy, beside the strict one: each ping that was lost with its connection, after that was made and
 * before a byte of an answer had come, is asked once more on a fresh connection. Outside the strict books: with a
 * stream of its own, and counted in struct mf_retry_tally alone.
 *
 * Life: mf_retries_new; mf_retries_add for each such ping, mf_retries_told for each answer of the strict books (by
 * which is known how often a process has handled something); mf_retries_beat about every millisecond;
 * mf_retries_finish; mf_retries_close, and the loop must run until its handles are closed; mf_retries_free. Threads:
 * the loop's. */
#ifndef MF_LOAD_RETRY_H
#define MF_LOAD_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/account.h"

struct mf_worker;
struct mf_retries;

/* For the worker's plan, which wants them. NULL with *err. */
struct mf_retries *mf_retries_new(struct mf_worker *w, struct mf_error *err);
void mf_retries_add(struct mf_retries *s, uint32_t process, uint64_t now_ns);
/* An answer came that gave its ping this outcome (MF_OUTCOME_COUNT: none). */
void mf_retries_told(struct mf_retries *s, const struct mf_pong *pong, enum mf_outcome outcome);
/* A ping of this process is lost and is not asked again. */
void mf_retries_lost(struct mf_retries *s, uint32_t process);
void mf_retries_beat(struct mf_retries *s, uint64_t now_ns);
/* Whether some are under way. */
bool mf_retries_are_busy(const struct mf_retries *s);
/* Those under way get no answer; what the counts tell is told. Before the account is finished, whose open pings count
 * as well. */
void mf_retries_finish(struct mf_retries *s);
void mf_retries_close(struct mf_retries *s); /* takes NULL */
void mf_retries_free(struct mf_retries *s);  /* takes NULL */

#endif
