/* What a ping is called in text: the placeholders {stream} {seq} {process} {id} of codecs that are configured, and the
 * id that a target may echo, <stream>-<seq>-<process>. Pure; threads: any. */
#ifndef MF_WIRE_PING_TEXT_H
#define MF_WIRE_PING_TEXT_H

#include "wire/codec.h"

#define MF_PING_ID_BYTES_MAX 42 /* 4294967295-18446744073709551615-4294967295 */

/* Writes the id; returns what is behind. */
uint8_t *mf_ping_id_put(uint8_t *out, const struct mf_msg *msg);
/* Reads <stream>, any one byte, <seq>, and -<process> where the target echoes that too, into msg with ->named. False:
 * it is no id, and msg is as it was. */
bool mf_ping_id_take(const uint8_t *text, size_t bytes, struct mf_msg *msg);

/* Writes the text with its placeholders filled; "{{" is a brace. Returns what is behind: at most
 * mf_ping_text_bytes_max. */
uint8_t *mf_ping_text_put(uint8_t *out, const char *text, const struct mf_msg *msg);
size_t mf_ping_text_bytes_max(const char *text);
/* The first word in braces that is none of the placeholders: *word and its length. NULL: there is none. */
const char *mf_ping_text_unknown(const char *text, size_t *bytes);

#endif
