#include "recorder/recorder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const mf_stage_keys[MF_STAGE_COUNT] = {
#define MF_STAGE(id, key, text) key,
#include "recorder/stages.def"
#undef MF_STAGE
};
const char *const mf_phase_keys[MF_PHASE_COUNT] = {
#define MF_PHASE(id, key, text) key,
#include "recorder/phases.def"
#undef MF_PHASE
};
const char *const mf_outcome_keys[MF_OUTCOME_COUNT] = {
#define MF_OUTCOME(id, key, text) key,
#include "recorder/outcomes.def"
#undef MF_OUTCOME
};
const char *const mf_cause_keys[MF_CAUSE_COUNT] = {
#define MF_CAUSE(id, key, text) key,
#include "recorder/causes.def"
#undef MF_CAUSE
};
const char *const mf_extra_keys[MF_EXTRA_COUNT] = {
#define MF_EXTRA(id, key, text) key,
#include "recorder/extras.def"
#undef MF_EXTRA
};

const char *const mf_wire_state_keys[MF_WIRE_STATE_COUNT] = {
#define MF_WIRE_STATE(id, key, text) key,
#include "recorder/wire_states.def"
#undef MF_WIRE_STATE
};
const char *const mf_point_stage_keys[MF_POINT_STAGE_COUNT] = {
#define MF_STAGE(id, key, text) key,
#include "recorder/stages.def"
#undef MF_STAGE
#define MF_HALF(id, key, text) key,
#include "recorder/halves.def"
#undef MF_HALF
};

/* The workers', and one for the probes. */
static uint32_t recorder_sections(const struct mf_recorder_shape *shape)
{
    return shape->workers + (shape->probes != 0);
}

static uint64_t align64(uint64_t x)
{
    return (x + 63) & ~63ULL;
}

/* A polynomial in the sizes of all records. */
static uint64_t recorder_layout(void)
{
    static const size_t sizes[] = {
        sizeof(struct mf_recorder_header), sizeof(struct mf_upgrade_log), sizeof(struct mf_node_record),
        sizeof(struct mf_worker_record),   sizeof(struct mf_bin),         sizeof(struct mf_upgrade_tally)};
    uint64_t layout = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        layout = layout * 1000003 + sizes[i];
    return layout;
}

static void header_lay_out(struct mf_recorder_header *h, const struct mf_recorder_shape *shape)
{
    *h = (struct mf_recorder_header){.magic = MF_RECORDER_MAGIC,
                                     .version = MF_RECORDER_VERSION,
                                     .header_bytes = sizeof *h,
                                     .layout = recorder_layout(),
                                     .shape = *shape};
    h->upgrade_log_at = align64(sizeof *h);
    h->node_at = align64(h->upgrade_log_at + sizeof(struct mf_upgrade_log) * shape->upgrades);
    h->workers_at = align64(h->node_at + sizeof(struct mf_node_record));
    h->worker_stride = align64(sizeof(struct mf_worker_record)) + align64(sizeof(struct mf_bin) * shape->bins) +
                       align64(sizeof(struct mf_upgrade_tally) * shape->upgrades);
    h->stages_at = h->workers_at + h->worker_stride * recorder_sections(shape);
    h->total_bytes = h->stages_at + (shape->stage_bits ? (uint64_t)shape->streams << shape->stage_bits : 0);
}

static void recorder_point(struct mf_recorder *rec)
{
    rec->header = (struct mf_recorder_header *)rec->base;
    rec->log = (struct mf_upgrade_log *)(rec->base + rec->header->upgrade_log_at);
    rec->node = (struct mf_node_record *)(rec->base + rec->header->node_at);
    rec->stages = rec->header->shape.stage_bits ? rec->base + rec->header->stages_at : NULL;
}

/* After a failure: nothing mapped, nothing open. */
static void recorder_drop(struct mf_recorder *rec)
{
    close(rec->fd);
    *rec = (struct mf_recorder){.fd = -1};
}

int mf_recorder_create(struct mf_recorder *rec, const struct mf_recorder_shape *shape, struct mf_error *err)
{
    struct mf_recorder_header h;
    header_lay_out(&h, shape);
    *rec = (struct mf_recorder){.fd = memfd_create("midflight-recorder", MFD_CLOEXEC)};
    if (rec->fd < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make the flight recorder");
    /* the kernel would fill all memory before it refuses */
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (h.total_bytes > memory / 2) {
        recorder_drop(rec);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL,
                            "a flight recorder of %llu MiB is over half of this machine's memory",
                            (unsigned long long)(h.total_bytes >> 20));
    }
    /* fallocate, not ftruncate: a lack of memory shows here and not as SIGBUS in the middle of a run */
    if (posix_fallocate(rec->fd, 0, (off_t)h.total_bytes) != 0) {
        recorder_drop(rec);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a flight recorder of %llu MiB",
                            (unsigned long long)(h.total_bytes >> 20));
    }
    rec->base = mmap(NULL, h.total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rec->fd, 0);
    if (rec->base == MAP_FAILED) {
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot map the flight recorder");
        recorder_drop(rec);
        return -1;
    }
    memcpy(rec->base, &h, sizeof h);
    recorder_point(rec);
    for (uint32_t w = 0; w < recorder_sections(shape); w++) {
        struct mf_worker_record *worker = mf_recorder_worker(rec, w);
        mf_hist_init(&worker->response);
        mf_hist_init(&worker->service);
        mf_hist_init(&worker->lag);
        mf_hist_init(&worker->control_near);
        mf_hist_init(&worker->control_away);
    }
    return 0;
}

int mf_recorder_map(struct mf_recorder *rec, int fd, struct mf_error *err)
{
    *rec = (struct mf_recorder){.fd = fd};
    struct stat st;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < sizeof(struct mf_recorder_header)) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "descriptor %d is no flight recorder", fd);
        goto fail;
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot keep the flight recorder from children");
        goto fail;
    }
    uint8_t *base = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) {
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot map the flight recorder");
        goto fail;
    }
    rec->base = base;
    const struct mf_recorder_header *h = (const struct mf_recorder_header *)base;
    if (h->magic != MF_RECORDER_MAGIC || h->version != MF_RECORDER_VERSION || h->header_bytes != sizeof *h ||
        h->layout != recorder_layout() || h->total_bytes != (uint64_t)st.st_size) {
        munmap(base, (size_t)st.st_size);
        mf_error_set(err, MF_STATUS_INTERNAL, NULL,
                     "the flight recorder is of another version: all three programs must be of one build");
        goto fail;
    }
    recorder_point(rec);
    return 0;
fail:
    recorder_drop(rec);
    return -1;
}

int mf_recorder_restore(struct mf_recorder *rec, const void *bytes, size_t n, struct mf_error *err)
{
    const struct mf_recorder_header *was = bytes;
    struct mf_recorder_header h;
    *rec = (struct mf_recorder){.fd = -1};
    if (n < sizeof *was || was->magic != MF_RECORDER_MAGIC)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "is no flight recorder");
    if (was->version != MF_RECORDER_VERSION || was->header_bytes != sizeof *was || was->layout != recorder_layout())
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "is a flight recorder of another version: the midflight that wrote it can read it");
    header_lay_out(&h, &was->shape);
    if (h.stages_at != n || was->stages_at != n || was->upgrade_log_at != h.upgrade_log_at ||
        was->node_at != h.node_at || was->workers_at != h.workers_at || was->worker_stride != h.worker_stride ||
        was->total_bytes != h.total_bytes)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "is a flight recorder that is cut off, or damaged");
    if (mf_recorder_create(rec, &was->shape, err) != 0)
        return -1;
    memcpy(rec->base, bytes, n);
    return 0;
}

void mf_recorder_close(struct mf_recorder *rec)
{
    if (!rec->base)
        return;
    munmap(rec->base, rec->header->total_bytes);
    close(rec->fd);
    *rec = (struct mf_recorder){.fd = -1};
}

struct mf_worker_record *mf_recorder_worker(const struct mf_recorder *rec, uint32_t worker)
{
    return (struct mf_worker_record *)(rec->base + rec->header->workers_at + rec->header->worker_stride * worker);
}

struct mf_bin *mf_recorder_bins(const struct mf_recorder *rec, uint32_t worker)
{
    return (struct mf_bin *)((uint8_t *)mf_recorder_worker(rec, worker) + align64(sizeof(struct mf_worker_record)));
}

struct mf_upgrade_tally *mf_recorder_tallies(const struct mf_recorder *rec, uint32_t worker)
{
    return (struct mf_upgrade_tally *)((uint8_t *)mf_recorder_bins(rec, worker) +
                                       align64(sizeof(struct mf_bin) * rec->header->shape.bins));
}
