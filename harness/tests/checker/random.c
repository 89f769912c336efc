/* The account against the naive one, over many seeds: a target that answers, drops, delays, repeats, invents, lies, and
 * is upgraded all the while. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "model.h"

static struct rig rig;
static struct model model;
static struct mf_rng rng;

static uint64_t draw(uint64_t n)
{
    return mf_rng_below(&rng, n);
}

/* How bad it is: the chance of trouble in 1000 for each step. */
static uint64_t trouble;

static bool troubled(void)
{
    return draw(1000) < trouble;
}

static struct model_ping *pick(void)
{
    if (model.used == 0)
        return NULL;
    uint64_t reach = model.used < 30 ? model.used : troubled() ? model.used : 30;
    return model.ping + model.used - 1 - draw(reach);
}

static void step_send(uint64_t now)
{
    uint32_t stream = (uint32_t)draw(rig.config.streams), process;
    bool sendable;
    uint64_t seq = mf_account_due(rig.account, stream, now, &process, &sendable);
    struct model_ping *p = model_due(&model, stream, seq, now);
    cr_assert(eq(u32, process, rig_process(&rig, stream, seq)));
    if (troubled() && troubled()) {
        mf_account_not_sent(rig.account, stream, seq, now);
        model_lost(&model, p, MF_OUTCOME_NOT_SENT, MF_CAUSE_UNSENT, now);
    } else if (!troubled()) {
        mf_account_written(rig.account, stream, seq, now);
        p->written_ns = now;
    }
}

static void step_write(uint64_t now)
{
    for (uint32_t i = 0; i < model.used; i++) {
        struct model_ping *p = model.ping + i;
        if (p->outcome >= 0 || p->written_ns)
            continue;
        mf_account_written(rig.account, p->stream, p->seq, now);
        p->written_ns = now;
    }
}

static void step_answer(struct model_ping *p, uint64_t now)
{
    if (!p)
        return;
    struct mf_pong pong = rig_answer(&rig, p->stream, p->seq);
    if (troubled())
        pong.version = 1 + (uint32_t)draw(3);
    if (troubled())
        pong.is_wrong = true;
    else if (troubled())
        pong = (struct mf_pong){.stream = p->stream, .seq = p->seq, .is_error = true};
    if (troubled() && troubled())
        pong.seq += draw(40);
    if (troubled() && troubled())
        pong.process++;
    if (troubled() && troubled())
        pong.stream += (uint32_t)draw(3);
    enum mf_outcome outcome = mf_account_pong(rig.account, &pong, now);
    uint64_t before = model.duplicated + model.phantom;
    model_pong(&model, &pong, now);
    cr_assert(eq(int, outcome == MF_OUTCOME_COUNT, model.duplicated + model.phantom != before));
}

static void step_lose(uint64_t now)
{
    struct model_ping *p = pick();
    if (!p)
        return;
    enum mf_cause cause = (enum mf_cause)draw(MF_CAUSE_COUNT);
    mf_account_lost(rig.account, p->stream, p->seq, cause, now);
    model_lost(&model, p, MF_OUTCOME_LOST, cause, now);
}

/* The target raises a stage byte, of whatever ping: where one is lost, the history must say what was read. */
static void step_stage(void)
{
    const struct model_ping *p = pick();
    uint8_t *stage = p ? mf_recorder_stage(&rig.rec, p->stream, p->seq) : NULL;
    if (stage && *stage < MF_STAGE_COUNT)
        *stage += 1;
}

static void step_upgrade(uint64_t now)
{
    uint32_t k = rig.rec.header->requested;
    if (k && rig.rec.log[k - 1].outcome == MF_UPGRADE_PENDING) {
        enum mf_upgrade_outcome outcome = troubled()   ? MF_UPGRADE_ROLLED_BACK
                                          : troubled() ? MF_UPGRADE_FAILED
                                                       : MF_UPGRADE_COMMITTED;
        rig_end(&rig, k - 1, outcome, now);
        if (outcome == MF_UPGRADE_COMMITTED)
            rig.version = rig.rec.log[k - 1].version_to;
    } else if (k < MODEL_UPGRADES) {
        rig_request(&rig, k, now);
    }
}

/* In `clean` runs a ping that was declared lost stays so, and every one ends: then blackouts are compared too. */
static void run(uint64_t seed, bool clean)
{
    static const uint64_t troubles[] = {0, 5, 50, 300};
    mf_rng_init(&rng, seed, 77);
    trouble = clean ? 0 : troubles[seed % 4];
    uint32_t streams = 1 + (uint32_t)draw(4), processes = 1 + (uint32_t)draw(9);
    rig_open(&rig, streams, processes, MODEL_UPGRADES);
    model.rig = &rig;
    uint64_t now = START;
    for (int step = 0; step < 2500; step++) {
        now += draw(MS);
        uint64_t dice = draw(1000);
        if (dice < 450)
            step_send(now);
        else if (dice < 900)
            for (uint32_t i = 0; i < model.used && !(i && dice % 3); i++) {
                /* the oldest open one, or any */
                struct model_ping *p = model.ping + model.used - 1 - i;
                if (!clean && dice % 7 == 0)
                    p = pick();
                if (p && (p->outcome < 0 || !clean) && p->written_ns)
                    step_answer(p, now);
            }
        else if (dice < 910)
            step_lose(now);
        else if (dice < 930 && !clean)
            step_write(now);
        else if (dice < 950 && !clean)
            mf_account_expire(rig.account, now, NULL, NULL);
        else if (dice < 975)
            step_upgrade(now);
        else if (dice < 977)
            now += draw(60) * MS;
        else if (dice < 980)
            mf_account_wakeup(rig.account, now, draw(5 * MS));
        else
            step_stage();
    }
    for (uint32_t i = 0; clean && i < model.used; i++)
        if (model.ping[i].outcome < 0)
            step_answer(model.ping + i, now);
    model_check(&model, seed, clean);
    rig_close(&rig);
    model = (struct model){0};
}

Test(random, clean_and_lossy_runs)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        run(seed, true);
}

Test(random, runs_with_all_kinds_of_trouble)
{
    for (uint64_t seed = 1; seed <= 80; seed++)
        run(seed, false);
}
