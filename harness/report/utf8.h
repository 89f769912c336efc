/* Text that came from elsewhere (targets, scenarios, files), read code point by code point so that no output can be
 * broken by it. Threads: any. Nothing is allocated. */
#ifndef MF_REPORT_UTF8_H
#define MF_REPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define MF_UTF8_REPLACEMENT 0xFFFDu

/* The next code point of *text, which moves behind it; 0 at the end. What is not UTF-8 (a stray or missing
 * continuation, an overlong form, a surrogate, above U+10FFFF) gives U+FFFD for each bad byte. */
uint32_t mf_utf8_next(const char **text);
/* Writes the code point's bytes (not NUL-terminated) and returns how many: 1 ... 4. */
unsigned mf_utf8_put(char out[4], uint32_t code_point);
/* How many columns a terminal gives it: 0, 1 or 2. */
unsigned mf_utf8_width(uint32_t code_point);

#endif
