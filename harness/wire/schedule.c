#include "wire/schedule.h"

#include "base/clock.h"

#define RNG_PURPOSE_SCHEDULE 1
/* The rate is taken as a whole number of pings in so many seconds. */
#define RATE_SCALE 1000000u

static void poisson_step(struct mf_schedule *s)
{
    s->at_ns += mf_rng_exponential(&s->rng) * s->mean_gap_ns;
    s->next_ns = s->start_ns + (uint64_t)s->at_ns;
}

static void uniform_step(struct mf_schedule *s, unsigned __int128 strokes)
{
    unsigned __int128 sum = s->remainder + strokes;

    s->next_ns += (uint64_t)(sum / s->beat);
    s->remainder = sum % s->beat;
}

void mf_schedule_init(struct mf_schedule *s, const struct mf_plan *plan, uint64_t start_ns)
{
    *s = (struct mf_schedule){.arrivals = plan->arrivals, .start_ns = start_ns, .next_ns = start_ns};
    if (plan->arrivals == MF_ARRIVALS_POISSON) {
        mf_rng_init(&s->rng, plan->seed, (uint64_t)plan->worker << 32 | RNG_PURPOSE_SCHEDULE);
        s->mean_gap_ns = (double)MF_NS_PER_S / plan->rate_per_s;
        poisson_step(s);
        return;
    }
    s->beat = (unsigned __int128)(plan->rate_per_s * plan->workers * RATE_SCALE + 0.5);
    if (s->beat == 0)
        s->beat = 1;
    unsigned __int128 stroke = (unsigned __int128)MF_NS_PER_S * RATE_SCALE;
    s->step = stroke * plan->workers;
    uniform_step(s, stroke * plan->worker);
}

void mf_schedule_advance(struct mf_schedule *s)
{
    if (s->arrivals == MF_ARRIVALS_POISSON)
        poisson_step(s);
    else
        uniform_step(s, s->step);
}
