/* The faults of a result. */
#include "report/json.h"

static json_t *fault_json(const struct mf_fault_result *f)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "run", json_integer(f->run));
    mf_json_put(&j, "row", json_integer(f->row));
    mf_json_put(&j, "fault", mf_json_text(f->fault));
    mf_json_put(&j, "whom", f->whom ? mf_json_text(f->whom) : json_null());
    mf_json_put(&j, "upgrade", f->upgrade == UINT32_MAX ? json_null() : json_integer(f->upgrade));
    mf_json_put(&j, "phase", f->phase < 0 ? json_null() : mf_json_text(mf_phase_keys[f->phase]));
    mf_json_put(&j, "noop", json_boolean(f->noop));
    mf_json_put(&j, "fired", json_boolean(f->fired));
    mf_json_put(&j, "fired_ms", mf_json_ms(f->fired_ns));
    mf_json_put(&j, "undone_ms", mf_json_ms(f->undone_ns));
    mf_json_put(&j, "what", mf_json_text(f->what));
    return mf_json_end(&j);
}

json_t *mf_json_faults(const struct mf_result *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < r->faults_count; i++)
        if (json_array_append_new(list, fault_json(&r->faults[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}
