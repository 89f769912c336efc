/* The history: records come back as they were, whatever is cut off is said, and what could not be written is counted.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "recorder/history_reader.h"
#include "recorder/history_writer.h"

#define RECORDS 20000u

static const struct mf_history_head head = {.worker = 3,
                                            .first_stream = 4,
                                            .streams = 5,
                                            .streams_total = 9,
                                            .processes = 7,
                                            .window_hint = 11,
                                            .timeout_ns = 1000000007,
                                            .window_ns = 100000003};
static char path[] = "/tmp/midflight-history-XXXXXX";
static struct mf_history_told told;
static struct mf_history_reader reader;
static struct mf_error err;

/* Record i of a history: any kind, any numbers. */
static struct mf_history_record record_of(uint32_t i)
{
    static const uint64_t ceilings[] = {1, 2, 128, 16385, 1u << 20, 1ULL << 35, UINT64_MAX};
    struct mf_rng rng;
    mf_rng_init(&rng, i, 5);
    struct mf_history_record record = {.kind = (enum mf_history_kind)(1 + mf_rng_below(&rng, MF_HISTORY_KINDS - 1))};
    for (uint32_t f = 0; f < MF_HISTORY_FIELDS; f++)
        record.of[f] = mf_rng_below(&rng, ceilings[mf_rng_below(&rng, sizeof ceilings / sizeof *ceilings)]);
    return record;
}

/* ... all in a tenth of a second, forth and back. */
static struct mf_history_record record_near(uint32_t i)
{
    struct mf_history_record record = record_of(i);
    record.of[MF_HISTORY_AT] %= 100000000;
    return record;
}

/* The fields that the kind has, and only those. */
static bool is_same(const struct mf_history_record *back, const struct mf_history_record *was)
{
    uint8_t once[MF_HISTORY_RECORD_BYTES], again[MF_HISTORY_RECORD_BYTES];
    uint64_t last = 0, last_again = 0;
    size_t n = mf_history_encode(once, was, &last);
    return back->kind == was->kind && mf_history_encode(again, back, &last_again) == n && memcmp(once, again, n) == 0;
}

static void name_take(void)
{
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    close(fd);
    unlink(path);
}

static void write_whole(void)
{
    name_take();
    struct mf_history_writer *w = mf_history_create(path, &head, &told, &err);
    cr_assert(ne(ptr, w, NULL), "%s", err.text);
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct mf_history_record record = record_near(i);
        mf_history_note(w, &record);
    }
    mf_history_end(w);
    mf_history_free(w);
    struct stat st;
    cr_assert(eq(int, stat(path, &st), 0));
    cr_assert(eq(u32, told.done, 1));
    cr_assert(eq(u32, told.error, 0));
    cr_assert(eq(u64, told.records, RECORDS));
    cr_assert(eq(u64, told.dropped, 0));
    cr_assert(eq(u64, told.bytes, (uint64_t)st.st_size));
}

/* Reads what there is; every record must be the one that was written there. Returns how many. */
static uint32_t read_back(void)
{
    struct mf_history_record back;
    uint32_t n = 0;
    cr_assert(eq(int, mf_history_open(&reader, path, &err), 0), "%s", err.text);
    while (mf_history_next(&reader, &back)) {
        struct mf_history_record was = record_near(n);
        cr_assert(is_same(&back, &was), "record %u", n);
        n++;
    }
    mf_history_close(&reader);
    return n;
}

Test(history, comes_back_as_it_was)
{
    write_whole();
    cr_assert(eq(u32, read_back(), RECORDS));
    cr_assert(eq(ptr, (void *)mf_history_gap(&reader), NULL));
    cr_assert(eq(int, memcmp(&reader.head, &head, sizeof head), 0));
    cr_assert(ne(ptr, (void *)strstr(mf_history_kind_texts[MF_HISTORY_KIND_LOST], "lost"), NULL));
    unlink(path);
}

Test(history, every_record_fits_its_room_and_no_part_of_it_is_one)
{
    uint8_t bytes[MF_HISTORY_RECORD_BYTES];
    for (uint32_t i = 0; i < 3000; i++) {
        struct mf_history_record was = record_of(i), back;
        uint64_t last = i, last_back = i;
        size_t n = mf_history_encode(bytes, &was, &last);
        cr_assert(le(sz, n, sizeof bytes));
        cr_assert(eq(sz, mf_history_decode(&back, bytes, n, &last_back), n));
        cr_assert(eq(u64, last, last_back));
        for (size_t cut = 0; cut < n; cut++)
            cr_assert(eq(sz, mf_history_decode(&back, bytes, cut, &last_back), 0));
    }
    cr_assert(eq(sz, mf_history_decode(&(struct mf_history_record){0}, (uint8_t[]){0}, 1, &(uint64_t){0}), 0));
    cr_assert(eq(sz, mf_history_decode(&(struct mf_history_record){0}, (uint8_t[]){255}, 1, &(uint64_t){0}), 0));
    /* eleven bytes of a number */
    cr_assert(eq(sz,
                 mf_history_decode(&(struct mf_history_record){0},
                                   (uint8_t[]){MF_HISTORY_KIND_EXPIRE, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2},
                                   11, &(uint64_t){0}),
                 0));
}

Test(history, cut_anywhere_gives_what_is_whole_and_says_so)
{
    write_whole();
    uint64_t size = told.bytes;
    for (uint64_t cut = size - 1; cut > MF_HISTORY_HEAD_BYTES;
         cut = cut > 30011 ? cut - 30011 : MF_HISTORY_HEAD_BYTES) {
        cr_assert(eq(int, truncate(path, (off_t)cut), 0));
        uint32_t n = read_back();
        cr_assert(lt(u32, n, RECORDS));
        cr_assert(ne(ptr, (void *)mf_history_gap(&reader), NULL));
        cr_assert(ne(ptr, (void *)strstr(mf_history_gap(&reader), "cut off after"), NULL), "%s",
                  mf_history_gap(&reader));
    }
    cr_assert(eq(int, truncate(path, MF_HISTORY_HEAD_BYTES - 1), 0));
    cr_assert(eq(int, mf_history_open(&reader, path, &err), -1));
    cr_assert(eq(int, err.status, MF_STATUS_USAGE));
    mf_history_close(&reader);
    unlink(path);
}

Test(history, a_changed_byte_is_found)
{
    write_whole();
    uint64_t at = told.bytes / 2;
    int fd = open(path, O_RDWR);
    uint8_t byte;
    cr_assert(eq(int, (int)pread(fd, &byte, 1, (off_t)at), 1));
    byte ^= 4;
    cr_assert(eq(int, (int)pwrite(fd, &byte, 1, (off_t)at), 1));
    close(fd);
    cr_assert(lt(u32, read_back(), RECORDS));
    cr_assert(ne(ptr, (void *)strstr(mf_history_gap(&reader), "damaged"), NULL));
    unlink(path);
}

Test(history, a_full_disk_is_told_and_counted)
{
    const struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    signal(SIGXFSZ, SIG_IGN);
    name_take();
    struct mf_history_writer *w = mf_history_create(path, &head, &told, &err);
    cr_assert(ne(ptr, w, NULL), "%s", err.text);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct mf_history_record record = record_near(i);
        mf_history_note(w, &record);
    }
    mf_history_end(w);
    mf_history_free(w);
    cr_assert(eq(u32, told.done, 1));
    cr_assert(eq(u32, told.error, EFBIG));
    cr_assert(gt(u64, told.dropped, 0));
    cr_assert(eq(u64, told.dropped + told.records, RECORDS));
    cr_assert(eq(u32, read_back(), (uint32_t)told.records));
    cr_assert(ne(ptr, (void *)mf_history_gap(&reader), NULL));
    unlink(path);
}

/* A disk that takes nothing for a while: a pipe that nobody reads. */
static void *drain(void *ctx)
{
    int *pipe_fd = ctx, out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char bytes[65536];
    for (ssize_t n; (n = read(*pipe_fd, bytes, sizeof bytes)) > 0;)
        cr_assert(eq(int, (int)write(out, bytes, (size_t)n), (int)n));
    close(out);
    return NULL;
}

Test(history, what_the_disk_is_too_slow_for_is_counted_and_nobody_waits)
{
    int fds[2];
    pthread_t reader_thread;
    uint32_t i = 0;
    cr_assert(eq(int, pipe(fds), 0));
    name_take();
    struct mf_history_writer *w = mf_history_create_in(fds[1], "a pipe", &head, &told, &err);
    cr_assert(ne(ptr, w, NULL), "%s", err.text);
    for (; i < 100 * RECORDS; i++) { /* comes to an end: nothing here waits for the pipe */
        struct mf_history_record record = record_near(i % RECORDS);
        mf_history_note(w, &record);
    }
    pthread_create(&reader_thread, NULL, drain, &fds[0]);
    mf_history_end(w);
    mf_history_free(w);
    pthread_join(reader_thread, NULL);
    cr_assert(gt(u64, told.dropped, 0));
    cr_assert(gt(u64, told.records, RECORDS));
    cr_assert(eq(u64, told.dropped + told.records, i));
    struct mf_history_record back;
    uint64_t n = 0;
    cr_assert(eq(int, mf_history_open(&reader, path, &err), 0), "%s", err.text);
    while (mf_history_next(&reader, &back))
        n++;
    cr_assert(le(u64, n, told.records));
    cr_assert(ne(ptr, (void *)mf_history_gap(&reader), NULL));
    mf_history_close(&reader);
    unlink(path);
}

Test(history, another_format_is_refused)
{
    write_whole();
    int fd = open(path, O_RDWR);
    cr_assert(eq(int, (int)pwrite(fd, (uint8_t[]){MF_HISTORY_FORMAT + 1}, 1, 8), 1));
    close(fd);
    cr_assert(eq(int, mf_history_open(&reader, path, &err), -1));
    cr_assert(ne(ptr, (void *)strstr(err.text, "another version"), NULL));
    mf_history_close(&reader);
    unlink(path);
}
