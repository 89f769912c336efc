#include "wire/http1_conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/conf.h"
#include "wire/ping_text.h"

#define RESPONSE_BYTES_MAX     (1u << 20)
#define RESPONSE_BYTES_HIGHEST (64u << 20)
#define NUMBER_BYTES_MAX       20
#define LINE_BYTES             64 /* more than any line has that is written here, without its variable parts */

/* One reading: the lines may come in any order, the request has only one. */
struct reading {
    struct mf_http1_conf *conf;
    struct mf_error *err;
    char method[32], path[MF_CODEC_CONF_BYTES], body[MF_CODEC_CONF_BYTES];
    char headers[MF_CODEC_CONF_BYTES]; /* "Name: value", each with a newline behind it */
    bool has_host, has_body;
};

static int refuse(const struct reading *r, const char *key, const char *text)
{
    return mf_error_set(r->err, MF_STATUS_USAGE, key, "%s", text);
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* Where these bytes now stand in the configuration's text; its limit is that of what it is made of, and more. */
static int keep(struct reading *r, const char *key, const char *text, size_t bytes, uint16_t *at)
{
    struct mf_http1_conf *conf = r->conf;

    if (bytes > sizeof conf->text - conf->text_bytes)
        return refuse(r, key, "is too long");
    memcpy(conf->text + conf->text_bytes, text, bytes);
    *at = (uint16_t)conf->text_bytes;
    conf->text_bytes += bytes;
    return 0;
}

static int piece_add(struct reading *r, const char *key, enum mf_http1_piece_kind kind, const char *text, size_t bytes)
{
    struct mf_http1_conf *conf = r->conf;
    struct mf_http1_text *last = conf->pieces ? &conf->piece[conf->pieces - 1] : NULL;
    uint16_t at = 0;

    if (kind == MF_HTTP1_PIECE_TEXT && (bytes == 0 || keep(r, key, text, bytes, &at) != 0))
        return bytes == 0 ? 0 : -1;
    conf->ping_bytes_max += kind == MF_HTTP1_PIECE_TEXT ? bytes
                            : kind == MF_HTTP1_PIECE_ID ? MF_PING_ID_BYTES_MAX
                                                        : LINE_BYTES;
    if (kind == MF_HTTP1_PIECE_TEXT && last && last->kind == MF_HTTP1_PIECE_TEXT && last->at + last->bytes == at) {
        last->bytes = (uint16_t)(last->bytes + bytes);
        return 0;
    }
    if (conf->pieces == MF_HTTP1_PIECES)
        return refuse(r, key, "has too many placeholders");
    conf->piece[conf->pieces++] = (struct mf_http1_text){kind, at, (uint16_t)bytes};
    return 0;
}

static int text_add(struct reading *r, const char *key, const char *text)
{
    return piece_add(r, key, MF_HTTP1_PIECE_TEXT, text, strlen(text));
}

/* A text with placeholders: {stream} {seq} {process} {id}; "{{" is a brace. */
static int template_add(struct reading *r, const char *key, const char *text)
{
    static const char *const words[] = {"stream", "seq", "process", "id"};
    static const enum mf_http1_piece_kind kinds[] = {MF_HTTP1_PIECE_STREAM, MF_HTTP1_PIECE_SEQ, MF_HTTP1_PIECE_PROCESS,
                                                     MF_HTTP1_PIECE_ID};

    while (*text) {
        size_t plain = strcspn(text, "{");
        if (piece_add(r, key, MF_HTTP1_PIECE_TEXT, text, plain) != 0)
            return -1;
        text += plain;
        size_t word = *text ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
        if (!*text)
            break;
        if (text[1] == '{' || word == 0 || text[1 + word] != '}') { /* a brace and no placeholder */
            if (piece_add(r, key, MF_HTTP1_PIECE_TEXT, "{", 1) != 0)
                return -1;
            text += text[1] == '{' ? 2 : 1;
            continue;
        }
        size_t i = 0;
        while (i < 4 && (strlen(words[i]) != word || memcmp(words[i], text + 1, word) != 0))
            i++;
        if (i == 4)
            return mf_error_set(r->err, MF_STATUS_USAGE, key,
                                "has {%.*s}; allowed: {stream}, {seq}, {process}, {id}, and {{ for a brace", (int)word,
                                text + 1);
        if (piece_add(r, key, kinds[i], NULL, 0) != 0)
            return -1;
        text += word + 2;
    }
    return 0;
}

/* The request, as pieces. */
static int request_make(struct reading *r)
{
    if (text_add(r, "method", r->method) != 0 || text_add(r, "method", " ") != 0 ||
        template_add(r, "path", r->path) != 0 || text_add(r, "path", " HTTP/1.1\r\n") != 0)
        return -1;
    if (!r->has_host && text_add(r, "headers", "Host: localhost\r\n") != 0)
        return -1;
    for (char *line = r->headers, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        if (template_add(r, "headers", line) != 0 || text_add(r, "headers", "\r\n") != 0)
            return -1;
    }
    if (piece_add(r, "say_close", MF_HTTP1_PIECE_CLOSE, NULL, 0) != 0)
        return -1;
    if (r->has_body &&
        (text_add(r, "body", "Content-Length: ") != 0 ||
         piece_add(r, "body", MF_HTTP1_PIECE_BODY_LENGTH, NULL, 0) != 0 || text_add(r, "body", "\r\n") != 0))
        return -1;
    if (text_add(r, "headers", "\r\n") != 0)
        return -1;
    if (r->has_body &&
        (piece_add(r, "body", MF_HTTP1_PIECE_BODY, NULL, 0) != 0 || template_add(r, "body", r->body) != 0))
        return -1;
    return 0;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool is_token(const char *text, size_t n)
{
    static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return n > 0 && strspn(text, chars) >= n;
}

static bool is_printable(const char *text, bool blanks)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127 || (*text == ' ' && !blanks))
            return false;
    return true;
}

static int method_read(struct reading *r, const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || n >= sizeof r->method || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != n ||
        strcmp(value, "CONNECT") == 0)
        return refuse(r, "method", "is no method of capital letters (and CONNECT makes tunnels, not answers)");
    strcpy(r->method, value);
    r->conf->wants.answers_head = strcmp(value, "HEAD") == 0;
    return 0;
}

static int path_read(struct reading *r, const char *value)
{
    if ((value[0] != '/' && strcmp(value, "*") != 0 && strncmp(value, "http://", 7) != 0) ||
        !is_printable(value, false))
        return refuse(r, "path", "is no path; allowed: it begins with /, and has no blanks");
    strcpy(r->path, value);
    return 0;
}

static int header_read(struct reading *r, const char *value)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection", "expect"};
    const char *colon = strchr(value, ':');
    size_t used = strlen(r->headers), n = colon ? (size_t)(colon - value) : 0;

    if (!is_token(value, n) || !is_printable(value, true))
        return refuse(r, "headers",
                      "has one that is no header: a name of letters, digits and '-', and a value in a line");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strlen(own[i]) == n && strncasecmp(own[i], value, n) == 0)
            return mf_error_set(r->err, MF_STATUS_USAGE, "headers", "has %s, which the codec itself must decide upon",
                                own[i]);
    r->has_host |= n == 4 && strncasecmp("host", value, 4) == 0;
    if (used + strlen(value) + 2 > sizeof r->headers)
        return refuse(r, "headers", "are too long");
    snprintf(r->headers + used, sizeof r->headers - used, "%s\n", value);
    return 0;
}

/* "header NAME", "header NAME TEXT" or "body TEXT" */
static int place_read(struct reading *r, const char *key, enum mf_http1_place_of which, const char *value)
{
    struct mf_http1_place *place = &r->conf->place[which];
    char name[128];

    if (place->is_given)
        return refuse(r, key, "stands there twice");
    *place = (struct mf_http1_place){.is_given = true, .in_body = strncmp(value, "body ", 5) == 0};
    if (!place->in_body && strncmp(value, "header ", 7) != 0)
        return refuse(r, key, "is in neither a header nor the body");
    value += place->in_body ? 5 : 7;
    if (!place->in_body) {
        size_t n = strcspn(value, " ");
        if (!is_token(value, n) || n >= sizeof name)
            return refuse(r, key, "has no name of a header");
        for (size_t i = 0; i < n; i++)
            name[i] = (char)tolower((unsigned char)value[i]);
        if (keep(r, key, name, n, &place->name) != 0)
            return -1;
        place->name_bytes = (uint16_t)n;
        value += n + (value[n] == ' ');
    }
    place->after_bytes = (uint16_t)strlen(value);
    return keep(r, key, value, place->after_bytes, &place->after);
}

static bool number_read(const char *text, unsigned long low, unsigned long high, unsigned long *number)
{
    size_t n = strlen(text);

    if (n == 0 || n > 9 || strspn(text, "0123456789") != n)
        return false;
    *number = strtoul(text, NULL, 10);
    return *number >= low && *number <= high;
}

static int status_read(struct reading *r, const char *value)
{
    struct mf_http1_conf *conf = r->conf;
    unsigned long number;

    if (!number_read(value, 200, 999, &number))
        return refuse(r, "expect_status", "is no status of an answer; allowed: a number from 200 to 999");
    if (conf->statuses == MF_HTTP1_STATUSES)
        return refuse(r, "expect_status", "has more than 8");
    conf->status[conf->statuses++] = (uint16_t)number;
    return 0;
}

static int limit_read(struct reading *r, const char *value)
{
    unsigned long number;

    if (!number_read(value, 1024, RESPONSE_BYTES_HIGHEST, &number))
        return refuse(r, "response_bytes_max", "is no number from 1024 to 67108864");
    r->conf->wants.message_bytes_max = number;
    return 0;
}

static int line_read(struct reading *r, const char *key, const char *value)
{
    static const char *const places[] = {"version", "instance", "count", "id"};

    for (unsigned i = 0; i < MF_HTTP1_PLACES; i++)
        if (strcmp(key, places[i]) == 0)
            return place_read(r, key, (enum mf_http1_place_of)i, value);
    if (strcmp(key, "method") == 0)
        return method_read(r, value);
    if (strcmp(key, "path") == 0)
        return path_read(r, value);
    if (strcmp(key, "header") == 0)
        return header_read(r, value);
    if (strcmp(key, "status") == 0)
        return status_read(r, value);
    if (strcmp(key, "response_bytes_max") == 0)
        return limit_read(r, value);
    if (strcmp(key, "body") == 0) {
        r->has_body = true;
        strcpy(r->body, value);
        return 0;
    }
    if (strcmp(key, "say_close") == 0) {
        r->conf->says_close = strcmp(value, "yes") == 0;
        return 0;
    }
    return refuse(r, key, "unknown key");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int conf_check(const struct reading *r)
{
    static const char *const names[] = {"version", "instance", "count", "id"};

    for (unsigned i = 0; i < MF_HTTP1_PLACES; i++)
        if (r->conf->place[i].in_body && r->conf->wants.answers_head)
            return refuse(r, names[i], "is in the body, but an answer to HEAD has none");
        else if (r->conf->place[i].in_body && r->conf->place[i].after_bytes == 0)
            return refuse(r, names[i], "is in the body, behind no text; allowed: a text in front of the number");
    return 0;
}

static void conf_finish(struct mf_http1_conf *conf)
{
    static const unsigned has[] = {MF_HAS_VERSION, MF_HAS_INSTANCE, MF_HAS_COUNT, 0};

    conf->pong_bytes_max = 4 * LINE_BYTES + MF_ERROR_TEXT_BYTES;
    for (unsigned i = 0; i < MF_HTTP1_PLACES; i++) {
        struct mf_http1_place *place = &conf->place[i];
        if (!place->is_given)
            continue;
        conf->shared.gives |= has[i];
        conf->pong_bytes_max += place->name_bytes + place->after_bytes + LINE_BYTES;
        if (!place->in_body)
            conf->wants.header[i] =
                (struct mf_http1_slice){(const uint8_t *)conf->text + place->name, place->name_bytes};
    }
}

struct mf_codec_conf *mf_http1_conf_new(const char *text, struct mf_error *err)
{
    struct reading *r = calloc(1, sizeof *r);
    struct mf_http1_conf *conf = calloc(1, sizeof *conf);
    char key[32], value[MF_CODEC_CONF_BYTES];
    int bad = r && conf && strlen(text) < MF_CODEC_CONF_BYTES
                  ? 0
                  : mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no room for a configuration");

    if (!bad) {
        *r = (struct reading){.conf = conf, .err = err, .method = "GET", .path = "/"};
        conf->says_close = true;
        conf->wants.message_bytes_max = RESPONSE_BYTES_MAX;
    }
    while (!bad && mf_conf_next(&text, key, sizeof key, value, sizeof value))
        bad = line_read(r, key, value);
    if (!bad && *text)
        bad = mf_error_set(err, MF_STATUS_USAGE, "codec_conf", "is cut or has a line that makes no sense");
    if (!bad)
        bad = conf_check(r) != 0 ? -1 : request_make(r);
    if (!bad)
        conf_finish(conf);
    free(r);
    if (!bad)
        return &conf->shared;
    free(conf);
    return NULL;
}
