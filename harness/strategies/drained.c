/* An exchange of workers through a saved state: see drained.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/recorder.h"
#include "strategies/drained.h"

#define RESERVE_DEADLINE_MS 5000
#define IDLE_DEADLINE_MS    250 /* until no client has anything left to ask */
#define DRAIN_DEADLINE_MS   1000
#define COMMAND_DEADLINE_MS 10000 /* of the whole drain, with writing and syncing */

static void state_path(char *path, size_t n, const char *dir, uint32_t k)
{
    snprintf(path, n, "%s/state-%u", dir, k);
}

/* --- in the worker --- */

static int state_reserve(struct mf_core *core, const char *path, struct mf_error *err)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot save the state in %s", path);
    errno = posix_fallocate(fd, 0, (off_t)mf_core_state_bytes(core));
    int bad = errno != 0;
    if (bad) {
        mf_error_errno(err, MF_STATUS_TARGET, NULL, "no room for the state in %s", path);
        unlink(path);
    }
    close(fd);
    return bad ? -1 : 0;
}

static int file_copy(int to_fd, int from_fd)
{
    struct stat st;
    if (fstat(from_fd, &st) != 0)
        return -1;
    off_t at = 0;
    while (at < st.st_size) {
        ssize_t n = sendfile(to_fd, from_fd, &at, (size_t)(st.st_size - at));
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0) {
            errno = EIO; /* shorter than it was */
            return -1;
        }
    }
    return ftruncate(to_fd, st.st_size);
}

static int state_save(struct mf_core *core, const char *path, struct mf_error *err)
{
    int cargo_fd = mf_core_pack(core, MF_CARGO_STATE, err);
    if (cargo_fd < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int bad = fd < 0 || file_copy(fd, cargo_fd) != 0 || fsync(fd) != 0;
    if (bad)
        mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot save the state in %s", path);
    if (fd >= 0)
        close(fd);
    close(cargo_fd);
    return bad ? -1 : 0;
}

void mf_drained_answer(struct mf_core *core)
{
    struct mf_error late; /* patience must end somewhere: what is not answered by then is cut off */
    mf_core_drain(core, IDLE_DEADLINE_MS, &late);
    mf_core_end_input(core); /* what has been read by now, since or because clients leave no gap, is still answered */
    mf_core_drain(core, DRAIN_DEADLINE_MS, &late);
}

/* Returns only on failure: a worker that has drained ends, and its end is the answer. */
static int worker_drain(struct mf_core *core, uint32_t k, const char *path, struct mf_error *err)
{
    mf_core_stop_listening(core);
    mf_core_note_queued(core, k);
    mf_drained_answer(core);
    mf_core_pause_schedulers(core);
    mf_core_pause_io(core);
    mf_core_phase(core, k, MF_PHASE_QUIESCED);
    if (state_save(core, path, err) == 0)
        _exit(0); /* sockets end with it; nothing of this program may run once the state is written */
    return -1;
}

int mf_drained_command(struct mf_core *core, const char *what, struct mf_error *err)
{
    char verb[16], path[4096];
    uint32_t k;
    if (sscanf(what, "%15s %u", verb, &k) != 2)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such command: %s", what);
    state_path(path, sizeof path, mf_core_dir(core), k);
    if (strcmp(verb, "reserve") == 0)
        return state_reserve(core, path, err);
    if (strcmp(verb, "drain") == 0)
        return worker_drain(core, k, path, err);
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such command: %s", what);
}

/* --- in the supervisor --- */

static int worker_tell(struct mf_supervisor *supervisor, const char *verb, uint32_t k, uint32_t deadline_ms,
                       struct mf_error *err)
{
    char what[32];
    snprintf(what, sizeof what, "%s %u", verb, k);
    return mf_supervisor_command(supervisor, what, deadline_ms, err);
}

static int worker_start(struct mf_supervisor *supervisor, uint32_t module_index, const char *path, struct mf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the saved state is not there: %s", path);
    return mf_supervisor_start_worker(supervisor, module_index, fd, err);
}

/* The state is saved and no worker lives. */
static int worker_renew(struct mf_supervisor *supervisor, struct mf_upgrade_request *request, uint32_t old_index,
                        const char *path, struct mf_error *err)
{
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_RETIRED);
    /* each process anew out of its saved state, each scheduler, and the I/O thread */
    mf_supervisor_note_made_anew(supervisor, request->k, mf_supervisor_processes(supervisor),
                                 mf_supervisor_schedulers(supervisor) + 1);
    if (worker_start(supervisor, request->module_index, path, err) != 0) {
        struct mf_error again = {0};
        request->rolled_back = worker_start(supervisor, old_index, path, &again) == 0;
        return -1;
    }
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_LOADED);
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_TRANSFERRED);
    mf_supervisor_commit(supervisor, request->k);
    return 0;
}

int mf_drained_supervise(struct mf_supervisor *supervisor, struct mf_upgrade_request *request, struct mf_error *err)
{
    uint32_t old_index = mf_supervisor_module_index(supervisor);
    request->rolled_back = true;
    if (mf_supervisor_probe(supervisor, request->module_index, err) != 0 ||
        worker_tell(supervisor, "reserve", request->k, RESERVE_DEADLINE_MS, err) != 0)
        return -1;
    request->rolled_back = false;
    char path[4096];
    state_path(path, sizeof path, mf_supervisor_dir(supervisor), request->k);
    int bad = worker_tell(supervisor, "drain", request->k, COMMAND_DEADLINE_MS, err);
    if (!bad)
        bad = mf_supervisor_wait_worker(supervisor, COMMAND_DEADLINE_MS, err);
    if (!bad) {
        bad = worker_renew(supervisor, request, old_index, path, err);
    } else {
        struct mf_error ignored; /* a worker that listens no more is of no use to anybody */
        mf_supervisor_kill_worker(supervisor, &ignored);
    }
    unlink(path);
    return bad;
}
