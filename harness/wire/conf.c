#include "wire/conf.h"

#include <string.h>

bool mf_conf_put(char *text, size_t room, const char *key, const char *value)
{
    size_t from = strlen(text), at = from;

    for (; *key && at + 1 < room; key++)
        text[at++] = *key;
    if (at + 1 < room)
        text[at++] = ' ';
    for (; *value && at + 2 < room; value++) {
        if (*value == '\n' || *value == '\\')
            text[at++] = '\\';
        text[at++] = *value == '\n' ? 'n' : *value;
    }
    if (*key || *value || at + 1 >= room) {
        text[from] = 0;
        return false;
    }
    text[at++] = '\n';
    text[at] = 0;
    return true;
}

bool mf_conf_next(const char **at, char *key, size_t key_room, char *value, size_t value_room)
{
    const char *p = *at;
    size_t n = 0;

    for (; *p && *p != ' ' && *p != '\n'; p++)
        if (n + 1 < key_room)
            key[n++] = *p;
        else
            return false;
    key[n] = 0;
    if (*p++ != ' ' || n == 0)
        return false;
    for (n = 0; *p && *p != '\n'; p++) {
        bool escaped = *p == '\\';
        if (escaped && *++p != '\\' && *p != 'n')
            return false;
        if (n + 1 >= value_room)
            return false;
        value[n++] = escaped && *p == 'n' ? '\n' : *p;
    }
    value[n] = 0;
    if (*p != '\n')
        return false;
    *at = p + 1;
    return true;
}
