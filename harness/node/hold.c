#include "node/hold.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/control.h"

#define HOLD_DEADLINE_NS (10 * MF_NS_PER_S)
#define LOOK_NS          (50 * MF_NS_PER_MS) /* how often to look whether anybody is still there */

static bool line_is_dead(int fd)
{
    struct pollfd at = {.fd = fd};
    return poll(&at, 1, 0) == 1 && (at.revents & (POLLHUP | POLLERR | POLLNVAL));
}

void mf_hold_at(const struct mf_recorder *rec, int line_fd, uint32_t k, uint32_t phase)
{
    _Atomic uint32_t *hold = &rec->log[k].hold;
    uint32_t bit = 1u << phase, marks = atomic_load(hold);
    if (!(marks & bit))
        return;
    struct mf_control_writer w;
    mf_control_begin(&w, "phase");
    mf_control_put_u64(&w, "k", k);
    mf_control_put(&w, "phase", mf_phase_keys[phase]);
    uint64_t deadline_ns = mf_clock_now_ns() + HOLD_DEADLINE_NS;
    if (mf_control_end(&w) == 0 && mf_control_send(line_fd, &w) == 0)
        while ((marks & bit) && mf_clock_now_ns() < deadline_ns && !line_is_dead(line_fd)) {
            struct timespec rest = mf_clock_timespec(LOOK_NS);
            syscall(SYS_futex, hold, FUTEX_WAIT, marks, &rest, NULL, 0); /* shared: the driver is another program */
            marks = atomic_load(hold);
        }
    atomic_fetch_and(hold, ~bit);
}
