#include "load/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITING_BYTES_MAX (16u << 20)

static void channel_end(struct mf_channel *channel, const char *why)
{
    if (!channel->is_open)
        return;
    mf_channel_close(channel);
    channel->on_end(channel->ctx, why);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void channel_watch(struct mf_channel *channel)
{
    int events = UV_READABLE | (channel->waiting_bytes > 0 ? UV_WRITABLE : 0);
    int code = uv_poll_start(&channel->poll, events, on_poll);

    assert(code == 0);
}

/* Writes what it can. Returns false where the driver is gone. */
static bool channel_write(struct mf_channel *channel)
{
    while (channel->waiting_bytes > 0) {
        ssize_t n = send(channel->fd, channel->waiting, channel->waiting_bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        channel->waiting_bytes -= (size_t)n;
        memmove(channel->waiting, channel->waiting + n, channel->waiting_bytes);
    }
    return true;
}

/* Hands on the lines that are whole. Returns why the channel is of no use any more, or NULL. */
static const char *channel_lines(struct mf_channel *channel)
{
    char *text;

    while (channel->is_open && (text = mf_control_next(&channel->reader))) {
        struct mf_control_line line;
        if (mf_control_parse(&line, text) < 0)
            return "the driver sent a line that is no control line";
        channel->on_line(channel->ctx, &line);
    }
    return channel->reader.overrun ? "the driver sent a line that is too long" : NULL;
}

static void channel_read(struct mf_channel *channel)
{
    while (channel->is_open) {
        size_t space;
        char *to = mf_control_feed_space(&channel->reader, &space);
        ssize_t n = read(channel->fd, to, space);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            channel_end(channel, "the driver is gone");
            return;
        }
        mf_control_fed(&channel->reader, (size_t)n);
        const char *why = channel_lines(channel);
        if (why)
            channel_end(channel, why);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct mf_channel *channel = handle->data;

    if (status < 0 || events & UV_READABLE)
        channel_read(channel);
    if (channel->is_open && events & UV_WRITABLE) {
        if (channel_write(channel))
            channel_watch(channel);
        else
            channel_end(channel, "the driver is gone");
    }
}

int mf_channel_open(struct mf_channel *channel, uv_loop_t *loop, int fd, struct mf_error *err)
{
    int flags = fcntl(fd, F_GETFL);

    channel->fd = fd;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        mf_error_errno(err, MF_STATUS_USAGE, "--control-fd", "not usable");
        close(fd);
        return -1;
    }
    int code = uv_poll_init(loop, &channel->poll, fd);
    if (code < 0) {
        close(fd);
        return mf_error_set(err, MF_STATUS_USAGE, "--control-fd", "not a socket that can be waited on: %s",
                            uv_strerror(code));
    }
    channel->poll.data = channel;
    channel->is_open = true;
    channel_watch(channel);
    return 0;
}

void mf_channel_send(struct mf_channel *channel, struct mf_control_writer *w)
{
    if (!channel->is_open)
        return;
    int code = mf_control_end(w);
    assert(code == 0);
    if (channel->waiting_bytes + w->used > channel->waiting_room) {
        size_t room = 2 * (channel->waiting_bytes + w->used);
        char *waiting = room <= WAITING_BYTES_MAX ? realloc(channel->waiting, room) : NULL;
        if (!waiting) {
            channel_end(channel, "the driver does not read");
            return;
        }
        channel->waiting = waiting;
        channel->waiting_room = room;
    }
    memcpy(channel->waiting + channel->waiting_bytes, w->text, w->used);
    channel->waiting_bytes += w->used;
    if (!channel_write(channel))
        channel_end(channel, "the driver is gone");
    else if (channel->waiting_bytes > 0)
        channel_watch(channel);
}

void mf_channel_flush(struct mf_channel *channel)
{
    struct pollfd wait = {.fd = channel->fd, .events = POLLOUT};

    while (channel->is_open && channel_write(channel) && channel->waiting_bytes > 0)
        if (poll(&wait, 1, -1) < 0 && errno != EINTR)
            return;
}

void mf_channel_close(struct mf_channel *channel)
{
    if (!channel->is_open)
        return;
    channel->is_open = false;
    uv_poll_stop(&channel->poll);
    uv_close((uv_handle_t *)&channel->poll, NULL);
    close(channel->fd);
    free(channel->waiting);
    channel->waiting = NULL;
    channel->waiting_bytes = channel->waiting_room = 0;
}
