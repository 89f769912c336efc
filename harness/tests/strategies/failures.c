/* New modules that fail, and what many upgrades leave behind. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "conformance.h"
#include "fixture.h"
#include "strategies/flags.h"

#define MODULES MIDFLIGHT_BINARY_DIR "/harness/tests/"

/* --- roll-back --- */

static void ping_all(struct client *c, int n)
{
    for (int i = 0; i < n; i++)
        for (uint32_t s = 0; s < STREAMS; s++)
            client_ping(c, s, 64);
}

/* The old code goes on as if nothing had been asked; where the new module shows its fault only after connections had to
 * be given up
 * (`ends_connections`), those may have ended, and nothing else. */
static void check_old_goes_on(struct client *c, bool ends_connections)
{
    client_fence(c);
    for (uint32_t s = 0; s < STREAMS; s++) {
        const struct stream *stream = &c->stream[s];
        cr_expect(eq(u64, stream->wrong + stream->duplicated, 0));
        for (int i = 0; i < ASKED; i++) {
            const struct asked *asked = &stream->asked[i];
            cr_expect(eq(u32, asked->version, 1));
            cr_expect(eq(u64, asked->went_back + asked->reordered, 0));
            if (!ends_connections)
                cr_expect(eq(u64, asked->count, asked->answered));
        }
    }
    if (ends_connections)
        return;
    cr_expect(eq(u64, client_lost(c), 0));
    cr_expect(eq(u64, c->closed, 0));
}

/* A module that hangs is waited for so long; a process under a sanitizer takes a second to come up. */
#define PATIENCE (MIDFLIGHT_SANITIZE[0] ? "5000" : "400")

static void check_failing(const char *strategy, unsigned flags, const char *module, bool ends_connections)
{
    struct node n;
    struct node_setup setup = {.strategy = strategy,
                               .modules = {MODULE_V1, module},
                               .options = {"--patience-ms", PATIENCE},
                               .upgrades = 1,
                               .to = {1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    ping_all(c, 5 * ASKED);
    client_drain(c);
    ping_all(c, 1);
    enum mf_upgrade_outcome outcome = client_exchange(c, &n, 0);
    cr_expect(ne(int, (int)outcome, MF_UPGRADE_PENDING));
    if (flags & ROLLS_BACK) {
        const struct mf_upgrade_log *log = &n.rec.log[0];
        cr_expect(eq(int, (int)outcome, MF_UPGRADE_ROLLED_BACK), "%s", log->reason);
        cr_expect(ne(chr, log->reason[0], 0));
        cr_expect(eq(ptr, strchr(log->reason, '\n'), NULL));
        cr_expect(ne(u64, atomic_load(&log->phase_ns[MF_PHASE_ROLLED_BACK]), 0));
        cr_expect(eq(u64, atomic_load(&log->phase_ns[MF_PHASE_COMMITTED]), 0));
        cr_expect(eq(u32, atomic_load(&n.rec.header->committed), 0));
        check_old_goes_on(c, ends_connections);
    } else if (flags & EXCHANGES) {
        cr_expect(ne(int, (int)outcome, MF_UPGRADE_COMMITTED));
    }
    client_close(c);
    node_stop(&n);
}

void check_missing(const char *strategy, unsigned flags)
{
    check_failing(strategy, flags, MODULES "no-such-module.so", false);
}

void check_no_elf(const char *strategy, unsigned flags)
{
    check_failing(strategy, flags, MIDFLIGHT_SOURCE_DIR "/CMakeLists.txt", false);
}

void check_stranger(const char *strategy, unsigned flags)
{
    check_failing(strategy, flags, MODULES "strategies-stranger.so", false);
}

void check_unwilling(const char *strategy, unsigned flags)
{
    check_failing(strategy, flags, MODULES "strategies-unwilling.so", false);
}

void check_refuser(const char *strategy, unsigned flags)
{
    if (!(flags & KEEPS_STATE))
        return; /* it converts nothing, so nothing can be refused */
    check_failing(strategy, flags, MODULES "strategies-refuser.so", !(flags & KEEPS_MESSAGES));
}

static void check_each(const char *strategy, unsigned flags, const char *const *modules)
{
    for (; (flags & ROLLS_BACK) && *modules; modules++)
        check_failing(strategy, flags, *modules, false);
}

#define BROKEN(name) MIDFLIGHT_BINARY_DIR "/modules/broken/" name ".so"

void check_broken_init(const char *strategy, unsigned flags)
{
    static const char *const modules[] = {BROKEN("wrong_abi"),    BROKEN("no_symbol"),  BROKEN("init_fails"),
                                          BROKEN("init_crashes"), BROKEN("init_hangs"), NULL};
    check_each(strategy, flags, modules);
}

void check_broken_convert(const char *strategy, unsigned flags)
{
    static const char *const modules[] = {BROKEN("convert_fails"), BROKEN("convert_crashes"), BROKEN("convert_hangs"),
                                          NULL};
    if (flags & KEEPS_STATE) /* who converts nothing cannot fail in it */
        check_each(strategy, flags, modules);
}

/* --- growth --- */

#define GROWTH_UPGRADES 50
#define GROWTH_FROM     10 /* arenas, pools and the like have got their size by then */

struct footprint {
    int descriptors, mappings, threads;
};

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    cr_assert(ne(ptr, d, NULL), "%s", path);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int lines(const char *path)
{
    int n = 0;
    FILE *f = fopen(path, "r");
    cr_assert(ne(ptr, f, NULL), "%s", path);
    for (int ch; (ch = fgetc(f)) != EOF;)
        n += ch == '\n';
    fclose(f);
    return n;
}

static struct footprint footprint_of(uint32_t pid)
{
    struct footprint f;
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/fd", pid);
    f.descriptors = entries(path);
    snprintf(path, sizeof path, "/proc/%u/maps", pid);
    f.mappings = lines(path);
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    f.threads = entries(path);
    return f;
}

/* Less than one for two upgrades: an allocator may move, a leak may not hide. */
static void check_footprint(const char *who, struct footprint before, struct footprint after)
{
    cr_expect(eq(int, after.threads, before.threads), "threads of %s", who);
    if (MIDFLIGHT_SANITIZE[0] != 0) /* sanitizer builds keep images mapped, and with them their descriptors */
        return;
    cr_expect(eq(int, after.descriptors, before.descriptors), "descriptors of %s", who);
    cr_expect(lt(int, after.mappings - before.mappings, (GROWTH_UPGRADES - GROWTH_FROM) / 2), "mappings of %s", who);
}

void check_growth(const char *strategy, unsigned flags)
{
    struct node n;
    struct footprint supervisor = {0}, worker = {0};
    struct node_setup setup = {
        .strategy = strategy, .modules = {MODULE_V1, MODULE_V2, MODULE_V3}, .upgrades = GROWTH_UPGRADES};
    for (uint32_t k = 0; k < GROWTH_UPGRADES; k++)
        setup.to[k] = (k + 1) % (flags & SAME_LAYOUT ? 2 : 3);
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0; k < GROWTH_UPGRADES; k++) {
        ping_all(c, 1);
        cr_assert(eq(int, (int)client_exchange(c, &n, k), MF_UPGRADE_COMMITTED), "%s", n.rec.log[k].reason);
        client_fence(c);
        if (k + 1 == GROWTH_FROM) {
            supervisor = footprint_of((uint32_t)n.pid);
            worker = footprint_of(node_worker(&n));
        }
    }
    check_footprint("the supervisor", supervisor, footprint_of((uint32_t)n.pid));
    check_footprint("the worker", worker, footprint_of(node_worker(&n)));
    client_close(c);
    node_stop(&n);
}
