/* The program's own edges: its command line, and a worker that is given bad cargo. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "node/args.h"
#include "node/cargo.h"

#define PROGRAM MIDFLIGHT_BINARY_DIR "/midflight-node"

/* --- the command line --- */

static const char *const good[] = {"midflight-node",
                                   "--recorder-fd",
                                   "3",
                                   "--control-fd",
                                   "4",
                                   "--strategy",
                                   "swap",
                                   "--processes",
                                   "64",
                                   "--schedulers",
                                   "2",
                                   "--module",
                                   "/a module.so",
                                   "--module",
                                   "b.so",
                                   "--transport",
                                   "tcp",
                                   "--listen",
                                   "tcp:127.0.0.1:0",
                                   "--codec",
                                   "line",
                                   "--dir",
                                   "/",
                                   "--seed",
                                   "18446744073709551615",
                                   "--point",
                                   "value:3:dequeued:4:0:1:1:250",
                                   "--point",
                                   "stage:0:enqueued:800:400:100:0:0"};
#define GOOD (sizeof good / sizeof good[0])

static int parse(struct mf_node_args *args, const char *const *argv, struct mf_error *err)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return mf_node_args_parse(args, argc, (char **)argv, err);
}

Test(program, hands_its_arguments_on_unchanged)
{
    const char *argv[GOOD + 1] = {0};
    struct mf_node_args args, again;
    struct mf_error err = {0};
    memcpy(argv, good, sizeof good);
    cr_assert(eq(int, parse(&args, argv, &err), 0), "%s", err.text);
    args.module_index = 1;
    args.cargo_fd = 9;
    args.listen_fd = 10;
    args.hand_fd = 11;
    args.take_fd = 12;
    args.accept_delay_us = 300;
    args.retire = MF_RETIRE_DRAIN_ACCEPT;
    args.cargo_k = 7;
    char **next = mf_node_args_argv(&args, "midflight-node");
    cr_assert(ne(ptr, next, NULL));
    cr_assert(eq(int, parse(&again, (const char *const *)next, &err), 0), "%s", err.text);
    cr_expect(again.worker);
    cr_expect(eq(u32, again.module_index, 1));
    cr_expect(eq(int, again.cargo_fd, 9));
    cr_expect(eq(int, again.listen_fd, 10));
    cr_expect(eq(int, again.hand_fd, 11));
    cr_expect(eq(int, again.take_fd, 12));
    cr_expect(eq(u32, again.accept_delay_us, 300));
    cr_expect(eq(int, (int)again.retire, MF_RETIRE_DRAIN_ACCEPT));
    cr_expect(eq(u32, again.cargo_k, 7));
    cr_expect(eq(u64, again.seed, UINT64_MAX));
    cr_expect(eq(u32, again.modules_count, 2));
    cr_expect(eq(str, (char *)again.modules[0], (char *)"/a module.so"));
    cr_expect(eq(str, (char *)again.listen, (char *)"tcp:127.0.0.1:0"));
    cr_assert(eq(u32, again.points_count, 2));
    cr_expect(again.points[0].hold && !again.points[1].hold);
    char **once_more = mf_node_args_argv(&again, "midflight-node");
    cr_assert(ne(ptr, once_more, NULL));
    int points = 0;
    for (int i = 0; next[i]; i++) {
        cr_expect(eq(str, next[i], once_more[i]));
        for (size_t g = 0; g < GOOD; g++)
            points += strcmp(good[g], "--point") == 0 && strcmp(good[g + 1], next[i]) == 0;
    }
    cr_expect(eq(int, points, 2), "the points do not come out as they went in");
    free(once_more);
    free(next);
}

/* The option's value in `good` is replaced by a bad one. */
static void check_refused(const char *option, const char *value, const char *expected)
{
    const char *argv[GOOD + 1] = {0};
    struct mf_node_args args;
    struct mf_error err = {0};
    memcpy(argv, good, sizeof good);
    for (size_t i = 0; i + 1 < GOOD; i++)
        if (strcmp(argv[i], option) == 0)
            argv[i + 1] = value;
    cr_assert(eq(int, parse(&args, argv, &err), -1), "%s %s is taken", option, value);
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
    cr_expect(ne(ptr, strstr(err.text, expected), NULL), "%s", err.text);
}

Test(program, refuses_bad_values)
{
    check_refused("--strategy", "swop", "there are none cold-restart");
    check_refused("--processes", "0", "a number from 1 to 1000000");
    check_refused("--processes", "-1", "a number from");
    check_refused("--schedulers", "2x", "a number from 1 to 256");
    check_refused("--transport", "udp", "unix, tcp or local");
    check_refused("--listen", "unix:/x", "does not fit");
    check_refused("--listen", "tcp:localhost:1", "no IPv4 address");
    check_refused("--listen", "tcp:127.0.0.1:70000", "tcp:ADDRESS:PORT");
    check_refused("--codec", "morse", "there is none of this name");
    check_refused("--dir", "/no/such/folder", "No such file");
    check_refused("--point", "value:0:dequeued:4:0:1:2:0", "is wanted");
    check_refused("--point", "stage:0:eaten:4:0:1:0:0", "is wanted");
    check_refused("--point", "stage:0:enqueued:4:0:1:0", "is wanted");
    check_refused("--seed", "", "a number from");
}

Test(program, misses_what_is_missing)
{
    const char *argv[] = {"midflight-node", "--recorder-fd", "3", NULL};
    const char *unknown[] = {"midflight-node", "--frobnicate", NULL};
    struct mf_node_args args;
    struct mf_error err = {0};
    cr_expect(eq(int, parse(&args, argv, &err), -1));
    cr_expect(eq(str, err.text, (char *)"--control-fd is missing"));
    cr_expect(eq(int, parse(&args, unknown, &err), -1));
    cr_expect(ne(ptr, strstr(err.text, "--frobnicate"), NULL), "%s", err.text);
}

/* --- what it says of modules --- */

static int said(const char *command, char *text, size_t room)
{
    FILE *f = popen(command, "r");
    cr_assert(ne(ptr, f, NULL));
    size_t n = fread(text, 1, room - 1, f);
    text[n] = 0;
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(program, describes_modules)
{
    char text[4096];
    cr_expect(eq(int, said(PROGRAM " --describe " MODULE_V1 " " MODULE_V3, text, sizeof text), 0));
    cr_expect(eq(str, text,
                 (char *)MODULE_V1 " name=pingpong version=1 state_version=1 state_bytes=8\n" MODULE_V3
                                   " name=pingpong version=3 state_version=2 state_bytes=24\n"));
    cr_expect(eq(int, said(PROGRAM " --describe /no/such.so 2>&1", text, sizeof text), MF_STATUS_TARGET));
    cr_expect(eq(ptr, strchr(text, '\n'), strrchr(text, '\n')), "one line: %s", text);
    cr_expect(ne(ptr, strstr(text, "/no/such.so"), NULL), "%s", text);
    cr_expect(eq(int, said(PROGRAM " --describe 2>&1", text, sizeof text), MF_STATUS_USAGE));
}

/* --- bad cargo --- */

static int cargo_make(const struct mf_cargo_header *header, size_t bytes)
{
    uint8_t content[512] = {0};
    memcpy(content, header, sizeof *header);
    int fd = memfd_create("cargo", 0);
    cr_assert(eq(i64, write(fd, content, bytes), (ssize_t)bytes));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* A worker started with this cargo ends with one `error` line that contains `expected`, and exit 3. */
static void check_cargo(const struct mf_cargo_header *header, size_t bytes, const char *expected)
{
    struct mf_error err = {0};
    struct mf_recorder rec;
    struct mf_recorder_shape shape = {.workers = 1, .upgrades = 1, .bins = 1, .streams = 1, .bin_ns = 10000000};
    int line[2], status, cargo_fd = cargo_make(header, bytes);
    char recorder_text[16], control_text[16], cargo_text[16], dir[] = "/tmp/midflight-test-XXXXXX", socket_text[64];
    cr_assert(ne(ptr, mkdtemp(dir), NULL));
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0));
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0));
    snprintf(recorder_text, sizeof recorder_text, "%d", rec.fd);
    snprintf(control_text, sizeof control_text, "%d", line[1]);
    snprintf(cargo_text, sizeof cargo_text, "%d", cargo_fd);
    snprintf(socket_text, sizeof socket_text, "unix:%s/node.sock", dir);
    pid_t pid = fork();
    if (pid == 0) {
        fcntl(rec.fd, F_SETFD, 0);
        execl(PROGRAM, "midflight-node", "--worker", "--recorder-fd", recorder_text, "--control-fd", control_text,
              "--cargo-fd", cargo_text, "--strategy", "swap", "--processes", "8", "--schedulers", "1", "--module",
              MODULE_V1, "--transport", "unix", "--listen", socket_text, "--codec", "frame", "--dir", dir,
              (char *)NULL);
        _exit(127);
    }
    close(line[1]);
    char text[4096] = {0};
    for (size_t used = 0; used + 1 < sizeof text;) {
        ssize_t n = read(line[0], text + used, sizeof text - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    cr_expect(eq(int, code, MF_STATUS_TARGET));
    cr_expect(eq(int, strncmp(text, "error ", 6), 0), "%s", text);
    cr_expect(ne(ptr, strstr(text, expected), NULL), "%s", text);
    cr_expect(eq(int, rmdir(dir), 0));
    close(line[0]);
    close(cargo_fd);
    mf_recorder_close(&rec);
}

Test(program, refuses_cargo_that_is_damaged)
{
    struct mf_cargo_header h = {.magic = MF_CARGO_MAGIC,
                                .version = MF_CARGO_VERSION,
                                .header_bytes = sizeof h,
                                .total_bytes = sizeof h,
                                .parts = MF_CARGO_STATE,
                                .processes = 8,
                                .listen_fd = -1};
    check_cargo(&h, 10, "cut%20short");
    check_cargo(&h, sizeof h, "cut%20short"); /* eight processes are promised, and none is there */
    check_cargo(&h, sizeof h - 1, "cut%20short");
    h.total_bytes = sizeof h + 100; /* zeroes: a state of no layout that anybody knows */
    check_cargo(&h, sizeof h + 100, "cannot%20convert");
    h.total_bytes = sizeof h + 10; /* not one record */
    check_cargo(&h, sizeof h + 10, "cut%20short");
    h.total_bytes = sizeof h;
    h.processes = 7;
    check_cargo(&h, sizeof h, "has%207%20processes");
    h.version = MF_CARGO_VERSION + 1;
    check_cargo(&h, sizeof h, "of%20format");
    h.magic = 0;
    check_cargo(&h, sizeof h, "cut%20short");
}
