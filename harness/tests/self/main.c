/* test-self: every way to misbehave alone, all in one run, and random plans; each must be reported exactly.
 *
 * Not a Criterion program: hundreds of plans run side by side in jobs of their own, one may be repeated by its seed,
 * and with a sabotaged load all of it must fail. Exit status: 0 as expected, 1 not, 2 usage. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"

#define JOBS_MAX 64

struct options {
    struct self_programs programs;
    uint64_t plans; /* random ones */
    uint64_t first_seed;
    const char *only;  /* part of a name; NULL: all */
    const char *table; /* a file for the list at the end; NULL: none */
    uint32_t jobs;
    bool one_seed, wants_discrepancy, quiet;
};

/* Shared by the jobs. */
struct board {
    _Atomic uint32_t next, done, discrepancies;
    struct self_result result[];
};

static struct self_plan *plans;
static uint32_t plans_used;

static bool plan_is_wanted(const struct options *o, const struct self_plan *plan)
{
    return !o->only || strstr(plan->name, o->only);
}

static int plans_make(const struct options *o)
{
    plans = calloc(SELF_TRANSPORTS * SELF_CODECS * (SELF_ACT_COUNT + 1) + o->plans, sizeof *plans);
    if (!plans)
        return -1;
    for (int kind = 0; kind <= SELF_ACT_COUNT && !o->one_seed; kind++) {
        for (int variant = 0; variant < SELF_TRANSPORTS * SELF_CODECS; variant++) {
            struct self_plan *plan = plans + plans_used;
            int transport = variant / SELF_CODECS, codec = variant % SELF_CODECS;
            bool makes_sense = kind == SELF_ACT_COUNT ? self_plan_mixed(plan, transport, codec)
                                                      : self_plan_alone(plan, kind, transport, codec);
            plans_used += makes_sense && plan_is_wanted(o, plan);
        }
    }
    for (uint64_t i = 0; i < o->plans; i++) {
        self_plan_random(plans + plans_used, o->first_seed + i);
        plans_used += plan_is_wanted(o, plans + plans_used);
    }
    return 0;
}

/* A job takes plan after plan; where a discrepancy is what is wanted, one is enough. */
static void __attribute__((noreturn)) job_run(const struct options *o, struct board *board)
{
    uint32_t i;

    while ((i = atomic_fetch_add(&board->next, 1)) < plans_used) {
        if (o->wants_discrepancy && atomic_load(&board->discrepancies) > 0)
            break;
        self_run(plans + i, &o->programs, &board->result[i]);
        if (board->result[i].verdict == SELF_DISCREPANCY)
            atomic_fetch_add(&board->discrepancies, 1);
    }
    _exit(0);
}

static int jobs_run(const struct options *o, struct board *board)
{
    int status, bad = 0;
    uint32_t started = 0;

    fflush(NULL);
    for (; started < o->jobs; started++) {
        pid_t pid = fork();
        if (pid == 0)
            job_run(o, board);
        if (pid < 0) {
            perror("test-self: fork");
            break;
        }
    }
    for (uint32_t ended = 0; ended < started;) {
        if (wait(&status) < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        ended++;
        bad |= status != 0;
    }
    return bad || started == 0 ? -1 : 0;
}

static void result_print(const struct self_plan *plan, const struct self_result *result)
{
    static const char *const words[] = {"not run", "equal", "DISCREPANCY", "UNKNOWN, the machine stalled", "TROUBLE"};

    printf("%s: %s: %s\n    acts:", plan->name, words[result->verdict], result->text);
    for (uint32_t i = 0; i < plan->acts; i++)
        printf(" %s@%" PRIu64 ":%" PRIu64, self_act_keys[plan->act[i].kind], plan->act[i].at, plan->act[i].arg);
    printf("\n    %s, %s, %s loop, window %" PRIu32 ", %" PRIu32 " connections, %" PRIu64
           " messages; again with --only %s",
           plan->over_udp   ? "udp"
           : plan->over_tcp ? "tcp"
                            : "unix",
           plan->is_plain ? "http1 (plain)" : plan->codec, plan->open_loop ? "open" : "closed", plan->window,
           plan->connections, plan->messages, plan->name);
    if (strncmp(plan->name, "random-", 7) == 0)
        printf(", or --seed %" PRIu64, plan->seed);
    printf("\n");
}

/* Every class must have fired where all plans were run. */
static int table_finish(const struct options *o, const struct self_table *table)
{
    FILE *file = o->table ? fopen(o->table, "we") : NULL;
    bool all = !o->only && !o->one_seed && o->plans >= 1000;
    int silent = 0;

    if (o->table && !file) {
        perror(o->table);
        return -1;
    }
    if (file) {
        silent = self_table_print(table, file);
        if (fclose(file) != 0) {
            perror(o->table);
            return -1;
        }
    }
    if (!o->quiet)
        silent = self_table_print(table, stdout);
    return all ? silent : 0;
}

static int judge(const struct options *o, const struct board *board)
{
    struct self_table table = {0};
    uint32_t verdicts[5] = {0}, tries = 0;

    for (uint32_t i = 0; i < plans_used; i++) {
        const struct self_result *result = &board->result[i];
        verdicts[result->verdict]++;
        tries += result->tries;
        if (result->verdict > SELF_EQUAL)
            result_print(plans + i, result);
        if (result->verdict == SELF_EQUAL)
            self_table_add(&table, result);
    }
    int silent = o->wants_discrepancy ? 0 : table_finish(o, &table);
    uint32_t run = plans_used - verdicts[SELF_NOT_RUN];
    printf("%" PRIu32 " plans: %" PRIu32 " equal, %" PRIu32 " with discrepancies, %" PRIu32 " unknown, %" PRIu32
           " in trouble; %" PRIu32 " runs repeated since the machine stalled\n",
           run, verdicts[SELF_EQUAL], verdicts[SELF_DISCREPANCY], verdicts[SELF_STALLED], verdicts[SELF_TROUBLE],
           tries - run);
    if (o->wants_discrepancy)
        return verdicts[SELF_DISCREPANCY] > 0 && verdicts[SELF_TROUBLE] == 0 ? 0 : 1;
    if (silent)
        printf("%d classes or acts never fired\n", silent);
    return run == plans_used && verdicts[SELF_EQUAL] == run && run > 0 && silent == 0 ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: test-self --load PROGRAM --liar PROGRAM [--plans N] [--seed N] [--only NAME] [--jobs N]\n"
                    "                 [--table FILE] [--quiet] [--expect-discrepancy]\n"
                    "  --plans N     so many random plans (default 1000), besides each act alone and all mixed\n"
                    "  --seed N      only the random plan with this seed\n"
                    "  --only NAME   only plans with this in their name\n"
                    "  --expect-discrepancy   good is a discrepancy, and nothing else that goes wrong\n");
    return 2;
}

static bool options_read(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"load", required_argument, NULL, 'l'},  {"liar", required_argument, NULL, 'i'},
        {"plans", required_argument, NULL, 'p'}, {"seed", required_argument, NULL, 's'},
        {"only", required_argument, NULL, 'o'},  {"jobs", required_argument, NULL, 'j'},
        {"table", required_argument, NULL, 't'}, {"expect-discrepancy", no_argument, NULL, 'x'},
        {"quiet", no_argument, NULL, 'q'},       {NULL, 0, NULL, 0},
    };
    int option;

    *o = (struct options){.plans = 1000, .first_seed = 1, .jobs = 24};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'l':
            o->programs.load = optarg;
            break;
        case 'i':
            o->programs.liar = optarg;
            break;
        case 'p':
            o->plans = strtoull(optarg, NULL, 10);
            break;
        case 's':
            o->first_seed = strtoull(optarg, NULL, 10);
            o->one_seed = true;
            o->plans = 1;
            break;
        case 'o':
            o->only = optarg;
            break;
        case 'j':
            o->jobs = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 't':
            o->table = optarg;
            break;
        case 'x':
            o->wants_discrepancy = true;
            break;
        case 'q':
            o->quiet = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && o->programs.load && o->programs.liar && o->jobs >= 1 && o->jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
    struct options o;

    if (!options_read(&o, argc, argv))
        return usage();
    if (plans_make(&o) < 0) {
        perror("test-self");
        return 1;
    }
    size_t bytes = sizeof(struct board) + plans_used * sizeof(struct self_result);
    struct board *board = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        perror("test-self");
        return 1;
    }
    int code = jobs_run(&o, board) == 0 ? judge(&o, board) : 1;
    munmap(board, bytes);
    free(plans);
    return code;
}
