#include "wire/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %XX in place, up to the next blank or the end. Returns what follows; NULL where an escape is bad (%00
 * included: a C string cannot hold it) or a byte is outside the printable range. */
static char *value_unescape(char *text)
{
    char *out = text, *in = text;

    while (*in && *in != ' ') {
        if (*in < ' ' || *in > '~')
            return NULL;
        if (*in != '%') {
            *out++ = *in++;
            continue;
        }
        int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0 || high + low == 0)
            return NULL;
        *out++ = (char)(high << 4 | low);
        in += 3;
    }
    char *rest = *in ? in + 1 : in;
    *out = 0;
    return rest;
}

/* Cuts a name off at `end`, one of its two closing characters. Returns what follows, NULL where there is no name or it
 * ends otherwise. */
static char *name_cut(char *text, char end, bool or_nul)
{
    char *p = text;

    while (is_name(*p))
        p++;
    if (p == text || (*p != end && !(or_nul && *p == 0)))
        return NULL;
    if (*p)
        *p++ = 0;
    return p;
}

int mf_control_parse(struct mf_control_line *line, char *text)
{
    *line = (struct mf_control_line){.verb = text};
    char *p = name_cut(text, ' ', true);
    if (!p)
        return -1;
    for (;;) {
        while (*p == ' ')
            p++;
        if (!*p)
            return 0;
        if (line->pairs == MF_CONTROL_PAIRS)
            return -1;
        line->pair[line->pairs].key = p;
        p = name_cut(p, '=', false);
        if (!p)
            return -1;
        line->pair[line->pairs++].value = p;
        p = value_unescape(p);
        if (!p)
            return -1;
    }
}

const char *mf_control_get(const struct mf_control_line *line, const char *key)
{
    for (uint32_t i = 0; i < line->pairs; i++)
        if (strcmp(line->pair[i].key, key) == 0)
            return line->pair[i].value;
    return NULL;
}

uint64_t mf_control_u64(const struct mf_control_line *line, const char *key, uint64_t fallback, uint64_t max, bool *bad)
{
    const char *p = mf_control_get(line, key);
    uint64_t value = 0;

    if (!p)
        return fallback;
    if (!*p)
        *bad = true;
    for (; *p; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9' || digit > max || value > (max - digit) / 10) {
            *bad = true;
            return fallback;
        }
        value = value * 10 + digit;
    }
    return *bad ? fallback : value;
}

static void writer_byte(struct mf_control_writer *w, char c)
{
    if (w->used == sizeof w->text)
        w->overrun = true;
    else
        w->text[w->used++] = c;
}

static void writer_plain(struct mf_control_writer *w, const char *text)
{
    while (*text)
        writer_byte(w, *text++);
}

void mf_control_begin(struct mf_control_writer *w, const char *verb)
{
    w->used = 0;
    w->overrun = false;
    writer_plain(w, verb);
}

void mf_control_put(struct mf_control_writer *w, const char *key, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";

    writer_byte(w, ' ');
    writer_plain(w, key);
    writer_byte(w, '=');
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c > ' ' && c <= '~' && c != '%') {
            writer_byte(w, (char)c);
            continue;
        }
        writer_byte(w, '%');
        writer_byte(w, digits[c >> 4]);
        writer_byte(w, digits[c & 15]);
    }
}

void mf_control_put_u64(struct mf_control_writer *w, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    mf_control_put(w, key, text);
}

int mf_control_end(struct mf_control_writer *w)
{
    writer_byte(w, '\n');
    return w->overrun ? -1 : 0;
}

char *mf_control_feed_space(struct mf_control_reader *r, size_t *space)
{
    if (r->begin > 0) {
        memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    *space = sizeof r->buffer - r->end;
    return r->buffer + r->end;
}

void mf_control_fed(struct mf_control_reader *r, size_t n)
{
    r->end += n;
}

char *mf_control_next(struct mf_control_reader *r)
{
    for (;;) {
        char *line = r->buffer + r->begin;
        size_t pending = r->end - r->begin;
        char *newline = memchr(line, '\n', pending);
        if (!newline) {
            if (pending >= MF_CONTROL_BYTES) {
                r->overrun = r->skipping = true;
                r->begin = r->end = 0;
            }
            return NULL;
        }
        size_t length = (size_t)(newline - line);
        r->begin += length + 1;
        if (r->skipping || length >= MF_CONTROL_BYTES) {
            r->overrun = true;
            r->skipping = false;
            continue;
        }
        /* A NUL would hide the rest of the line from the parser; as another unprintable byte it is refused there. */
        for (char *nul = line; (nul = memchr(nul, 0, (size_t)(newline - nul)));)
            *nul = 1;
        *newline = 0;
        return line;
    }
}

int mf_control_send(int fd, struct mf_control_writer *w)
{
    size_t at = 0;

    while (at < w->used) {
        ssize_t n = send(fd, w->text + at, w->used - at, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
            n = write(fd, w->text + at, w->used - at);
        if (n >= 0) {
            at += (size_t)n;
            continue;
        }
        if (errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}
