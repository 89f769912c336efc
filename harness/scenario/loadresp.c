/* load.resp: what codec resp is told. Read strictly here, compiled by the codec itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/parts.h"
#include "wire/codec.h"
#include "wire/conf.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct resp_read {
    const char *expect;
    uint32_t answer_bytes_max;
};

static const struct mf_field resp_rows[] = {
    {"command", MF_FIELD_PART,
     .text =
         "an array of texts: the command and its arguments, in which {stream}, {seq}, {process} and {id} are replaced "
         "({{ is a brace); default: PING"},
    {"expect", MF_FIELD_TEXT, false, MF_MEMBER(resp_read, expect),
     .text = "what a right answer says; default: anything but an error"},
    {"version", MF_FIELD_PART, .text = "where an answer tells the version of the code that gave it: a decimal number"},
    {"instance", MF_FIELD_PART, .text = "where it tells a number of the process's incarnation"},
    {"count", MF_FIELD_PART, .text = "where it tells how many pings that process has answered in its life"},
    {"id", MF_FIELD_PART,
     .text = "where it echoes {id}; where this is not given, answers belong to commands in their order"},
    {"answer_bytes_max", MF_FIELD_INTEGER, false, MF_MEMBER(resp_read, answer_bytes_max), 1024, 67108864, "1048576",
     .text = "a longer answer breaks its connection"},
};
const struct mf_field_table mf_resp_fields = {resp_rows, COUNT(resp_rows)};

#define NO_ELEMENT UINT32_MAX
struct place_read {
    uint32_t element;
    const char *after;
};

static const struct mf_field place_rows[] = {
    {"element", MF_FIELD_INTEGER, false, MF_MEMBER(place_read, element), 0, 7,
     .text = "which element of an array, from 0; default: the answer itself"},
    {"after", MF_FIELD_TEXT, false, MF_MEMBER(place_read, after),
     .text = "a text, with the number behind it; default: the number is the beginning"},
};
const struct mf_field_table mf_resp_place_fields = {place_rows, COUNT(place_rows)};

static int conf_put(const struct mf_reader *r, char text[MF_CODEC_CONF_BYTES], const char *key, const char *value)
{
    if (mf_conf_put(text, MF_CODEC_CONF_BYTES, key, value))
        return 0;
    return mf_reader_fail(r, "load.resp", "is too long; allowed: %d bytes in all", MF_CODEC_CONF_BYTES);
}

static int command_put(const struct mf_reader *r, json_t *resp, char text[MF_CODEC_CONF_BYTES])
{
    json_t *command = json_object_get(resp, "command");
    char shown[80];

    bool is_good = !command || json_array_size(command) > 0;
    for (size_t i = 0; is_good && i < json_array_size(command); i++) {
        const char *word = json_string_value(json_array_get(command, i));
        is_good = word != NULL;
        if (word && conf_put(r, text, "arg", word) != 0)
            return -1;
    }
    if (is_good)
        return 0;
    return mf_reader_fail(r, "load.resp.command", "is %s; allowed: an array of texts",
                          mf_json_show(shown, sizeof shown, command));
}

static int place_put(const struct mf_reader *r, json_t *resp, const char *key, char text[MF_CODEC_CONF_BYTES])
{
    json_t *json = json_object_get(resp, key);
    struct place_read place = {.element = NO_ELEMENT};
    char path[MF_KEY_PATH_BYTES], line[MF_CODEC_CONF_BYTES];

    if (!json)
        return 0;
    mf_key_path(path, "load.resp", key);
    if (mf_fields_read(r, path, json, place_rows, COUNT(place_rows), &place) != 0)
        return -1;
    snprintf(line, sizeof line, "%c%s%s", place.element == NO_ELEMENT ? '-' : (char)('0' + place.element),
             place.after ? " " : "", place.after ? place.after : "");
    return conf_put(r, text, key, line);
}

static int resp_put(const struct mf_reader *r, json_t *resp, const struct resp_read *read,
                    char text[MF_CODEC_CONF_BYTES])
{
    char limit[16];

    snprintf(limit, sizeof limit, "%u", read->answer_bytes_max);
    if (command_put(r, resp, text) != 0 || (read->expect && conf_put(r, text, "expect", read->expect) != 0) ||
        conf_put(r, text, "answer_bytes_max", limit) != 0)
        return -1;
    for (size_t i = 0; i < MF_HTTP_PLACES; i++)
        if (place_put(r, resp, mf_http_places[i], text) != 0)
            return -1;
    return 0;
}

int mf_load_resp_read(const struct mf_reader *r, json_t *load, struct mf_load *out)
{
    struct resp_read read = {0};
    struct mf_error err = {0};
    char text[MF_CODEC_CONF_BYTES] = "", path[MF_KEY_PATH_BYTES];
    json_t *resp = json_object_get(load, "resp");

    if (!resp && json_object_set_new(load, "resp", json_object()) != 0)
        return mf_reader_no_memory(r);
    resp = json_object_get(load, "resp");
    if (mf_fields_read(r, "load.resp", resp, resp_rows, COUNT(resp_rows), &read) != 0 ||
        resp_put(r, resp, &read, text) != 0)
        return -1;
    struct mf_codec_conf *compiled = mf_codec_find("resp")->configure(text, &err);
    mf_key_path(path, "load.resp", err.place);
    if (!compiled)
        return mf_reader_fail(r, path, "%s", err.text);
    free(compiled);
    out->codec_conf = mf_arena_text(r->arena, text);
    return out->codec_conf ? 0 : mf_reader_no_memory(r);
}
