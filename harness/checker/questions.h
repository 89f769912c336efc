/* The seven questions and the class of delivery: words from counts, each with its evidence. Pure. */
#ifndef MF_CHECKER_QUESTIONS_H
#define MF_CHECKER_QUESTIONS_H

#include "checker/result.h"

/* Messages handled more than once: by the counts that processes answer, or by the stage bytes of our node, whichever
 * shows more. */
uint64_t mf_result_rehandled(const struct mf_result *r);
/* Pings in flight at the upgrades of a result, all together. */
uint64_t mf_result_in_flight(const struct mf_result *r);

/* Fills question[] and delivery of a result whose other derived fields stand.
 * delivery: a ping that was lost, or whose answer was an error or wrong, was not delivered; one duplicated or handled
 * again was delivered twice. */
void mf_questions_answer(struct mf_result *r);

#endif
