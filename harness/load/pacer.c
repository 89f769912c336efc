#include "load/pacer.h"

#include <assert.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct mf_pacer *pacer = handle->data;
    uint64_t deadline_ns = pacer->deadline_ns, now_ns = mf_clock_now_ns();

    (void)status;
    (void)events;
    if (deadline_ns == 0 || now_ns < deadline_ns)
        return; /* armed anew since this event was fetched */
    pacer->deadline_ns = 0;
    pacer->on_due(pacer->ctx, deadline_ns, now_ns);
    if (pacer->is_open && pacer->deadline_ns == 0)
        mf_pacer_arm(pacer, 0);
}

int mf_pacer_open(struct mf_pacer *pacer, uv_loop_t *loop, struct mf_error *err)
{
    pacer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->fd < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "no timerfd");
    int code = uv_poll_init(loop, &pacer->poll, pacer->fd);
    if (code == 0) {
        pacer->poll.data = pacer;
        code = uv_poll_start(&pacer->poll, UV_READABLE, on_poll);
    }
    if (code < 0) {
        close(pacer->fd);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no timer in the loop: %s", uv_strerror(code));
    }
    pacer->is_open = true;
    return 0;
}

void mf_pacer_arm(struct mf_pacer *pacer, uint64_t deadline_ns)
{
    /* Setting it also takes back an expiry that was not read, so it never has to be read. */
    struct itimerspec when = {.it_value = mf_clock_timespec(deadline_ns)};
    int code = timerfd_settime(pacer->fd, TFD_TIMER_ABSTIME, &when, NULL);

    assert(code == 0);
    pacer->deadline_ns = deadline_ns;
}

void mf_pacer_close(struct mf_pacer *pacer)
{
    if (!pacer->is_open)
        return;
    pacer->is_open = false;
    uv_poll_stop(&pacer->poll);
    uv_close((uv_handle_t *)&pacer->poll, NULL);
    close(pacer->fd);
}
