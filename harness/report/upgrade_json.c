/* The upgrades of a result, each with its phases, counts and trigger. */
#include "report/json.h"
#include "report/upgrade.h"

static json_t *phases_json(const struct mf_upgrade_result *u)
{
    struct mf_json j = mf_json_begin();
    for (int i = 0; i < MF_PHASE_COUNT; i++)
        mf_json_put(&j, mf_phase_keys[i], mf_json_ms(u->phase_ns[i]));
    return mf_json_end(&j);
}

static json_t *trigger_json(const struct mf_upgrade_result *u)
{
    if (!u->has_trigger)
        return json_null();
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "stage", mf_json_text(mf_upgrade_stage(u)));
    mf_json_put(&j, "stream", json_integer(u->trigger_stream));
    mf_json_put(&j, "seq", mf_json_count(u->trigger_seq));
    mf_json_put(&j, "process", json_integer(u->trigger_process));
    mf_json_put(&j, "held", json_boolean(u->trigger_held));
    mf_json_put(&j, "outcome", mf_json_text(mf_upgrade_trigger_outcome(u)));
    mf_json_put(&j, "version_is_new", json_boolean(u->trigger_version_is_new));
    return mf_json_end(&j);
}

static json_t *known_json(uint32_t n)
{
    return n == UINT32_MAX ? json_null() : json_integer(n);
}

static void counts_put(struct mf_json *j, const struct mf_upgrade_result *u)
{
    struct mf_json outcomes = mf_json_begin(), extras = mf_json_begin();
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        mf_json_put(&outcomes, mf_outcome_keys[i], mf_json_count(u->outcomes[i]));
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        mf_json_put(&extras, mf_extra_keys[i], mf_json_count(u->extras[i]));
    mf_json_put(j, "in_flight", mf_json_count(u->in_flight));
    mf_json_put(j, "in_flight_lost", mf_json_count(u->in_flight_lost));
    mf_json_put(j, "lost", mf_json_count(u->lost));
    mf_json_put(j, "outcomes", mf_json_end(&outcomes));
    mf_json_put(j, "extras", mf_json_end(&extras));
    mf_json_put(j, "sibling_bad", mf_json_count(u->sibling_bad));
    mf_json_put(j, "new_answers", mf_json_count(u->new_answers));
    mf_json_put(j, "queued", known_json(u->queued));
    mf_json_put(j, "made_anew", known_json(u->made_anew));
    mf_json_put(j, "converted", known_json(u->converted));
    mf_json_put(j, "threads_ended", known_json(u->threads_ended));
    mf_json_put(j, "threads_same",
                u->threads_before && u->threads_after ? json_boolean(u->threads_same) : json_null());
    mf_json_put(j, "pid_before", u->pid_before ? json_integer(u->pid_before) : json_null());
    mf_json_put(j, "pid_after", u->pid_after ? json_integer(u->pid_after) : json_null());
}

static void times_put(struct mf_json *j, const struct mf_upgrade_result *u)
{
    mf_json_put(j, "response_max_ms", mf_json_ms(u->response_max_ns));
    mf_json_put(j, "spike_ms", mf_json_ms(u->spike_ns));
    mf_json_put(j, "windows_away", u->spike_ns < 0 ? json_null() : json_integer(u->windows));
    mf_json_put(j, "windows_as_high", u->spike_ns < 0 ? json_null() : json_integer(u->windows_as_high));
    mf_json_put(j, "blackout_ms", mf_json_ms(u->blackout_ns));
    mf_json_put(j, "gap_ms", mf_json_ms(u->gap_ns));
    mf_json_put(j, "first_new_ms", mf_json_ms(u->first_new_ns));
    mf_json_put(j, "last_old_ms", mf_json_ms(u->last_old_ns));
    mf_json_put(j, "recovery_ms", mf_json_ms(u->recovery_ns));
}

static json_t *upgrade_json(const struct mf_upgrade_result *u)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "run", json_integer(u->run));
    mf_json_put(&j, "index", json_integer(u->index));
    mf_json_put(&j, "point", json_integer(u->point));
    mf_json_put(&j, "outcome", mf_json_text(mf_upgrade_outcome(u)));
    mf_json_put(&j, "reason", u->reason[0] ? mf_json_text(u->reason) : json_null());
    mf_json_put(&j, "dirty", json_boolean(u->dirty));
    mf_json_put(&j, "version_from", json_integer(u->version_from));
    mf_json_put(&j, "version_to", json_integer(u->version_to));
    mf_json_put(&j, "requested_ms", u->fired ? mf_json_number((double)u->requested_ns / 1e6) : json_null());
    mf_json_put(&j, "phases_ms", phases_json(u));
    mf_json_put(&j, "trigger", trigger_json(u));
    counts_put(&j, u);
    times_put(&j, u);
    return mf_json_end(&j);
}

json_t *mf_json_upgrades(const struct mf_result *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->upgrades_count; i++)
        if (json_array_append_new(list, upgrade_json(&r->upgrades[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}
