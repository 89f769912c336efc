/* load.http: what codec http1 is told. Read strictly here, compiled by the codec itself, which knows what it can do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/parts.h"
#include "wire/codec.h"
#include "wire/conf.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct http_read {
    const char *method, *path, *body;
    bool say_close;
    uint32_t response_bytes_max;
};

static const struct mf_field http_rows[] = {
    {"method", MF_FIELD_TEXT, false, MF_MEMBER(http_read, method), .fallback = "\"GET\"", .text = "of each request"},
    {"path", MF_FIELD_TEXT, false, MF_MEMBER(http_read, path), .fallback = "\"/\"",
     .text =
         "of each request; {stream}, {seq}, {process} and {id} are replaced (in headers and the body, too), {{ is a "
         "brace"},
    {"headers", MF_FIELD_PART, .fallback = "{}",
     .text = "an object: name to value; Host is localhost where there is none"},
    {"body", MF_FIELD_TEXT, false, MF_MEMBER(http_read, body), .text = "of each request; default: none"},
    {"version", MF_FIELD_PART,
     .text = "where a response tells the version of the code that answered: a decimal number"},
    {"instance", MF_FIELD_PART, .text = "where it tells a number of the process's incarnation"},
    {"count", MF_FIELD_PART, .text = "where it tells how many pings that process has answered in its life"},
    {"id", MF_FIELD_PART,
     .text = "where it echoes {id}; where this is not given, answers belong to pings in their order"},
    {"expect_status", MF_FIELD_PART,
     .text = "a status, or an array of them, that is right; default: any 2xx. Others from 400 on are errors, the rest "
             "is wrong"},
    {"say_close", MF_FIELD_FLAG, false, MF_MEMBER(http_read, say_close), .fallback = "true",
     .text = "with pings_per_connection: the last request of a connection says Connection: close"},
    {"response_bytes_max", MF_FIELD_INTEGER, false, MF_MEMBER(http_read, response_bytes_max), 1024, 67108864, "1048576",
     .text = "a longer response breaks its connection"},
};
const struct mf_field_table mf_http_fields = {http_rows, COUNT(http_rows)};

struct place_read {
    const char *header, *body, *after;
};

static const struct mf_field place_rows[] = {
    {"header", MF_FIELD_TEXT, false, MF_MEMBER(place_read, header), .text = "the name of a header of the response"},
    {"body", MF_FIELD_TEXT, false, MF_MEMBER(place_read, body),
     .text = "a text in the response's body, with the number behind its first occurrence"},
    {"after", MF_FIELD_TEXT, false, MF_MEMBER(place_read, after),
     .text = "a text in the header's value, with the number behind it; default: the number is its beginning"},
};
const struct mf_field_table mf_http_place_fields = {place_rows, COUNT(place_rows)};
const char *const mf_http_places[MF_HTTP_PLACES] = {"version", "instance", "count", "id"};

/* What is under construction. */
struct conf_text {
    char text[MF_CODEC_CONF_BYTES];
};

static int conf_put(const struct mf_reader *r, struct conf_text *conf, const char *key, const char *value)
{
    if (mf_conf_put(conf->text, sizeof conf->text, key, value))
        return 0;
    return mf_reader_fail(r, "load.http", "is too long; allowed: %zu bytes in all", sizeof conf->text);
}

static int headers_put(const struct mf_reader *r, json_t *http, struct conf_text *conf)
{
    json_t *headers = json_object_get(http, "headers"), *value;
    char path[MF_KEY_PATH_BYTES], line[MF_CODEC_CONF_BYTES], shown[80];
    const char *name;

    if (mf_object_check(r, "load.http.headers", headers) != 0)
        return -1;
    json_object_foreach(headers, name, value)
    {
        mf_key_path(path, "load.http.headers", name);
        if (!json_is_string(value))
            return mf_reader_fail(r, path, "is %s; allowed: a text", mf_json_show(shown, sizeof shown, value));
        snprintf(line, sizeof line, "%s: %s", name, json_string_value(value));
        if (strlen(line) + 1 == sizeof line || conf_put(r, conf, "header", line) != 0)
            return conf_put(r, conf, "header", line);
    }
    return 0;
}

static int place_put(const struct mf_reader *r, json_t *http, const char *key, struct conf_text *conf)
{
    json_t *json = json_object_get(http, key);
    struct place_read place = {0};
    char path[MF_KEY_PATH_BYTES], line[MF_CODEC_CONF_BYTES];

    if (!json)
        return 0;
    mf_key_path(path, "load.http", key);
    if (mf_fields_read(r, path, json, place_rows, COUNT(place_rows), &place) != 0)
        return -1;
    if (!place.header == !place.body || (place.after && !place.header))
        return mf_reader_fail(r, path, "allowed: either header (and after), or body");
    if (place.body)
        snprintf(line, sizeof line, "body %s", place.body);
    else
        snprintf(line, sizeof line, "header %s%s%s", place.header, place.after ? " " : "",
                 place.after ? place.after : "");
    return conf_put(r, conf, key, line);
}

static int status_put(const struct mf_reader *r, json_t *http, struct conf_text *conf)
{
    json_t *status = json_object_get(http, "expect_status");
    size_t n = json_is_array(status) ? json_array_size(status) : status ? 1 : 0;
    char line[32], shown[80];

    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(status) ? json_array_get(status, i) : status;
        if (!json_is_integer(one))
            return mf_reader_fail(r, "load.http.expect_status", "is %s; allowed: a whole number, or an array of them",
                                  mf_json_show(shown, sizeof shown, status));
        snprintf(line, sizeof line, "%lld", (long long)json_integer_value(one));
        if (conf_put(r, conf, "status", line) != 0)
            return -1;
    }
    return 0;
}

static int http_put(const struct mf_reader *r, json_t *http, const struct http_read *read, struct conf_text *conf)
{
    char limit[16];

    snprintf(limit, sizeof limit, "%u", read->response_bytes_max);
    if (conf_put(r, conf, "method", read->method) != 0 || conf_put(r, conf, "path", read->path) != 0 ||
        headers_put(r, http, conf) != 0 || (read->body && conf_put(r, conf, "body", read->body) != 0) ||
        conf_put(r, conf, "say_close", read->say_close ? "yes" : "no") != 0 ||
        conf_put(r, conf, "response_bytes_max", limit) != 0 || status_put(r, http, conf) != 0)
        return -1;
    for (size_t i = 0; i < MF_HTTP_PLACES; i++)
        if (place_put(r, http, mf_http_places[i], conf) != 0)
            return -1;
    return 0;
}

int mf_load_http_read(const struct mf_reader *r, json_t *load, struct mf_load *out)
{
    const struct mf_codec *codec = mf_codec_find("http1");
    struct http_read read = {0};
    struct conf_text conf = {""};
    struct mf_error err = {0};
    char path[MF_KEY_PATH_BYTES];
    json_t *http = json_object_get(load, "http");

    if (!http && json_object_set_new(load, "http", json_object()) != 0)
        return mf_reader_no_memory(r);
    http = json_object_get(load, "http");
    if (mf_fields_read(r, "load.http", http, http_rows, COUNT(http_rows), &read) != 0 ||
        http_put(r, http, &read, &conf) != 0)
        return -1;
    struct mf_codec_conf *compiled = codec->configure(conf.text, &err);
    mf_key_path(path, "load.http", err.place);
    if (!compiled)
        return mf_reader_fail(r, path, "%s", err.text);
    free(compiled);
    out->codec_conf = mf_arena_text(r->arena, conf.text);
    return out->codec_conf ? 0 : mf_reader_no_memory(r);
}
