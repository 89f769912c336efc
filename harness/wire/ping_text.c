#include "wire/ping_text.h"

#include <string.h>

#include "wire/number.h"

enum place { STREAM, SEQ, PROCESS, ID, PLACES };
static const char *const words[PLACES] = {"stream", "seq", "process", "id"};

uint8_t *mf_ping_id_put(uint8_t *out, const struct mf_msg *msg)
{
    out = mf_number_put(out, msg->stream);
    *out++ = '-';
    out = mf_number_put(out, msg->seq);
    *out++ = '-';
    return mf_number_put(out, msg->process);
}

bool mf_ping_id_take(const uint8_t *text, size_t bytes, struct mf_msg *msg)
{
    const uint8_t *p = text, *end = p + bytes;
    uint64_t stream, seq, process;

    if (!mf_number_take(&p, end, UINT32_MAX, &stream) || p == end)
        return false;
    p++;
    if (!mf_number_take(&p, end, UINT64_MAX, &seq))
        return false;
    msg->stream = (uint32_t)stream;
    msg->seq = seq;
    msg->named = MF_NAMED_PING;
    if (p < end && *p++ == '-' && mf_number_take(&p, end, UINT32_MAX, &process)) {
        msg->process = (uint32_t)process;
        msg->named = MF_NAMED_WHOLE;
    }
    return true;
}

/* The length of the word in braces at `text`, which begins with one; 0 where there is none. */
static size_t word_bytes(const char *text)
{
    size_t n = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_");

    return text[1 + n] == '}' ? n : 0;
}

static enum place place_of(const char *word, size_t n)
{
    unsigned i = 0;

    while (i < PLACES && (strlen(words[i]) != n || memcmp(words[i], word, n) != 0))
        i++;
    return (enum place)i;
}

static uint8_t *place_put(uint8_t *out, enum place place, const struct mf_msg *msg)
{
    if (place == ID)
        return mf_ping_id_put(out, msg);
    return mf_number_put(out, place == STREAM ? msg->stream : place == SEQ ? msg->seq : msg->process);
}

uint8_t *mf_ping_text_put(uint8_t *out, const char *text, const struct mf_msg *msg)
{
    while (*text) {
        size_t word = *text == '{' ? word_bytes(text) : 0;
        if (word > 0) {
            out = place_put(out, place_of(text + 1, word), msg);
            text += word + 2;
            continue;
        }
        text += text[0] == '{' && text[1] == '{';
        *out++ = (uint8_t)*text++;
    }
    return out;
}

size_t mf_ping_text_bytes_max(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '{' ? MF_PING_ID_BYTES_MAX : 1;
    return n;
}

const char *mf_ping_text_unknown(const char *text, size_t *bytes)
{
    while ((text = strchr(text, '{'))) {
        *bytes = word_bytes(text);
        if (text[1] == '{')
            text++;
        else if (*bytes > 0 && place_of(text + 1, *bytes) == PLACES)
            return text + 1;
        text++;
    }
    return NULL;
}
