#include "base/footprint.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES (8u << 20)

static void *stand(void *fd)
{
    char byte;
    while (read(*(int *)fd, &byte, 1) > 0)
        ;
    return NULL;
}

/* One more of each, and what is gone again is gone. */
Test(footprint, sees_what_is_held)
{
    struct mf_footprint before, held, after;
    int line[2];
    pthread_t thread;
    cr_assert(eq(int, pipe(line), 0));
    cr_assert(eq(int, mf_footprint_read(getpid(), &before), 0));
    int fd = open("/dev/null", O_RDONLY);
    char *shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *own = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(ne(ptr, shared, MAP_FAILED));
    cr_assert(ne(ptr, own, MAP_FAILED));
    memset(shared, 1, BYTES);
    memset(own, 1, BYTES);
    cr_assert(eq(int, pthread_create(&thread, NULL, stand, &line[0]), 0));
    cr_assert(eq(int, mf_footprint_read(getpid(), &held), 0));
    cr_expect(eq(u64, held.of[MF_FOOTPRINT_DESCRIPTORS], before.of[MF_FOOTPRINT_DESCRIPTORS] + 1));
    cr_expect(eq(u64, held.of[MF_FOOTPRINT_THREADS], before.of[MF_FOOTPRINT_THREADS] + 1));
    cr_expect(gt(u64, held.of[MF_FOOTPRINT_MAPPINGS], before.of[MF_FOOTPRINT_MAPPINGS]));
    uint64_t grown = held.of[MF_FOOTPRINT_OWN_RSS] - before.of[MF_FOOTPRINT_OWN_RSS];
    cr_expect(ge(u64, grown, BYTES * 3 / 4));
    cr_expect(lt(u64, grown, BYTES * 3 / 2), "shared memory is not its own");
    close(line[1]);
    cr_assert(eq(int, pthread_join(thread, NULL), 0));
    munmap(own, BYTES);
    munmap(shared, BYTES);
    close(fd);
    cr_assert(eq(int, mf_footprint_read(getpid(), &after), 0));
    cr_expect(eq(u64, after.of[MF_FOOTPRINT_DESCRIPTORS], before.of[MF_FOOTPRINT_DESCRIPTORS] - 1));
    cr_expect(eq(u64, after.of[MF_FOOTPRINT_THREADS], before.of[MF_FOOTPRINT_THREADS]));
    close(line[0]);
}

Test(footprint, nobody_has_none)
{
    struct mf_footprint none;
    cr_expect(eq(int, mf_footprint_read(0, &none), -1));
}
