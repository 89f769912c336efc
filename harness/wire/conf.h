/* The text that configures a codec: lines of "key value", with \n and \\ for a newline and a backslash in a value.
 *
 * Shape: "method GET\npath /x\n". Keys may come again. Pure; threads: any. */
#ifndef MF_WIRE_CONF_H
#define MF_WIRE_CONF_H

#include <stdbool.h>
#include <stddef.h>

/* Appends a line to the terminated text in `text`, which has room for `room` bytes. False: it does not fit; the text is
 * then as it was. */
bool mf_conf_put(char *text, size_t room, const char *key, const char *value);
/* The next line's key and value, unescaped, which must both fit; *at moves on. False at the end, or where a line is no
 * such line: *at then points to it, and not to a terminator. */
bool mf_conf_next(const char **at, char *key, size_t key_room, char *value, size_t value_room);

#endif
