/* The folder of one run. */
#include <stdio.h>
#include <string.h>

#include "report/columns.h"
#include "report/file.h"
#include "report/json.h"

static int overlay_write(const char *dir, const struct mf_result *r, struct mf_error *err)
{
    struct mf_file file;
    if (mf_file_open(&file, err) < 0)
        return -1;
    if (mf_columns_overlay(file.out, r) < 0) {
        mf_file_drop(&file);
        return mf_error_set(err, MF_STATUS_INTERNAL, "overlay.csv", "no memory to put it together");
    }
    return mf_file_save(&file, dir, "overlay.csv", err);
}

static int columns_write(const char *dir, const char *name, void (*print)(FILE *, const struct mf_result *),
                         const struct mf_result *r, struct mf_error *err)
{
    struct mf_file file;
    if (mf_file_open(&file, err) < 0)
        return -1;
    print(file.out, r);
    return mf_file_save(&file, dir, name, err);
}

static int hgrm_write(const char *dir, const char *name, const struct mf_hist *h, struct mf_error *err)
{
    struct mf_file file;
    if (mf_file_open(&file, err) < 0)
        return -1;
    mf_columns_hgrm(file.out, h);
    return mf_file_save(&file, dir, name, err);
}

static json_t *timeline_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "bin_ms", mf_json_number((double)r->bin_ns / 1e6));
    mf_json_put(&j, "bins", json_integer(r->bins));
    mf_json_put(&j, "warmup_ms", mf_json_number((double)r->warmup_ns / 1e6));
    mf_json_put(&j, "duration_ms", mf_json_number((double)r->duration_ns / 1e6));
    return mf_json_end(&j);
}

static int run_json_write(const char *dir, const struct mf_report_cell *run, struct mf_error *err)
{
    struct mf_json j = {.object = mf_json_cell(run, NULL)};
    j.bad = !j.object;
    mf_json_put(&j, "timeline", run->result ? timeline_json(run->result) : json_null());
    mf_json_put(&j, "upgrade_list", run->result ? mf_json_upgrades(run->result) : json_array());
    mf_json_put(&j, "fault_list", run->result ? mf_json_faults(run->result) : json_array());
    return mf_json_save(mf_json_end(&j), dir, "run.json", err);
}

/* run.json comes last: where it stands, the columns beside it stand too. */
int mf_report_write_run(const char *dir, const struct mf_report_cell *run, struct mf_error *err)
{
    const struct mf_result *r = run->result;
    if (r && (columns_write(dir, "intervals.csv", mf_columns_intervals, r, err) < 0 ||
              columns_write(dir, "upgrades.csv", mf_columns_upgrades, r, err) < 0 || overlay_write(dir, r, err) < 0 ||
              hgrm_write(dir, "response.hgrm", r->response, err) < 0 ||
              hgrm_write(dir, "service.hgrm", r->service, err) < 0 || hgrm_write(dir, "lag.hgrm", r->lag, err) < 0))
        return -1;
    return run_json_write(dir, run, err);
}
