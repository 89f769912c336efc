#include "load/meter.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* How often schedstat is read: it costs about a microsecond. */
#define LOOK_NS (10 * MF_NS_PER_MS)

/* For how long this thread has so far been ready without running: "ran waited turns", ns. False where that is not told.
 */
static bool schedstat_read(const struct mf_meter *meter, uint64_t *waited_ns)
{
    char text[100];
    ssize_t n = meter->schedstat >= 0 ? pread(meter->schedstat, text, sizeof text - 1, 0) : 0;

    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*u %" SCNu64, waited_ns) == 1;
}

/* "cpu user nice system idle iowait irq softirq steal ...", in clock ticks, all processors together: their time, and
 * what of it was taken from this machine by the one that it runs on. */
static bool processors_read(uint64_t *all, uint64_t *stolen)
{
    uint64_t of[8];
    FILE *stat = fopen("/proc/stat", "re");
    int n = stat ? fscanf(stat,
                          "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                          " %" SCNu64,
                          of, of + 1, of + 2, of + 3, of + 4, of + 5, of + 6, of + 7)
                 : 0;

    if (stat)
        fclose(stat);
    *all = 0;
    for (int i = 0; i < 8 && n == 8; i++)
        *all += of[i];
    *stolen = n == 8 ? of[7] : 0;
    return n == 8;
}

/* libuv calls back from within its poll, and tells how long it slept there: what is left of a round is work. */
static void on_round(uv_check_t *handle)
{
    struct mf_meter *meter = handle->data;
    uint64_t now_ns = mf_clock_now_ns(), idle_ns = uv_metrics_idle_time(meter->loop);

    if (meter->account && meter->round_ns) {
        uint64_t round_ns = now_ns - meter->round_ns, slept_ns = idle_ns - meter->idle_ns;
        mf_account_busy(meter->account, now_ns, round_ns > slept_ns ? round_ns - slept_ns : 0);
    }
    meter->round_ns = now_ns;
    meter->idle_ns = idle_ns;
}

void mf_meter_open(struct mf_meter *meter, uv_loop_t *loop)
{
    meter->loop = loop;
    meter->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    uv_check_init(loop, &meter->round);
    meter->round.data = meter;
    uv_check_start(&meter->round, on_round);
    uv_unref((uv_handle_t *)&meter->round);
    meter->is_open = true;
}

void mf_meter_start(struct mf_meter *meter, struct mf_account *account, uint64_t now_ns)
{
    meter->account = account;
    meter->looked_ns = now_ns;
    meter->has_waited = schedstat_read(meter, &meter->waited_ns);
    meter->has_processors = processors_read(&meter->processors, &meter->stolen);
}

static void meter_look(struct mf_meter *meter, uint64_t now_ns)
{
    uint64_t waited_ns;

    if (meter->has_waited && schedstat_read(meter, &waited_ns)) {
        mf_account_waited(meter->account, meter->looked_ns, now_ns, waited_ns - meter->waited_ns);
        meter->waited_ns = waited_ns;
    }
    meter->looked_ns = now_ns;
}

void mf_meter_beat(struct mf_meter *meter, uint64_t now_ns)
{
    if (meter->account && now_ns - meter->looked_ns >= LOOK_NS)
        meter_look(meter, now_ns);
}

void mf_meter_finish(struct mf_meter *meter, uint64_t now_ns)
{
    uint64_t processors, stolen;

    if (!meter->account)
        return;
    if (now_ns > meter->looked_ns)
        meter_look(meter, now_ns);
    if (meter->has_processors && processors_read(&processors, &stolen))
        mf_account_stolen(meter->account, processors - meter->processors, stolen - meter->stolen);
    meter->account = NULL;
}

void mf_meter_close(struct mf_meter *meter)
{
    if (!meter->is_open)
        return;
    meter->is_open = false;
    meter->account = NULL;
    uv_check_stop(&meter->round);
    uv_close((uv_handle_t *)&meter->round, NULL);
    if (meter->schedstat >= 0)
        close(meter->schedstat);
}
