#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "self.h"

enum { AT_DUE, AT_REPLIES, AT_OUTCOME };
#define AT_CAUSE     (AT_OUTCOME + MF_OUTCOME_COUNT)
#define AT_EXTRA     (AT_CAUSE + MF_CAUSE_COUNT)
#define AT_ANNOUNCED (AT_EXTRA + MF_EXTRA_COUNT)
#define AT_IDLE      (AT_ANNOUNCED + 1)

const char *self_class_key(int class)
{
    static const char *const keys[SELF_CLASSES] = {
        "due",
        "replies",
#define MF_OUTCOME(id, key, text) key,
#include "recorder/outcomes.def"
#undef MF_OUTCOME
#define MF_CAUSE(id, key, text) "lost." key,
#include "recorder/causes.def"
#undef MF_CAUSE
#define MF_EXTRA(id, key, text) key,
#include "recorder/extras.def"
#undef MF_EXTRA
        "closed_announced",
        "closed_idle",
        "closed_inflight",
    };
    return keys[class];
}

static bool book_enter(struct self_books *b, const char *key, uint64_t value)
{
    for (int i = 0; i < SELF_CLASSES; i++) {
        if (strcmp(key, self_class_key(i)) == 0) {
            b->count[i] = value;
            return true;
        }
    }
    for (int i = 0; i < SELF_ACT_COUNT; i++)
        if (strncmp(key, "act.", 4) == 0 && strcmp(key + 4, self_act_keys[i]) == 0)
            b->act[i] = value;
    if (strcmp(key, "lost.unsent_or_rst") == 0)
        b->unsent_or_rst = value;
    if (strcmp(key, "late_ns_max") == 0)
        b->late_ns_max = value;
    if (strcmp(key, "unsendable") == 0)
        b->unsendable = value;
    return false;
}

int self_books_read(struct self_books *books, const char *path)
{
    char line[200];
    int classes = 0;
    FILE *file = fopen(path, "re");

    *books = (struct self_books){0};
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        classes += book_enter(books, line, strtoull(value, NULL, 10));
    }
    fclose(file);
    return classes == SELF_CLASSES ? 0 : -1;
}

void self_books_of(struct self_books *books, const struct mf_worker_record *record)
{
    *books = (struct self_books){.late_ns_max = record->wakeup_late_ns_max};
    books->count[AT_DUE] = atomic_load(&record->due);
    books->count[AT_REPLIES] = record->replies;
    memcpy(books->count + AT_OUTCOME, record->outcome, sizeof record->outcome);
    memcpy(books->count + AT_CAUSE, record->lost_by_cause, sizeof record->lost_by_cause);
    memcpy(books->count + AT_EXTRA, record->extra, sizeof record->extra);
    books->count[AT_ANNOUNCED] = record->closed_announced;
    books->count[AT_IDLE] = record->closed_idle;
    books->count[AT_IDLE + 1] = record->closed_inflight;
}

static void say(char *text, size_t room, const char *what, uint64_t planted, uint64_t reported)
{
    size_t used = strlen(text);

    snprintf(text + used, room - used, "%s%s: planted %" PRIu64 ", reported %" PRIu64, used ? "; " : "", what, planted,
             reported);
}

/* due = the outcomes; replies = the answers. */
static int equations_compare(const struct self_books *b, char *text, size_t room)
{
    const uint64_t *outcome = b->count + AT_OUTCOME, *cause = b->count + AT_CAUSE, *extra = b->count + AT_EXTRA;
    uint64_t ended = 0, lost = 0, answers = extra[MF_EXTRA_DUPLICATED] + extra[MF_EXTRA_PHANTOM];
    int wrong = 0;

    for (int i = 0; i < MF_OUTCOME_COUNT; i++) {
        ended += outcome[i];
        answers += i == MF_OUTCOME_LOST || i == MF_OUTCOME_NOT_SENT ? 0 : outcome[i];
    }
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        lost += cause[i];
    if (ended != b->count[AT_DUE] && ++wrong)
        say(text, room, "sum of outcomes", b->count[AT_DUE], ended);
    if (answers != b->count[AT_REPLIES] && ++wrong)
        say(text, room, "sum of answers", b->count[AT_REPLIES], answers);
    if (lost != outcome[MF_OUTCOME_LOST] && ++wrong)
        say(text, room, "sum of causes", outcome[MF_OUTCOME_LOST], lost);
    return wrong;
}

int self_books_compare(const struct self_books *planted, const struct self_books *reported, char *text, size_t room)
{
    const int unsent = AT_CAUSE + MF_CAUSE_UNSENT, rst = AT_CAUSE + MF_CAUSE_INFLIGHT_RST;
    bool either = planted->unsent_or_rst > 0; /* then only the two causes' sum is known */
    int differences = 0;

    text[0] = '\0';
    for (int i = 0; i < SELF_CLASSES; i++) {
        bool leave = either && (i == unsent || i == rst || i >= AT_IDLE);
        if (!leave && planted->count[i] != reported->count[i] && ++differences)
            say(text, room, self_class_key(i), planted->count[i], reported->count[i]);
    }
    uint64_t wanted = planted->count[unsent] + planted->count[rst] + planted->unsent_or_rst;
    if (either && wanted != reported->count[unsent] + reported->count[rst] && ++differences)
        say(text, room, "lost.unsent + lost.inflight_rst", wanted, reported->count[unsent] + reported->count[rst]);
    uint64_t ends = planted->count[AT_IDLE] + planted->count[AT_IDLE + 1];
    if (either && ends != reported->count[AT_IDLE] + reported->count[AT_IDLE + 1] && ++differences)
        say(text, room, "closed_idle + closed_inflight", ends, reported->count[AT_IDLE] + reported->count[AT_IDLE + 1]);
    return differences + equations_compare(reported, text, room);
}

void self_table_add(struct self_table *table, const struct self_result *result)
{
    for (int i = 0; i < SELF_CLASSES; i++) {
        table->planted.count[i] += result->planted.count[i];
        table->reported.count[i] += result->reported.count[i];
    }
    for (int i = 0; i < SELF_ACT_COUNT; i++)
        table->planted.act[i] += result->planted.act[i];
    table->planted.unsent_or_rst += result->planted.unsent_or_rst;
}

int self_table_print(const struct self_table *table, FILE *out)
{
    const int unsent = AT_CAUSE + MF_CAUSE_UNSENT, rst = AT_CAUSE + MF_CAUSE_INFLIGHT_RST;
    const struct self_books *planted = &table->planted, *reported = &table->reported;
    int silent = 0;

    fprintf(out, "%-22s %12s %12s\n", "class", "planted", "reported");
    for (int i = 0; i < SELF_CLASSES; i++) {
        bool either = planted->unsent_or_rst > 0 && (i == unsent || i == rst || i >= AT_IDLE);
        fprintf(out, "%-22s %12" PRIu64 "%s%12" PRIu64 "%s\n", self_class_key(i), planted->count[i], either ? "+" : " ",
                reported->count[i], reported->count[i] ? "" : "  never fired");
        silent += reported->count[i] == 0;
    }
    if (planted->unsent_or_rst) {
        fprintf(out, "  + which of two it is, the kernel decided in some plans:\n");
        fprintf(out, "%-22s %12" PRIu64 " %12" PRIu64 "\n", "  unsent or rst",
                planted->count[unsent] + planted->count[rst] + planted->unsent_or_rst,
                reported->count[unsent] + reported->count[rst]);
        fprintf(out, "%-22s %12" PRIu64 " %12" PRIu64 "\n", "  closed",
                planted->count[AT_IDLE] + planted->count[AT_IDLE + 1],
                reported->count[AT_IDLE] + reported->count[AT_IDLE + 1]);
    }
    fprintf(out, "\n%-22s %12s\n", "act", "done");
    for (int i = 0; i < SELF_ACT_COUNT; i++) {
        fprintf(out, "%-22s %12" PRIu64 "%s\n", self_act_keys[i], planted->act[i],
                planted->act[i] ? "" : "  never done");
        silent += planted->act[i] == 0;
    }
    return silent;
}
