#include "report/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report.h"
#include "report/utf8.h"

static int bytes_write(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return fsync(fd);
}

/* A file system that cannot sync a folder says EINVAL; the rename holds there all the same. */
static int folder_sync(int folder)
{
    return fsync(folder) < 0 && errno != EINVAL ? -1 : 0;
}

static int bytes_place(int folder, const char *temporary, const char *name, const char *bytes, size_t size)
{
    unlinkat(folder, temporary, 0); /* of a process with our number that was killed */
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return -1;
    int bad = bytes_write(fd, bytes, size);
    int code = errno;
    if (close(fd) < 0 && !bad) {
        bad = -1;
        code = errno;
    }
    if (!bad && renameat(folder, temporary, folder, name) == 0)
        return folder_sync(folder);
    if (!bad)
        code = errno;
    unlinkat(folder, temporary, 0);
    errno = code;
    return -1;
}

static int bytes_save(const char *dir, const char *name, const char *bytes, size_t size, struct mf_error *err)
{
    char temporary[300], place[512];
    snprintf(place, sizeof place, "%s/%s", dir, name);
    if ((size_t)snprintf(temporary, sizeof temporary, ".%s.%ld.tmp", name, (long)getpid()) >= sizeof temporary)
        return mf_error_set(err, MF_STATUS_INTERNAL, place, "cannot be written: the name is too long");
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, place, "cannot be written, its folder cannot be opened");
    int bad = bytes_place(folder, temporary, name, bytes, size);
    if (bad)
        mf_error_errno(err, MF_STATUS_INTERNAL, place, "cannot be written");
    close(folder);
    return bad;
}

int mf_report_write_text(const char *dir, const char *name, const char *text, struct mf_error *err)
{
    return bytes_save(dir, name, text, strlen(text), err);
}

int mf_file_open(struct mf_file *f, struct mf_error *err)
{
    *f = (struct mf_file){0};
    f->out = open_memstream(&f->bytes, &f->size);
    return f->out ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "no memory for a report file");
}

int mf_file_save(struct mf_file *f, const char *dir, const char *name, struct mf_error *err)
{
    bool bad = ferror(f->out) != 0;
    bad = fclose(f->out) != 0 || bad;
    f->out = NULL;
    int result = bad ? mf_error_set(err, MF_STATUS_INTERNAL, name, "no memory to put it together")
                     : bytes_save(dir, name, f->bytes, f->size, err);
    mf_file_drop(f);
    return result;
}

void mf_file_drop(struct mf_file *f)
{
    if (f->out)
        fclose(f->out);
    free(f->bytes);
    *f = (struct mf_file){0};
}

static void code_point_print(FILE *out, uint32_t code)
{
    char bytes[4];
    fwrite(bytes, 1, mf_utf8_put(bytes, code), out);
}

void mf_file_csv(FILE *out, const char *text)
{
    if (!text)
        return;
    bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';
    if (quoted)
        fputc('"', out);
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;) {
        if (code == '"')
            fputc('"', out);
        code_point_print(out, code);
    }
    if (quoted)
        fputc('"', out);
}

void mf_file_xml(FILE *out, const char *text)
{
    for (uint32_t code; text && (code = mf_utf8_next(&text)) != 0;) {
        switch (code) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\t':
        case '\n':
        case '\r':
            fprintf(out, "&#%u;", (unsigned)code);
            break;
        default:
            code_point_print(out, code < 0x20 || code == 0xFFFE || code == 0xFFFF ? MF_UTF8_REPLACEMENT : code);
        }
    }
}

void mf_file_plain(FILE *out, const char *text)
{
    for (uint32_t code; text && (code = mf_utf8_next(&text)) != 0;)
        code_point_print(out, code < 0x20 || (code >= 0x7F && code < 0xA0) ? '?' : code);
}
