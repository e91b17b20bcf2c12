/* sim/device.c - how long the GPUs take for what the engine has them do, by timing's models. An
 * iteration that prefills goes layer by layer, each behind its KV; decode iterations that repeat
 * are advanced in closed form until the batch changes. */
#include "sim/cluster.h"

#include "base/units.h"
#include "sim/engine/iteration_time.h"

#include <math.h>

static void schedule(struct server *server, uint64_t time_ns)
{
    cluster_schedule(server, time_ns, EVENT_DEVICE, ++server->device.sequence);
}

/* ---- an iteration that prefills ---- */

/* When the prompt's KV may begin to leave so that no layer leaves before it is made. */
static uint64_t save_start_ns(const struct server *server, struct overlap_end end)
{
    const struct engine_setup *setup = server->cluster->setup;
    const struct chunk *chunk = &server->device.iteration.chunk[0];
    double bytes = (double)chunk->tokens * (double)setup->kv.tier_bytes[TIER_DRAM];
    double layer_ns =
        bytes / setup->model.layers / setup->link_bytes_per_s[LINK_D2H] * (double)NS_PER_S;
    uint64_t start_ns =
        overlap_save_start(end.first_layer_ns, end.end_ns, setup->model.layers, (uint64_t)layer_ns);
    return start_ns > now_of(server) ? start_ns : now_of(server);
}

/* Whole prompts are saved while they are made; chunks when they are ready. */
static bool saves_beside(const struct engine_setup *setup)
{
    return setup->experiment->saving != SAVING_SYNCHRONOUS && !experiment_chunks(setup->experiment);
}

/* Layer by layer, for who watches. */
static void tell_layers(const struct server *server, const struct layer_arrivals *arrivals,
                        uint64_t layer_ns)
{
    const struct watch *watch = server->cluster->service.watch;
    const struct engine_iteration *iteration = &server->device.iteration;
    uint64_t begin_ns[MODEL_LAYERS_MAX], end_ns[MODEL_LAYERS_MAX], now_ns = server->device.start_ns;
    if (watch == NULL || watch->computed_layers == NULL)
        return;
    for (uint32_t layer = 0; layer < arrivals->layers; layer++) {
        begin_ns[layer] = overlap_layer_begin(arrivals, layer, now_ns);
        end_ns[layer] = now_ns = begin_ns[layer] + layer_ns;
    }
    uint32_t session = iteration->loading != 0 ? iteration->loading : iteration->chunk[0].session;
    const struct watch_layers told = { .server = server->index,
                                       .layers = arrivals->layers,
                                       .turn = session_at(server, session)->asked,
                                       .load_begin_ns = arrivals->begin_ns,
                                       .arrival_ns = arrivals->arrival_ns,
                                       .begin_ns = begin_ns,
                                       .end_ns = end_ns };
    watch->computed_layers(watch->context, &told);
}

void device_loads_ended(struct server *server)
{
    const struct engine_setup *setup = server->cluster->setup;
    struct device *device = &server->device;
    struct layer_arrivals *arrivals = &server->arrivals[device->iteration.stage];
    if (device->iteration.loading == 0)
        layer_arrivals_reset(arrivals, setup->model.layers);
    else if (setup->experiment->preloading == PRELOAD_NONE)
        layer_arrivals_all_at(arrivals, now_of(server));
    struct prefill_time time =
        iteration_prefill_time(&server->cluster->service, &device->iteration, &device->decode_ns);
    struct overlap_end end = overlap_prefill_end(arrivals, device->start_ns, time.layer_ns);
    tell_layers(server, arrivals, time.layer_ns);
    device->wait_ns = end.wait_ns;
    uint64_t end_ns = end.end_ns + time.overhead_ns;
    device->state = DEVICE_PREFILL;
    if (saves_beside(setup))
        cluster_schedule(server, save_start_ns(server, end), EVENT_SAVE,
                         device->iteration.chunk[0].session);
    schedule(server, end_ns > now_of(server) ? end_ns : now_of(server));
}

bool device_waits_for(const struct server *server, uint32_t session)
{
    return server->device.state == DEVICE_LOADING && server->device.iteration.loading == session;
}

static void start_prefill(struct server *server)
{
    uint32_t loading = server->device.iteration.loading;
    server->device.state = DEVICE_LOADING;
    if (loading == 0 || !engine_is_loading(server->engine, loading))
        device_loads_ended(server);
}

/* ---- decoding alone ---- */

/* Time of the segment's first k iterations. */
static uint64_t segment_ns(const struct decode_segment *segment, uint64_t k)
{
    double iterations = (double)k;
    double context = iterations * segment->context_tokens +
                     segment->batch * iterations * (iterations - 1.0) / 2.0;
    double window = iterations * segment->window_tokens +
                    segment->window_batch * iterations * (iterations - 1.0) / 2.0;
    double time_ns = iterations * segment->base_ns + segment->per_token_ns * context +
                     segment->window_token_ns * window;
    return iteration_whole_ns(time_ns);
}

/* The segment's first iteration, and by how much each takes longer than the one before. */
static double first_ns(const struct decode_segment *segment)
{
    return segment->base_ns + segment->per_token_ns * segment->context_tokens +
           segment->window_token_ns * segment->window_tokens;
}

static double growth_ns(const struct decode_segment *segment)
{
    return segment->per_token_ns * segment->batch +
           segment->window_token_ns * segment->window_batch;
}

/* What windowed layers see: the same turns' windows grow through all iterations of the segment. */
static void see_windows(const struct server *server, struct decode_segment *segment)
{
    const struct engine_iteration *iteration = &server->device.iteration;
    const struct timing *timing = &server->cluster->setup->timing;
    for (uint32_t i = 0; timing->window_tokens > 0 && i < iteration->decodes; i++) {
        uint64_t context = session_context_now(session_at(server, iteration->decode[i]));
        segment->window_tokens += (double)timing_window_context(timing, context);
        if (timing_window_growth(timing, context) != UINT64_MAX)
            segment->window_batch += 1.0;
    }
}

static void start_decode(struct server *server)
{
    struct device *device = &server->device;
    uint32_t batch = device->iteration.decodes;
    struct decode_time time = device->iteration.decode_time;
    device->segment =
        (struct decode_segment){ .start_ns = now_of(server),
                                 .iterations = device->iteration.repeats,
                                 .base_ns = time.base_ns,
                                 .per_token_ns = time.per_token_ns,
                                 .window_token_ns = time.window_token_ns,
                                 .context_tokens = (double)device->iteration.decode_context,
                                 .batch = (double)batch };
    see_windows(server, &device->segment);
    device->state = DEVICE_DECODE;
    schedule(server, now_of(server) + segment_ns(&device->segment, device->segment.iterations));
}

/* The segment ends with the iteration that runs now. */
void device_cut(struct server *server)
{
    struct decode_segment *segment = &server->device.segment;
    uint64_t elapsed_ns = now_of(server) - segment->start_ns;
    /* The root of segment_ns(k) = elapsed, then corrected for rounding. */
    double a = growth_ns(segment) / 2.0;
    double b = first_ns(segment) - a;
    double root = a > 0.0 ? (sqrt(b * b + 4.0 * a * (double)elapsed_ns) - b) / (2.0 * a)
                          : (double)elapsed_ns / b;
    uint64_t k = root > 1.0 ? (uint64_t)root : 1;
    while (k > 1 && segment_ns(segment, k - 1) >= elapsed_ns)
        k--;
    while (k < segment->iterations && segment_ns(segment, k) < elapsed_ns)
        k++;
    if (k >= segment->iterations)
        return;
    segment->iterations = k;
    schedule(server, segment->start_ns + segment_ns(segment, k));
}

/* ---- ends ---- */

static bool is_extrapolated(const struct server *server)
{
    return iteration_is_extrapolated(&server->cluster->service, &server->device.iteration);
}

static struct iteration_end prefill_end(const struct server *server)
{
    return (struct iteration_end){ .end_ns = now_of(server),
                                   .repeats = 1,
                                   .first_end_ns = now_of(server),
                                   .wait_ns = server->device.wait_ns,
                                   .decode_ns = server->device.decode_ns,
                                   .extrapolated = is_extrapolated(server) };
}

static struct iteration_end decode_end(const struct server *server)
{
    const struct decode_segment *segment = &server->device.segment;
    double growth = growth_ns(segment);
    return (struct iteration_end){ .end_ns = now_of(server),
                                   .repeats = segment->iterations,
                                   .first_end_ns = segment->start_ns + segment_ns(segment, 1),
                                   .gap_ns = first_ns(segment) + growth,
                                   .gap_growth_ns = growth,
                                   .extrapolated = is_extrapolated(server) };
}

void device_start(struct server *server, const struct engine_iteration *iteration)
{
    struct device *device = &server->device;
    device->iteration = *iteration;
    device->start_ns = now_of(server);
    device->wait_ns = device->decode_ns = 0;
    if (iteration->chunks > 0)
        start_prefill(server);
    else
        start_decode(server);
}

void device_event(struct server *server, uint32_t sequence)
{
    if (sequence != server->device.sequence)
        return; /* the segment was cut shorter */
    struct iteration_end end =
        server->device.state == DEVICE_PREFILL ? prefill_end(server) : decode_end(server);
    server->device.state = DEVICE_IDLE;
    engine_iteration_ended(server->engine, now_of(server), &end);
    handover_take(server);
    server_decode_on(server);
    server_go_on(server);
}
