#include "targets/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES   (1 << 20)
#define TAIL_BYTES   (1 << 20)
#define BOUND_BYTES  (8 << 20) /* over this the middle goes */
#define HOLE_ALIGN   4096
#define CHUNK_BYTES  65536
#define SEARCH_BYTES (16 << 20) /* in one call */
#define TAIL_LINES   3

int mf_output_open(struct mf_output *o, const char *path, struct mf_error *err)
{
    *o = (struct mf_output){.fd = -1};
    if (snprintf(o->path, sizeof o->path, "%s", path) >= (int)sizeof o->path)
        return mf_error_set(err, MF_STATUS_USAGE, path, "the path is too long");
    o->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return o->fd >= 0 ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot open the log");
}

off_t mf_output_bytes(const struct mf_output *o)
{
    struct stat st;
    return o->fd >= 0 && fstat(o->fd, &st) == 0 ? st.st_size : 0;
}

void mf_output_trim(struct mf_output *o)
{
    off_t size = mf_output_bytes(o), from = o->holes_to > HEAD_BYTES ? o->holes_to : HEAD_BYTES,
          to = (size - TAIL_BYTES) / HOLE_ALIGN * HOLE_ALIGN;
    if (to - from < BOUND_BYTES - HEAD_BYTES - TAIL_BYTES)
        return;
    if (fallocate(o->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from) == 0)
        o->holes_to = to;
}

static int bytes_copy(int from, off_t at, off_t bytes, FILE *to)
{
    char chunk[CHUNK_BYTES];
    while (bytes > 0) {
        ssize_t n = pread(from, chunk, bytes < (off_t)sizeof chunk ? (size_t)bytes : sizeof chunk, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || fwrite(chunk, 1, (size_t)n, to) != (size_t)n)
            return -1;
        at += n;
        bytes -= n;
    }
    return 0;
}

/* Beginning, what was dropped, end: to another file, which takes this one's name. */
static void output_rewrite(struct mf_output *o, off_t size)
{
    char path[PATH_MAX + 8];
    off_t tail = size - TAIL_BYTES;
    snprintf(path, sizeof path, "%s.new", o->path);
    FILE *out = fopen(path, "we");
    if (!out)
        return; /* it stays as it is */
    int bad = bytes_copy(o->fd, 0, HEAD_BYTES, out);
    fprintf(out, "\n[midflight: %lld bytes were dropped here]\n", (long long)(tail - HEAD_BYTES));
    bad |= bytes_copy(o->fd, tail, TAIL_BYTES, out);
    bad |= fclose(out) != 0;
    if (bad || rename(path, o->path) != 0)
        unlink(path);
}

void mf_output_close(struct mf_output *o)
{
    off_t size = mf_output_bytes(o);
    if (o->fd < 0)
        return;
    if (size > BOUND_BYTES)
        output_rewrite(o, size);
    close(o->fd);
    o->fd = -1;
}

void mf_output_say(struct mf_output *o, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0 || o->fd < 0)
        return;
    size_t bytes = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[bytes++] = '\n';
    if (write(o->fd, line, bytes) < 0)
        return; /* a note is lost: the disk is full, which the report itself will tell */
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

static void line_take(struct mf_search *s, const char *chunk, const char *hit, const char *end)
{
    const char *begin = hit;
    while (begin > chunk && begin[-1] != '\n' && hit - begin < (long)sizeof s->line / 2)
        begin--;
    const char *stop = memchr(hit, '\n', (size_t)(end - hit));
    snprintf(s->line, sizeof s->line, "%.*s", (int)((stop ? stop : end) - begin), begin);
    printable(s->line);
}

bool mf_search_on(struct mf_search *s, const char *path, const char *text)
{
    size_t wanted = strlen(text), searched = 0;
    int fd = s->found ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    char *chunk = fd >= 0 ? malloc(CHUNK_BYTES + wanted) : NULL;
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size < s->at)
        s->at = s->from = 0; /* it was cut, or made anew */
    while (chunk && searched < SEARCH_BYTES) {
        ssize_t n = pread(fd, chunk, CHUNK_BYTES + wanted, s->at);
        if (n < (ssize_t)wanted)
            break;
        const char *hit = memmem(chunk, (size_t)n, text, wanted);
        if (hit) {
            s->found = true;
            line_take(s, chunk, hit, chunk + n);
            break;
        }
        searched += (size_t)n;
        s->at += n - (ssize_t)wanted + 1; /* its beginning may stand at the end */
    }
    free(chunk);
    if (fd >= 0)
        close(fd);
    return s->found;
}

const char *mf_output_tail(const char *path, off_t from, char *text, size_t bytes)
{
    char tail[2048];
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    text[0] = 0;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            close(fd);
        return text;
    }
    off_t at = st.st_size - (off_t)sizeof tail + 1 > from ? st.st_size - (off_t)sizeof tail + 1 : from;
    ssize_t n = st.st_size > at ? pread(fd, tail, sizeof tail - 1, at) : 0;
    close(fd);
    for (; n > 0 && strchr("\r\n ", tail[n - 1]); n--)
        ;
    tail[n > 0 ? n : 0] = 0;
    char *begin = tail + (n > 0 ? n : 0);
    for (int lines = 0; begin > tail; begin--)
        if (begin[-1] == '\n' && ++lines == TAIL_LINES)
            break;
    for (char *line = begin; *line && used + 4 < bytes;) {
        size_t length = strcspn(line, "\n");
        used += (size_t)snprintf(text + used, bytes - used, "%s%.*s", used ? " | " : "", (int)length, line);
        line += length + (line[length] == '\n');
    }
    printable(text);
    return text;
}
