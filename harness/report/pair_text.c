/* Pairs of cells for people. */
#include <stdio.h>

#include "report/file.h"
#include "report/markdown.h"
#include "report/pairs.h"

#define REQUIRED_BYTES 300

static void sentence_fold(const struct mf_ink *ink, const struct mf_pair *pair)
{
    struct mf_error err;
    struct mf_file line;
    if (mf_file_open(&line, &err) < 0)
        return;
    fprintf(line.out, "%s%s%s", pair->held ? mf_pair_mark(pair) : "", pair->held ? ": " : "", pair->sentence);
    if (fflush(line.out) == 0)
        mf_ink_fold(ink, line.bytes);
    mf_file_drop(&line);
}

void mf_pairs_text(const struct mf_ink *ink, const struct mf_pairs *pairs)
{
    char text[REQUIRED_BYTES];
    for (uint32_t i = 0; i < pairs->n; i++)
        sentence_fold(ink, &pairs->pair[i]);
    if (!pairs->tests)
        return;
    mf_pairs_required(pairs, text, sizeof text);
    mf_ink_fold(ink, text);
}

void mf_pairs_markdown(FILE *out, const struct mf_pairs *pairs)
{
    char text[REQUIRED_BYTES];
    for (uint32_t i = 0; i < pairs->n; i++) {
        if (pairs->pair[i].held)
            fprintf(out, "- **%s**: ", mf_pair_mark(&pairs->pair[i]));
        else
            fputs("- ", out);
        mf_markdown_print(out, pairs->pair[i].sentence);
        fputc('\n', out);
    }
    if (!pairs->tests)
        return;
    mf_pairs_required(pairs, text, sizeof text);
    fprintf(out, "- %s\n", text);
}
