#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"

static void upgrade_fill(struct mf_upgrade_result *u, uint32_t index)
{
    *u =
        (struct mf_upgrade_result){.run = 1, .index = index, .version_from = 1, .version_to = 2, .trigger_outcome = -1};
    for (int i = 0; i < MF_PHASE_COUNT; i++)
        u->phase_ns[i] = -1;
    u->fired = true;
    u->outcome = MF_UPGRADE_COMMITTED;
    u->requested_ns = 100 * MF_NS_PER_MS + index * 40 * MF_NS_PER_MS;
    u->phase_ns[MF_PHASE_REQUESTED] = 0;
    u->phase_ns[MF_PHASE_COMMITTED] = 1500000;
    u->in_flight = 12;
    u->response_max_ns = 2500000;
    u->spike_ns = 2400000;
    u->blackout_ns = u->gap_ns = 0;
    u->first_new_ns = 1750000;
    u->last_old_ns = 1250000;
    u->recovery_ns = 3000000;
    u->new_answers = 700;
    u->queued = 3;
    u->made_anew = u->converted = 0;
    u->threads_ended = UINT32_MAX;
}

/* Bins of 1 ms: 2 due in each; those from 100 to 104 ms lose one of theirs. */
static void timeline_fill(struct mf_result *r)
{
    r->bins = 305; /* the last interval of 10 ms is half full */
    r->bin_ns = MF_NS_PER_MS;
    r->warmup_ns = 50 * MF_NS_PER_MS;
    r->duration_ns = 250 * MF_NS_PER_MS;
    r->bin = calloc(r->bins, sizeof *r->bin);
    r->tainted = calloc(r->bins, 1);
    cr_assert(r->bin != NULL && r->tainted != NULL);
    for (uint32_t i = 0; i < r->bins; i++) {
        bool bad = i >= 100 && i < 105;
        r->bin[i] = (struct mf_bin){.due = 2, .answered = bad ? 1 : 2, .bad = bad, .lost = bad, .replies = bad ? 1 : 2};
        r->bin[i].response_max_ns = 100000 + i * 1000;
        r->bin[i].response_sum_ns = r->bin[i].response_max_ns + (bad ? 0 : 50000);
    }
    r->tainted[42] = 1;
    r->judged_bins = 250;
    r->tainted_bins = 1;
}

static void counts_fill(struct mf_result *r, uint64_t due, uint64_t lost)
{
    r->due = r->resolved = due;
    r->outcome[MF_OUTCOME_ANSWERED] = due - lost;
    r->outcome[MF_OUTCOME_LOST] = lost;
    r->lost_by_cause[MF_CAUSE_INFLIGHT_RST] = lost;
    r->lost_by_stage[MF_STAGE_ENQUEUED] = lost;
    r->replies = due - lost;
    r->balanced = true;
    r->runs = 1;
    r->opened = 8;
    r->achieved_rate_per_s = 19999.5;
    r->baseline_median_us = 100;
    r->target = (struct mf_target_witness){.exchanges = true, .gives_version = true, .rss_bytes_first = 4096};
    for (int q = 0; q < MF_QUESTION_COUNT; q++) {
        r->question[q].answer = (enum mf_answer_word)(q % 4);
        snprintf(r->question[q].evidence, MF_TEXT_BYTES, "%d of 7", q);
    }
    for (uint64_t i = 0; i < due && i < 10000; i++) {
        mf_hist_add(r->response, 50000 + i * 137);
        mf_hist_add(r->service, 40000 + i * 131);
        mf_hist_add(r->lag, i % 900);
    }
}

static void upgrades_make(struct mf_result *r, uint32_t n)
{
    r->upgrades = calloc(n, sizeof *r->upgrades);
    cr_assert(r->upgrades != NULL);
    r->upgrades_planned = r->upgrades_count = r->fired = r->committed = n;
    for (uint32_t i = 0; i < n; i++)
        upgrade_fill(&r->upgrades[i], i);
}

static void cold_fill(struct mf_result *r)
{
    counts_fill(r, 610, 5);
    timeline_fill(r);
    upgrades_make(r, 3);
    r->dirty = 1;
    r->fired = 2;
    r->committed = 1;
    r->failed = 1;
    r->dirty_upper_bound_95 = 0.975;
    struct mf_upgrade_result *u = r->upgrades;
    u[0].lost = u[0].outcomes[MF_OUTCOME_LOST] = u[0].in_flight_lost = 5;
    u[0].dirty = u[0].has_trigger = u[0].trigger_held = true;
    u[0].trigger_stage = MF_STAGE_DEQUEUED;
    u[0].trigger_stream = 1;
    u[0].trigger_seq = 4;
    u[0].trigger_process = 1;
    u[0].trigger_outcome = MF_OUTCOME_LOST;
    u[1].outcome = MF_UPGRADE_FAILED;
    u[1].phase_ns[MF_PHASE_COMMITTED] = -1;
    u[1].phase_ns[MF_PHASE_FAILED] = 900000;
    snprintf(u[1].reason, sizeof u[1].reason, "%s", HOSTILE);
    u[2].fired = false;
    r->lost_per_upgrade = (struct mf_spread){2.5, 5, 5, 2};
    r->spike_ms = r->blackout_ms = r->gap_ms = (struct mf_spread){12.25, 30.125, 30.125, 2};
    r->first_new_ms = r->last_old_ms = r->recovery_ms = (struct mf_spread){1.75, 1.75, 1.75, 1};
    r->delivery = MF_DELIVERY_AT_MOST_ONCE;
    r->extra[MF_EXTRA_REMADE] = 2;
}

static void swap_fill(struct mf_result *r)
{
    counts_fill(r, 80000, 0);
    upgrades_make(r, 100);
    r->dirty_upper_bound_95 = 0.0295130;
    r->lost_per_upgrade = (struct mf_spread){0, 0, 0, 100};
    r->spike_ms = (struct mf_spread){0.75, 1.5, 2.25, 100};
    r->blackout_ms = (struct mf_spread){0, 0, 0, 100};
    r->first_new_ms = r->last_old_ms = r->recovery_ms = r->gap_ms = (struct mf_spread){0.5, 0.625, 1.125, 100};
}

struct fixture *fixture_new(void)
{
    struct mf_error err;
    struct fixture *f = calloc(1, sizeof *f);
    cr_assert(f != NULL);
    static const char *const names[] = {"strategy=cold-restart", "strategy=swap", "strategy=handoff", HOSTILE};
    static const char *const values[] = {"cold-restart", "swap", "handoff", HOSTILE};
    static const enum mf_verdict verdicts[] = {MF_VERDICT_FAIL, MF_VERDICT_PASS, MF_VERDICT_SKIPPED,
                                               MF_VERDICT_UNKNOWN};
    for (int i = 0; i < 4; i++) {
        cr_assert(mf_result_init(&f->result[i], &err) == 0);
        f->parameter[i] = (struct mf_report_parameter){"target.node.strategy", values[i]};
        f->judgement[i].verdict = verdicts[i];
        f->cell[i] = (struct mf_report_cell){.name = names[i],
                                             .parameters = &f->parameter[i],
                                             .parameters_count = 1,
                                             .result = i == 2 ? NULL : &f->result[i],
                                             .judgement = &f->judgement[i],
                                             .runs_count = i == 2 ? 0 : 1,
                                             .asked_load = "open, 20000/s",
                                             .has_first_seed = i != 2,
                                             .first_seed = 7};
    }
    cold_fill(&f->result[0]);
    swap_fill(&f->result[1]);
    f->result[3].baseline_median_us = -1;
    f->result[3].question[0].answer = MF_ANSWER_UNKNOWN;
    snprintf(f->result[3].question[0].evidence, MF_TEXT_BYTES, "%s", HOSTILE);
    f->judgement[0].reasons = 2;
    snprintf(f->judgement[0].reason[0], MF_TEXT_BYTES, "lost is 5, expected 0");
    snprintf(f->judgement[0].reason[1], MF_TEXT_BYTES, "trigger is no, expected yes");
    f->judgement[2].reasons = 1;
    snprintf(f->judgement[2].reason[0], MF_TEXT_BYTES, "handoff needs a program that is missing");
    f->judgement[3].reasons = 1;
    snprintf(f->judgement[3].reason[0], MF_TEXT_BYTES, "%s", HOSTILE);
    snprintf(f->expect[0].key, sizeof f->expect[0].key, "lost");
    f->expect[0].has_equal = true;
    snprintf(f->expect[1].key, sizeof f->expect[1].key, "replies");
    f->expect[1].has_min = true;
    f->expect[1].min = 1;
    for (int i = 0; i < 4; i++) {
        f->cell[i].expect = f->expect;
        f->cell[i].expect_count = 2;
    }
    f->report = (struct mf_report){.scenario = "fixture",
                                   .seed = 7,
                                   .plan_hash = 0x5eed0123456789ab,
                                   .verdict = MF_VERDICT_FAIL,
                                   .cells = f->cell,
                                   .cells_count = 4};
    return f;
}

void fixture_free(struct fixture *f)
{
    for (int i = 0; i < 4; i++)
        mf_result_done(&f->result[i]);
    free(f);
}

char *folder_new(void)
{
    char *folder = strdup("/tmp/midflight-report-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    return folder;
}

static unsigned folder_visit(const char *folder, bool remove_them)
{
    DIR *d = opendir(folder);
    unsigned n = 0;
    cr_assert(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (remove_them)
            cr_assert(unlinkat(dirfd(d), e->d_name, 0) == 0, "%s", e->d_name);
    }
    closedir(d);
    return n;
}

unsigned folder_count(const char *folder)
{
    return folder_visit(folder, false);
}

void folder_remove(char *folder)
{
    folder_visit(folder, true);
    cr_assert(rmdir(folder) == 0);
    free(folder);
}

char *file_read(const char *folder, const char *name)
{
    char path[512], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "r");
    if (!in)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

void text_check(const char *got, const char *wanted)
{
    cr_assert(got != NULL, "missing, wanted: %s", wanted);
    cr_assert(strcmp(got, wanted) == 0, "got: %s, wanted: %s", got, wanted);
}

void null_check(const json_t *value)
{
    cr_assert(value != NULL && json_is_null(value));
}

json_t *json_read(const char *folder, const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    cr_assert(root != NULL, "%s:%d: %s", path, error.line, error.text);
    return root;
}

void golden_check(const char *name, const char *text)
{
    const char *mode = getenv("MIDFLIGHT_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        struct mf_error err;
        cr_assert(mf_report_write_text(GOLDEN_DIR, name, text, &err) == 0, "%s", err.text);
        return;
    }
    char *wanted = file_read(GOLDEN_DIR, name);
    cr_assert(wanted != NULL, "golden/%s is missing", name);
    cr_expect(strcmp(text, wanted) == 0, "golden/%s:\n--- wanted\n%s--- got\n%s", name, wanted, text);
    free(wanted);
}

int schema_check(const char *folder, const char *name, bool quiet)
{
    char path[512];
    int status = -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (quiet && (null < 0 || dup2(null, STDOUT_FILENO) < 0))
            _exit(70);
        execl("/usr/bin/python3", "python3", MIDFLIGHT_SOURCE_DIR "/scripts/check-schemas",
              MIDFLIGHT_SOURCE_DIR "/results/report.schema.json", path, (char *)NULL);
        _exit(77);
    }
    cr_assert(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
