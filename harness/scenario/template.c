#include "scenario/template.h"

#include <stdbool.h>
#include <string.h>

static const char *const names[MF_PLACEHOLDER_COUNT] = {
#define MF_PLACEHOLDER(id, name, text) name,
#include "scenario/placeholders.def"
#undef MF_PLACEHOLDER
};

/* Bytes of what may be a name in braces: a letter, then letters, digits and '_', then anything behind a ':'. 0: it is
 * none. */
static size_t name_bytes(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if (!text[0] || !strchr(letters, text[0]))
        return 0;
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    if (text[n] == ':')
        n += strcspn(text + n, "}\n");
    return text[n] == '}' ? n : 0;
}

static bool port_read(const char *name, size_t bytes, struct mf_template_part *part)
{
    size_t n = strlen(names[MF_PLACEHOLDER_PORT]);
    if (strncmp(name, names[MF_PLACEHOLDER_PORT], n) != 0 || bytes > n + 1)
        return false;
    if (bytes == n + 1 && (name[n] < '2' || name[n] > '0' + MF_PORTS_MAX))
        return false;
    part->placeholder = MF_PLACEHOLDER_PORT;
    part->port = bytes == n ? 0 : (uint32_t)(name[n] - '1');
    return true;
}

static struct mf_template_part name_read(const char *name, size_t bytes)
{
    struct mf_template_part part = {.kind = MF_TEMPLATE_FILLED, .text = name, .bytes = bytes};
    size_t file = strlen(names[MF_PLACEHOLDER_FILE]);
    if (port_read(name, bytes, &part))
        return part;
    if (bytes > file && strncmp(name, names[MF_PLACEHOLDER_FILE], file) == 0) {
        part.placeholder = MF_PLACEHOLDER_FILE;
        part.text += file;
        part.bytes -= file;
        return part;
    }
    for (uint32_t i = 0; i < MF_PLACEHOLDER_COUNT; i++)
        if (strlen(names[i]) == bytes && strncmp(name, names[i], bytes) == 0) {
            part.placeholder = (enum mf_placeholder)i;
            return part;
        }
    part.kind = MF_TEMPLATE_UNKNOWN;
    return part;
}

struct mf_template_part mf_template_next(const char **rest)
{
    const char *at = *rest;
    size_t bytes;
    if (!at[0])
        return (struct mf_template_part){.kind = MF_TEMPLATE_END};
    if (at[0] == '{' && at[1] == '{') {
        *rest = at + 2;
        return (struct mf_template_part){.text = at, .bytes = 1};
    }
    if (at[0] == '{' && (bytes = name_bytes(at + 1)) > 0) {
        *rest = at + bytes + 2;
        return name_read(at + 1, bytes);
    }
    bytes = 1 + strcspn(at + 1, "{");
    *rest = at + bytes;
    return (struct mf_template_part){.text = at, .bytes = bytes};
}
