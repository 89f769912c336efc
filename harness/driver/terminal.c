#include "driver/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 120
#define COLUMNS_MIN     40

/* The first of these that is set decides, as it does in libc; setlocale is not asked, so that numbers keep their point.
 */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

struct mf_table_style mf_terminal_style(FILE *out)
{
    struct mf_table_style style = {.format = MF_TABLE_TEXT, .utf8 = locale_is_utf8(), .columns = COLUMNS_DEFAULT};
    struct winsize size;
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    if (!isatty(fileno(out)))
        return style;
    style.colour = (!no_colour || !no_colour[0]) && term && strcmp(term, "dumb") != 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
        style.columns = size.ws_col;
    return style;
}
