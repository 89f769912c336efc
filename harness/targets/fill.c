#include "targets/fill.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES 4096

static int file_put(const struct mf_fill *fill, const struct mf_template_part *part, FILE *out, struct mf_error *err)
{
    char name[PATH_MAX], text[FILE_BYTES];
    snprintf(name, sizeof name, "%s%s%.*s", part->text[0] == '/' ? "" : fill->dir, part->text[0] == '/' ? "" : "/",
             (int)part->bytes, part->text);
    FILE *file = fopen(name, "re");
    if (!file)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "{file:%.*s} cannot be read", (int)part->bytes, part->text);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    static const char white[] = " \t\r\n";
    char *begin = text + strspn(text, white);
    n = strlen(begin);
    while (n > 0 && strchr(white, begin[n - 1]))
        n--;
    fprintf(out, "%.*s", (int)n, begin);
    return 0;
}

static int part_put(const struct mf_fill *fill, const struct mf_template_part *part, FILE *out, struct mf_error *err)
{
    if (part->kind != MF_TEMPLATE_FILLED) {
        fwrite(part->text, 1, part->bytes, out);
        return 0;
    }
    switch (part->placeholder) {
    case MF_PLACEHOLDER_DIR:
        fputs(fill->dir, out);
        break;
    case MF_PLACEHOLDER_HERE:
        fputs(fill->here, out);
        break;
    case MF_PLACEHOLDER_MODULES:
        fputs(fill->modules, out);
        break;
    case MF_PLACEHOLDER_PROGRAMS:
        fputs(fill->programs, out);
        break;
    case MF_PLACEHOLDER_PORT:
        fprintf(out, "%u", fill->port[part->port]);
        break;
    case MF_PLACEHOLDER_N:
        fprintf(out, "%u", fill->n);
        break;
    case MF_PLACEHOLDER_K:
        fprintf(out, "%u", fill->k);
        break;
    case MF_PLACEHOLDER_PID:
        fprintf(out, "%d", (int)fill->pid);
        break;
    default:
        return file_put(fill, part, out, err);
    }
    return 0;
}

char *mf_fill_text(const struct mf_fill *fill, const char *text, struct mf_error *err)
{
    char *filled = NULL;
    size_t bytes;
    FILE *out = open_memstream(&filled, &bytes);
    int bad = out ? 0 : -1;
    if (bad)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a text");
    for (const char *rest = text; !bad;) {
        struct mf_template_part part = mf_template_next(&rest);
        if (part.kind == MF_TEMPLATE_END)
            break;
        bad = part_put(fill, &part, out, err);
    }
    if (out && fclose(out) != 0 && !bad)
        bad = mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a text");
    if (!bad)
        return filled;
    free(filled);
    return NULL;
}

char **mf_fill_argv(const struct mf_fill *fill, const struct mf_argv *argv, struct mf_error *err)
{
    char **words = calloc(argv->count + 1, sizeof *words);
    if (!words)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the words of a program");
    for (uint32_t i = 0; words && i < argv->count; i++)
        if (!(words[i] = mf_fill_text(fill, argv->word[i], err))) {
            mf_fill_argv_free(words);
            return NULL;
        }
    return words;
}

void mf_fill_argv_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

char *mf_fill_path(const struct mf_fill *fill, const char *name, struct mf_error *err)
{
    char *filled = mf_fill_text(fill, name, err), *path = NULL;
    if (!filled || filled[0] == '/')
        return filled;
    if (asprintf(&path, "%s/%s", fill->dir, filled) < 0) {
        path = NULL;
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a path");
    }
    free(filled);
    return path;
}
