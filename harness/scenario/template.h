/* Texts with placeholders: "{dir}/a.sock". "{{" is a brace, and so is one that no name and no "}" follow; any other
 * name in braces is an error. */
#ifndef MF_SCENARIO_TEMPLATE_H
#define MF_SCENARIO_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#define MF_PORTS_MAX 9

enum mf_placeholder {
#define MF_PLACEHOLDER(id, name, text) MF_PLACEHOLDER_##id,
#include "scenario/placeholders.def"
#undef MF_PLACEHOLDER
    MF_PLACEHOLDER_COUNT
};

struct mf_template_part {
    enum { MF_TEMPLATE_TEXT, MF_TEMPLATE_FILLED, MF_TEMPLATE_UNKNOWN, MF_TEMPLATE_END } kind;
    const char *text; /* TEXT: as it is; FILLED: the file's name behind "file:"; UNKNOWN: the name */
    size_t bytes;
    enum mf_placeholder placeholder;
    uint32_t port; /* of PORT: 0 for {port}, 1 for {port2} ... */
};

/* Takes the next part off *rest. Threads: any. */
struct mf_template_part mf_template_next(const char **rest);

#endif
