#include "node/redirect.h"

#include <linux/membarrier.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)

#define SLED_BYTES 8
#define SLOT_AT    (-8) /* of the target, from the entry on */

/* nopl 0x0(%rax,%rax,1) */
static const uint8_t nop_8[SLED_BYTES] = {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};
/* jmp *-14(%rip), counted from behind its six bytes; xchg %ax,%ax */
static const uint8_t jump[SLED_BYTES] = {0xff, 0x25, 0xf2, 0xff, 0xff, 0xff, 0x66, 0x90};

static uint64_t *quad_at(void *entry, int at)
{
    return (uint64_t *)((uint8_t *)entry + at);
}

static uint64_t quad_of(const uint8_t bytes[SLED_BYTES])
{
    uint64_t quad;
    memcpy(&quad, bytes, sizeof quad);
    return quad;
}

/* The pages that hold slot and sled. */
static int pages_protect(void *entry, int protection)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)entry + SLOT_AT) & ~(page - 1), to = (uintptr_t)entry + SLED_BYTES;
    return mprotect((void *)from, to - from, protection);
}

static int pages_open(const char *name, void *entry, struct mf_error *err)
{
    if (pages_protect(entry, PROT_READ | PROT_WRITE | PROT_EXEC) == 0)
        return 0;
    return mf_error_errno(err, MF_STATUS_TARGET, name, "its code can't be made writable");
}

/* What is written is written: a page that stays writable is no reason to take an upgrade back. */
static void pages_close(const char *name, void *entry)
{
    if (pages_protect(entry, PROT_READ | PROT_EXEC) != 0)
        fprintf(stderr, "midflight-node: the code of %s stays writable\n", name);
}

static int all_cores_look(bool first, struct mf_error *err)
{
    int what = first ? MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE : MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;
    if (syscall(SYS_membarrier, what, 0, 0) == 0)
        return 0;
    return mf_error_errno(err, MF_STATUS_TARGET, NULL,
                          "this kernel can't make all threads fetch their instructions anew (membarrier)");
}

/* gcc fills both halves with nops of one byte, clang the one behind the entry with a single nop of eight. */
static bool has_sled(const void *entry)
{
    const uint8_t *at = entry;
    uint8_t nops[SLED_BYTES];
    memset(nops, 0x90, sizeof nops);
    return (uintptr_t)entry % SLED_BYTES == 0 && memcmp(at + SLOT_AT, nops, sizeof nops) == 0 &&
           (memcmp(at, nops, sizeof nops) == 0 || memcmp(at, nop_8, 4) == 0);
}

int mf_redirect_prepare(const char *name, void *entry, struct mf_error *err)
{
    if (!has_sled(entry))
        return mf_error_set(err, MF_STATUS_TARGET, name,
                            "the function has no room for a jump: compile with -fpatchable-function-entry=24,16 "
                            "-fcf-protection=none -falign-functions=16");
    if (all_cores_look(true, err) != 0 || pages_open(name, entry, err) != 0)
        return -1;
    __atomic_store_n(quad_at(entry, 0), quad_of(nop_8), __ATOMIC_RELEASE);
    pages_close(name, entry);
    return 0;
}

int mf_redirect_all(const struct mf_redirect *redirects, uint32_t n, struct mf_error *err)
{
    uint32_t open = 0;
    while (open < n && pages_open(redirects[open].name, redirects[open].entry, err) == 0)
        open++;
    int bad = open < n ? -1 : 0;
    for (uint32_t i = 0; i < n && !bad; i++) {
        void *entry = redirects[i].entry;
        __atomic_store_n(quad_at(entry, SLOT_AT), (uint64_t)(uintptr_t)redirects[i].target, __ATOMIC_RELEASE);
        __atomic_store_n(quad_at(entry, 0), quad_of(jump), __ATOMIC_RELEASE);
    }
    struct mf_error late;
    if (!bad && all_cores_look(false, &late) != 0) /* registered, it can't fail; stores to code are seen all the same */
        fprintf(stderr, "midflight-node: %s\n", late.text);
    for (uint32_t i = 0; i < open; i++)
        pages_close(redirects[i].name, redirects[i].entry);
    return bad;
}

#else

static int elsewhere(struct mf_error *err)
{
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "functions are redirected on x86-64 only");
}

int mf_redirect_prepare(const char *name, void *entry, struct mf_error *err)
{
    (void)name;
    (void)entry;
    return elsewhere(err);
}

int mf_redirect_all(const struct mf_redirect *redirects, uint32_t n, struct mf_error *err)
{
    (void)redirects;
    (void)n;
    return elsewhere(err);
}

#endif
