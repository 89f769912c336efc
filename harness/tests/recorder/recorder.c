/* The flight recorder: what one process writes another reads, and what is not one is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/recorder.h"

static const struct mf_recorder_shape shape = {
    .workers = 3, .upgrades = 5, .bins = 17, .streams = 6, .stage_bits = 4, .bin_ns = 10000000};

static void recorder_make(struct mf_recorder *rec)
{
    struct mf_error err = {0};
    cr_assert(eq(int, mf_recorder_create(rec, &shape, &err), 0), "%s", err.text);
}

static uint64_t at(const struct mf_recorder *rec, const void *p)
{
    return (uint64_t)((const uint8_t *)p - rec->base);
}

Test(recorder, sections_do_not_overlap)
{
    struct mf_recorder rec;
    recorder_make(&rec);
    uint64_t end = at(&rec, rec.log + shape.upgrades);
    cr_assert(ge(u64, at(&rec, rec.log), sizeof *rec.header));
    cr_assert(ge(u64, at(&rec, rec.node), end));
    end = at(&rec, rec.node + 1);
    for (uint32_t w = 0; w < shape.workers; w++) {
        struct mf_worker_record *worker = mf_recorder_worker(&rec, w);
        struct mf_bin *bins = mf_recorder_bins(&rec, w);
        struct mf_upgrade_tally *tallies = mf_recorder_tallies(&rec, w);
        cr_assert(ge(u64, at(&rec, worker), end));
        cr_assert(ge(u64, at(&rec, bins), at(&rec, worker + 1)));
        cr_assert(ge(u64, at(&rec, tallies), at(&rec, bins + shape.bins)));
        end = at(&rec, tallies + shape.upgrades);
        cr_assert(eq(u64, at(&rec, worker) % 64, 0));
        cr_assert(eq(u64, worker->response.min, UINT64_MAX));
    }
    cr_assert(ge(u64, at(&rec, rec.stages), end));
    cr_assert(eq(u64, at(&rec, rec.stages) + ((uint64_t)shape.streams << shape.stage_bits), rec.header->total_bytes));
    mf_recorder_close(&rec);
    mf_recorder_close(&rec);
}

Test(recorder, outlives_the_process_that_wrote)
{
    struct mf_recorder rec;
    recorder_make(&rec);
    int fd = dup(rec.fd);
    pid_t pid = fork();
    if (pid == 0) {
        struct mf_recorder mine;
        struct mf_error err = {0};
        if (mf_recorder_map(&mine, fd, &err) != 0)
            _exit(1);
        atomic_store(&mine.header->requested, 3);
        mf_recorder_worker(&mine, 2)->replies = 77;
        mf_recorder_bins(&mine, 2)[16].due = 5;
        mf_recorder_tallies(&mine, 2)[4].gap_ns = 9;
        *mf_recorder_stage(&mine, 5, 31) = 6;
        raise(SIGKILL);
    }
    int status;
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    cr_assert(eq(int, WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL));
    cr_assert(eq(u32, atomic_load(&rec.header->requested), 3));
    cr_assert(eq(u64, mf_recorder_worker(&rec, 2)->replies, 77));
    cr_assert(eq(u32, mf_recorder_bins(&rec, 2)[16].due, 5));
    cr_assert(eq(u64, mf_recorder_tallies(&rec, 2)[4].gap_ns, 9));
    cr_assert(eq(u8, *mf_recorder_stage(&rec, 5, 15), 6));
    close(fd);
    mf_recorder_close(&rec);
}

Test(recorder, stages_of_other_streams_and_of_none)
{
    struct mf_recorder rec;
    recorder_make(&rec);
    cr_assert(mf_recorder_stage(&rec, 6, 0) == NULL);
    cr_assert(mf_recorder_stage(&rec, UINT32_MAX, 0) == NULL);
    cr_assert(mf_recorder_stage(&rec, 1, 16) == rec.stages + 16);
    mf_recorder_close(&rec);
    struct mf_recorder_shape without = shape;
    without.stage_bits = 0;
    struct mf_error err = {0};
    cr_assert(eq(int, mf_recorder_create(&rec, &without, &err), 0));
    cr_assert(mf_recorder_stage(&rec, 0, 0) == NULL);
    mf_recorder_close(&rec);
}

Test(recorder, what_is_none_is_refused)
{
    struct mf_recorder rec, other = {0};
    struct mf_error err = {0};
    cr_assert(eq(int, mf_recorder_map(&other, -1, &err), -1));
    int empty = memfd_create("empty", MFD_CLOEXEC);
    cr_assert(eq(int, mf_recorder_map(&other, empty, &err), -1));
    cr_assert(eq(int, (int)err.status, MF_STATUS_INTERNAL));
    mf_recorder_close(&other);

    recorder_make(&rec);
    uint64_t *words[] = {&rec.header->magic, &rec.header->total_bytes};
    for (size_t i = 0; i < 2; i++) {
        ++*words[i];
        cr_assert(eq(int, mf_recorder_map(&other, dup(rec.fd), &err), -1));
        mf_recorder_close(&other);
        --*words[i];
    }
    uint32_t *versions[] = {&rec.header->version, &rec.header->header_bytes};
    for (size_t i = 0; i < 2; i++) {
        ++*versions[i];
        cr_assert(eq(int, mf_recorder_map(&other, dup(rec.fd), &err), -1));
        cr_assert(ne(ptr, strstr(err.text, "another version"), NULL));
        mf_recorder_close(&other);
        --*versions[i];
    }
    cr_assert(eq(int, mf_recorder_map(&other, dup(rec.fd), &err), 0));
    mf_recorder_close(&other);
    mf_recorder_close(&rec);
}

Test(recorder, takes_the_descriptor_and_keeps_it_from_children)
{
    struct mf_recorder rec, other;
    struct mf_error err = {0};
    recorder_make(&rec);
    cr_assert(fcntl(rec.fd, F_GETFD) & FD_CLOEXEC);
    int fd = dup(rec.fd);
    cr_assert(eq(int, mf_recorder_map(&other, fd, &err), 0));
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    mf_recorder_close(&other);
    cr_assert(eq(int, fcntl(fd, F_GETFD), -1));
    mf_recorder_close(&rec);
}

Test(recorder, too_big_for_the_machine_is_said_and_leaves_nothing)
{
    struct mf_recorder rec;
    struct mf_error err = {0};
    struct mf_recorder_shape huge = shape;
    huge.streams = UINT32_MAX;
    huge.stage_bits = 30;
    int next = dup(0);
    close(next);
    cr_assert(eq(int, mf_recorder_create(&rec, &huge, &err), -1));
    cr_assert(eq(int, (int)err.status, MF_STATUS_INTERNAL));
    int again = dup(0);
    cr_assert(eq(int, again, next), "a descriptor is left open");
    close(again);
    mf_recorder_close(&rec);
}
