/* The load: who pings, how fast, for how long; and what must have happened for a run to prove anything. */
#include <stdio.h>
#include <string.h>

#include "scenario/parts.h"
#include "strategies/flags.h"
#include "wire/codec.h"

#define STREAMS_MAX 1000000
/* What fits into a datagram (65507 bytes), less a frame's header and then some. */
#define UDP_PAYLOAD_BYTES_MAX 65000

const char *const mf_transport_keys[MF_TRANSPORT_COUNT] = {
#define MF_TRANSPORT(id, key, text) key,
#include "scenario/transports.def"
#undef MF_TRANSPORT
};
static const char *const codec_names[] = {
#define MF_CODEC(id) #id,
#include "wire/codecs.def"
#undef MF_CODEC
};
static const char *const mode_names[] = {"open", "closed"};
static const char *const arrivals_names[] = {"uniform", "poisson"};
enum { MODE_OPEN, MODE_CLOSED };
enum { ARRIVALS_UNIFORM, ARRIVALS_POISSON };

struct load_read {
    struct mf_load load;
    uint32_t codec, mode, arrivals;
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS_MAX       600000
#define DAY_MS       86400000

static const struct mf_field load_rows[] = {
    {"transport", MF_FIELD_WORD, false, MF_MEMBER(load_read, load.transport), .fallback = "\"unix\"",
     .words = mf_transport_keys, .words_count = MF_TRANSPORT_COUNT,
     .text = "how pings get to the target; local: the pingers are processes of the node"},
    {"codec", MF_FIELD_WORD, false, MF_MEMBER(load_read, codec), .fallback = "\"frame\"", .words = codec_names,
     .words_count = COUNT(codec_names), .text = "how a ping and a pong look as bytes"},
    {"mode", MF_FIELD_WORD, false, MF_MEMBER(load_read, mode), .fallback = "\"open\"", .words = mode_names,
     .words_count = COUNT(mode_names),
     .text = "open: at rate_per_s, whatever comes back; closed: window outstanding per connection"},
    {"arrivals", MF_FIELD_WORD, false, MF_MEMBER(load_read, arrivals), .words = arrivals_names,
     .words_count = COUNT(arrivals_names),
     .text = "mode open: due instants evenly spaced, or as a seeded Poisson process; default uniform"},
    {"workers", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.workers), 1, 64,
     .text = "load processes, one thread each; default 1 (transport local: as many as schedulers)"},
    {"connections", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.connections), 1, 10000,
     .text = "of all workers together, a multiple of workers; default one per worker"},
    {"streams_per_connection", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.streams_per_connection), 1, 10000,
     "1", .text = "numbered sequences of pings on each connection"},
    {"rate_per_s", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.rate_per_s), 0.1, 10000000,
     .text = "mode open (required): pings due per second, all workers together"},
    {"window", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.window), 1, 65536,
     .text = "mode closed (required): pings outstanding per connection"},
    {"pipeline", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.pipeline), 0, 65536,
     .text =
         "mode open, codecs http1 and resp: pings written and unanswered at once on a connection, others wait; 0: any "
         "number; default 1 with http1, 0 with resp"},
    {"pings_per_connection", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.pings_per_connection), 0, 1e9, "0",
     .text = "mode closed: a connection is closed when so many pings of it have their answers, and made anew; 0: it is "
             "kept"},
    {"retry", MF_FIELD_FLAG, false, MF_MEMBER(load_read, load.retry), .fallback = "false",
     .text = "judge the other client policy too: what is lost with its connection, before a byte of its answer came, is "
             "asked once more on a fresh one, outside the books"},
    {"messages", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.messages), 0, 1e12, "0",
     .text = "stop after so many pings in all; 0: when duration_ms is over"},
    {"payload_bytes", MF_FIELD_INTEGER, false, MF_MEMBER(load_read, load.payload_bytes), 0, 65536,
     .text = "carried by each ping and its pong; default 64 with codec frame, 0 with all others, which carry none"},
    {"timeout_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.timeout_ms), 1, MS_MAX, "1000",
     .text = "an answer later than this after its due instant is late"},
    {"connect_timeout_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.connect_timeout_ms), 1, MS_MAX, "1000",
     .text = "a connection that takes longer is given up"},
    {"warmup_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.warmup_ms), 0, MS_MAX, "500",
     .text = "pinging before the measurement begins; these latencies don't count, their outcomes do"},
    {"duration_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.duration_ms), 10, DAY_MS, "4000",
     .text = "pinging, from the end of the warm-up"},
    {"drain_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.drain_ms), 0, MS_MAX,
     .text = "waiting for answers behind the last ping; at least timeout_ms; default 1000, or timeout_ms where that is "
             "more"},
    {"window_ms", MF_FIELD_NUMBER, false, MF_MEMBER(load_read, load.window_ms), 1, 60000, "100",
     .text = "how long after an upgrade's request a ping still counts to its spike"},
    {"http", MF_FIELD_PART,
     .text = "codec http1: an object: what is asked, and where in a response its version stands"},
    {"resp", MF_FIELD_PART, .text = "codec resp: an object: which command, and where in an answer its version stands"},
    {"wire_states", MF_FIELD_PART, .fallback = "false",
     .text = "true, or a list of wire states: at each upgrade the load holds a probe in each of them"},
};
const struct mf_field_table mf_load_fields = {load_rows, COUNT(load_rows)};

static const struct mf_field proof_rows[] = {
    {"in_flight_min", MF_FIELD_INTEGER, false, MF_MEMBER(mf_proof, in_flight_min), 0, 1e12, "1",
     .text = "pings in flight at the upgrades, all together"},
    {"rate_min_share", MF_FIELD_NUMBER, false, MF_MEMBER(mf_proof, rate_min_share), 0, 1,
     .text = "mode open: of rate_per_s, what must have been achieved; default 0.95"},
    {"tainted_max_share", MF_FIELD_NUMBER, false, MF_MEMBER(mf_proof, tainted_max_share), 0, 1, "0.2",
     .text = "of the intervals, how many the instrument itself may have been late in"},
};
const struct mf_field_table mf_proof_fields = {proof_rows, COUNT(proof_rows)};

/* A key that only one of the two modes has. */
static int mode_keys_check(const struct mf_reader *r, const json_t *load, bool open)
{
    if (open && json_object_get(load, "window"))
        return mf_reader_fail(r, "load.window", "is for mode \"closed\" only; allowed with mode \"open\": rate_per_s");
    if (open && !json_object_get(load, "rate_per_s"))
        return mf_reader_fail(r, "load.rate_per_s",
                              "is missing; mode \"open\" needs it: a number from 0.1 to 10000000");
    if (!open && json_object_get(load, "rate_per_s"))
        return mf_reader_fail(r, "load.rate_per_s", "is for mode \"open\" only; allowed with mode \"closed\": window");
    if (!open && !json_object_get(load, "window"))
        return mf_reader_fail(r, "load.window", "is missing; mode \"closed\" needs it: a whole number from 1 to 65536");
    if (!open && json_object_get(load, "arrivals"))
        return mf_reader_fail(r, "load.arrivals", "is for mode \"open\" only");
    return 0;
}

/* The defaults that depend on other keys. Members that the file left out are 0 until here. */
static int defaults_fill(const struct mf_reader *r, json_t *json, const struct mf_node_target *node,
                         struct load_read *read)
{
    struct mf_load *load = &read->load;
    int bad = 0;
    if (!json_object_get(json, "workers")) {
        load->workers = load->transport == MF_TRANSPORT_LOCAL ? node->schedulers : 1;
        bad |= json_object_set_new(json, "workers", json_integer(load->workers));
    }
    if (!json_object_get(json, "connections")) {
        load->connections = load->workers;
        bad |= json_object_set_new(json, "connections", json_integer(load->connections));
    }
    if (!json_object_get(json, "payload_bytes")) {
        load->payload_bytes = mf_codec_find(codec_names[read->codec])->carries_payload ? 64 : 0;
        bad |= json_object_set_new(json, "payload_bytes", json_integer(load->payload_bytes));
    }
    if (!json_object_get(json, "drain_ms")) {
        load->drain_ms = load->timeout_ms > 1000 ? load->timeout_ms : 1000;
        bad |= json_object_set_new(json, "drain_ms", json_real(load->drain_ms));
    }
    if (read->mode == MODE_OPEN && !json_object_get(json, "arrivals"))
        bad |= json_object_set_new(json, "arrivals", json_string(arrivals_names[ARRIVALS_UNIFORM]));
    return bad ? mf_reader_no_memory(r) : 0;
}

static int local_check(const struct mf_reader *r, const struct mf_load *load, const struct mf_cell *cell)
{
    const struct mf_node_target *node = &cell->node;
    if (load->transport != MF_TRANSPORT_LOCAL)
        return 0;
    if (cell->command)
        return mf_reader_fail(r, "load.transport",
                              "is \"local\", but a command has no room for our pingers; allowed: that of "
                              "target.command.endpoint");
    if (!(node->flags & KEEPS_OS_PROCESS))
        return mf_reader_fail(
            r, "load.transport",
            "is \"local\", but strategy %s ends the OS process that the pingers would live in; allowed: tcp, unix",
            node->strategy);
    if (load->workers != node->schedulers)
        return mf_reader_fail(r, "load.workers",
                              "is %u; allowed with transport \"local\", where the schedulers run the pingers: %u "
                              "(target.node.schedulers)",
                              load->workers, node->schedulers);
    return 0;
}

/* true, false, or a list of states. */
static int wire_states_read(const struct mf_reader *r, const json_t *load, uint32_t *states)
{
    const json_t *value = json_object_get(load, "wire_states");
    char path[MF_KEY_PATH_BYTES], shown[80];
    *states = json_is_true(value) ? (1u << MF_WIRE_STATE_COUNT) - 1 : 0;
    if (!json_is_array(value) && !json_is_boolean(value) && value)
        return mf_reader_fail(r, "load.wire_states", "is %s; allowed: true, false, an array of wire states",
                              mf_json_show(shown, sizeof shown, value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *word = json_array_get(value, i);
        uint32_t state = 0;
        while (state < MF_WIRE_STATE_COUNT &&
               !(json_is_string(word) && strcmp(mf_wire_state_keys[state], json_string_value(word)) == 0))
            state++;
        snprintf(path, sizeof path, "load.wire_states[%zu]", i);
        if (state == MF_WIRE_STATE_COUNT)
            return mf_word_fail(r, path, word, mf_wire_state_keys, MF_WIRE_STATE_COUNT);
        if (*states & 1u << state)
            return mf_reader_fail(r, path, "stands there twice: \"%s\"", mf_wire_state_keys[state]);
        *states |= 1u << state;
    }
    return 0;
}

static int wire_states_check(const struct mf_reader *r, const struct mf_load *load)
{
    if (load->wire_states && load->transport == MF_TRANSPORT_UDP)
        return mf_reader_fail(r, "load.wire_states", "needs connections: transport \"udp\" has none; allowed: false");
    if (load->wire_states && load->transport == MF_TRANSPORT_LOCAL)
        return mf_reader_fail(r, "load.wire_states", "needs a wire: transport \"local\" has none; allowed: tcp, unix");
    return 0;
}

static int tcp_check(const struct mf_reader *r, const struct mf_load *load, const struct mf_node_target *node)
{
    if (load->transport == MF_TRANSPORT_TCP)
        return 0;
    if (node->flags & NEEDS_TCP)
        return mf_reader_fail(
            r, "load.transport",
            "is \"%s\", but with strategy %s two OS processes listen at one place, which TCP alone can; allowed: tcp",
            mf_transport_keys[load->transport], node->strategy);
    if (node->tcp_migrate_req != MF_OWN_NETWORK)
        return mf_reader_fail(r, "target.node.tcp_migrate_req", "is for transport \"tcp\" only");
    return 0;
}

/* Datagrams have no connections: what needs one makes no sense. */
static int udp_check(const struct mf_reader *r, const struct load_read *read, const struct mf_node_target *node)
{
    const struct mf_load *load = &read->load;
    if (load->transport != MF_TRANSPORT_UDP)
        return 0;
    if (node->modules_count > 0)
        return mf_reader_fail(r, "load.transport", "is \"udp\", by which our node does not listen; allowed: tcp, unix, local");
    if (mf_codec_find(codec_names[read->codec])->in_order)
        return mf_reader_fail(r, "load.codec", "is \"%s\", whose answers come in order, as datagrams do not; allowed with "
                              "transport \"udp\": frame, line", codec_names[read->codec]);
    if (load->payload_bytes > UDP_PAYLOAD_BYTES_MAX)
        return mf_reader_fail(r, "load.payload_bytes", "is %u; allowed with transport \"udp\": a whole number from 0 to %d",
                              load->payload_bytes, UDP_PAYLOAD_BYTES_MAX);
    if (load->pings_per_connection > 0 || load->retry)
        return mf_reader_fail(r, load->retry ? "load.retry" : "load.pings_per_connection",
                              "needs connections, and transport \"udp\" has none; allowed: %s", load->retry ? "false" : "0");
    return 0;
}

static int retry_check(const struct mf_reader *r, const struct mf_load *load)
{
    if (load->retry && load->transport == MF_TRANSPORT_LOCAL)
        return mf_reader_fail(r, "load.retry", "is true, but transport \"local\" has no connections; allowed: false");
    return 0;
}

static int pings_per_connection_check(const struct mf_reader *r, const struct load_read *read)
{
    const struct mf_load *load = &read->load;
    if (load->pings_per_connection > 0 && read->mode == MODE_OPEN)
        return mf_reader_fail(r, "load.pings_per_connection",
                              "is %u, which is for mode \"closed\" only; allowed with mode \"open\": 0",
                              load->pings_per_connection);
    if (load->pings_per_connection > 0 && load->transport == MF_TRANSPORT_LOCAL)
        return mf_reader_fail(r, "load.pings_per_connection",
                              "is %u, but transport \"local\" has no connections; allowed: 0",
                              load->pings_per_connection);
    return 0;
}

/* What belongs to some codecs only. */
static int codec_check(const struct mf_reader *r, json_t *json, const struct mf_cell *cell, struct load_read *read)
{
    struct mf_load *load = &read->load;
    const struct mf_codec *codec = mf_codec_find(codec_names[read->codec]);
    bool is_http = strcmp(codec->name, "http1") == 0;
    if (codec->in_order && !cell->command)
        return mf_reader_fail(r, "load.codec", "is \"%s\", which our node does not speak; allowed: frame, line",
                              codec->name);
    bool is_resp = strcmp(codec->name, "resp") == 0;
    if (json_object_get(json, "resp") && !is_resp)
        return mf_reader_fail(r, "load.resp", "is for codec \"resp\" only; codec is \"%s\"", codec->name);
    if (json_object_get(json, "http") && !is_http)
        return mf_reader_fail(r, "load.http", "is for codec \"http1\" only; codec is \"%s\"", codec->name);
    if (json_object_get(json, "pipeline") && (!codec->in_order || read->mode == MODE_CLOSED))
        return mf_reader_fail(r, "load.pipeline",
                              "is for mode \"open\" and codecs with answers in order (http1, resp) only%s",
                              codec->in_order ? "; mode closed: load.window says it" : "");
    if (codec->in_order && read->mode == MODE_CLOSED)
        load->pipeline = load->window;
    else if (codec->in_order && !json_object_get(json, "pipeline")) {
        load->pipeline = is_http ? 1 : 0;
        if (json_object_set_new(json, "pipeline", json_integer(load->pipeline)) != 0)
            return mf_reader_no_memory(r);
    }
    load->codec_conf = "";
    return is_http ? mf_load_http_read(r, json, load) : is_resp ? mf_load_resp_read(r, json, load) : 0;
}

static int load_check(const struct mf_reader *r, const struct load_read *read)
{
    const struct mf_load *load = &read->load;
    const struct mf_codec *codec = mf_codec_find(codec_names[read->codec]);
    if (load->payload_bytes > 0 && !codec->carries_payload)
        return mf_reader_fail(r, "load.payload_bytes", "is %u, but codec %s carries no payload; allowed: 0",
                              load->payload_bytes, codec->name);
    if (load->payload_bytes > codec->payload_bytes_max)
        return mf_reader_fail(r, "load.payload_bytes", "is %u; allowed with codec %s: a whole number from 0 to %u",
                              load->payload_bytes, codec->name, codec->payload_bytes_max);
    if (load->connections % load->workers != 0)
        return mf_reader_fail(r, "load.connections", "is %u; allowed: a multiple of load.workers (%u)",
                              load->connections, load->workers);
    if ((uint64_t)load->connections * load->streams_per_connection > STREAMS_MAX)
        return mf_reader_fail(r, "load.streams_per_connection",
                              "is %u, which makes %llu streams on %u connections; allowed: %d streams in all",
                              load->streams_per_connection,
                              (unsigned long long)load->connections * load->streams_per_connection, load->connections,
                              STREAMS_MAX);
    if (load->drain_ms < load->timeout_ms)
        return mf_reader_fail(
            r, "load.drain_ms",
            "is %.15g, which would call pings lost before their timeout; allowed: at least load.timeout_ms (%.15g)",
            load->drain_ms, load->timeout_ms);
    return 0;
}

/* A command listens where it says, and most speak no frames. */
static int command_defaults(const struct mf_reader *r, json_t *load, const struct mf_command_target *command)
{
    char transport[8];
    snprintf(transport, sizeof transport, "%.*s", (int)strcspn(command->endpoint, ":"), command->endpoint);
    int bad = 0;
    if (!json_object_get(load, "transport"))
        bad |= json_object_set_new(load, "transport", json_string(transport));
    if (!json_object_get(load, "codec"))
        bad |= json_object_set_new(load, "codec", json_string("line"));
    return bad ? mf_reader_no_memory(r) : 0;
}

static int endpoint_check(const struct mf_reader *r, const struct mf_load *load,
                          const struct mf_command_target *command)
{
    const char *key = mf_transport_keys[load->transport];
    size_t n = strlen(key);
    if (strncmp(command->endpoint, key, n) == 0 && command->endpoint[n] == ':')
        return 0;
    return mf_reader_fail(r, "load.transport", "is \"%s\", but target.command.endpoint is \"%s\"; allowed: %.*s", key,
                          command->endpoint, (int)strcspn(command->endpoint, ":"), command->endpoint);
}

/* Its answer must be a line, and none that a ping could have. */
static int asides_check(const struct mf_reader *r, const char *codec, const struct mf_load *load,
                        const struct mf_command_target *command)
{
    for (uint32_t i = 0; i < command->upgrade.count; i++) {
        const struct mf_step *step = &command->upgrade.step[i];
        const char *expect = step->expect ? step->expect : "-";
        if (step->verb != MF_STEP_PING)
            continue;
        if (strcmp(codec, "line") != 0 || (load->transport != MF_TRANSPORT_TCP && load->transport != MF_TRANSPORT_UNIX))
            return mf_reader_fail(r, step->place, "is a ping, which goes with codec \"line\" by tcp or unix only");
        if (!expect[0] || strncmp(expect, "PONG", 4) == 0 || strncmp(expect, "ERROR", 5) == 0)
            return mf_reader_fail(r, step->place, "expects \"%s\", as the answer of an ordinary ping may begin",
                                  expect);
    }
    return 0;
}

int mf_load_merge(const struct mf_reader *r, json_t *document)
{
    json_t *target = json_object_get(document, "target"), *under = json_object_get(target, "load"),
           *load = json_object_get(document, "load");
    if (!under)
        return 0;
    if (mf_object_check(r, "target.load", under) != 0 ||
        mf_fields_known(r, "target.load", under, load_rows, mf_load_fields.n) != 0)
        return -1;
    json_t *merged = json_deep_copy(under);
    if (!merged || (json_is_object(load) && json_object_update_recursive(merged, load) != 0)) {
        json_decref(merged);
        return mf_reader_no_memory(r);
    }
    if (load && !json_is_object(load)) {
        json_decref(merged);
        return 0; /* told where the load is read */
    }
    return json_object_set_new(document, "load", merged) == 0 ? 0 : mf_reader_no_memory(r);
}

int mf_load_read(const struct mf_reader *r, json_t *load, const struct mf_cell *cell, struct mf_load *out)
{
    const struct mf_node_target *node = &cell->node;
    struct load_read read = {0};
    if (cell->command && json_is_object(load) && command_defaults(r, load, cell->command) != 0)
        return -1;
    if (mf_fields_read(r, "load", load, load_rows, mf_load_fields.n, &read) != 0 ||
        mode_keys_check(r, load, read.mode == MODE_OPEN) != 0 || defaults_fill(r, load, node, &read) != 0 ||
        local_check(r, &read.load, cell) != 0 || tcp_check(r, &read.load, node) != 0 ||
        (cell->command && (endpoint_check(r, &read.load, cell->command) != 0 ||
                           asides_check(r, codec_names[read.codec], &read.load, cell->command) != 0)) ||
        pings_per_connection_check(r, &read) != 0 || retry_check(r, &read.load) != 0 || udp_check(r, &read, node) != 0 || load_check(r, &read) != 0 ||
        codec_check(r, load, cell, &read) != 0 || wire_states_read(r, load, &read.load.wire_states) != 0 ||
        wire_states_check(r, &read.load) != 0)
        return -1;
    read.load.codec = codec_names[read.codec];
    read.load.open = read.mode == MODE_OPEN;
    read.load.poisson = read.arrivals == ARRIVALS_POISSON;
    *out = read.load;
    return 0;
}

int mf_proof_read(const struct mf_reader *r, json_t *proof, const struct mf_load *load, struct mf_proof *out)
{
    *out = (struct mf_proof){0};
    if (mf_fields_read(r, "proof", proof, proof_rows, mf_proof_fields.n, out) != 0)
        return -1;
    if (!load->open) {
        if (json_object_get(proof, "rate_min_share"))
            return mf_reader_fail(r, "proof.rate_min_share",
                                  "is for mode \"open\" only: a closed loop asks for no rate");
        return 0;
    }
    if (!json_object_get(proof, "rate_min_share")) {
        out->rate_min_share = 0.95;
        if (json_object_set_new(proof, "rate_min_share", json_real(out->rate_min_share)) != 0)
            return mf_reader_no_memory(r);
    }
    out->asked_rate_per_s = load->rate_per_s;
    return 0;
}
