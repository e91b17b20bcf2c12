/* runtime/calibrate_iterations.c - iterations as a run has them: a prefill, a batch that decodes,
 * both in one launch, and a prefill behind a pause. */
#include "runtime/calibrate_state.h"

#include "base/clock.h"
#include "base/units.h"

#include <time.h>

enum { GRID_MOST = MEASURED_MOST };

static uint64_t late_ns(const struct calibrator *c)
{
    return c->backend->late_ns != NULL ? c->backend->late_ns(c->device) : 0;
}

/* Takes back the samples since `count` if the machine was behind the rates that it is held to
 * (backend.h) meanwhile: that was another machine. */
static bool keep_if_on_time(struct calibrator *c, uint32_t count, uint64_t late_before_ns,
                            uint64_t took_ns)
{
    if (late_ns(c) - late_before_ns <= took_ns / 100)
        return true;
    c->samples->count = count;
    return false;
}

/* An axis of doubling steps up to `most`, which is its last place. */
static uint32_t axis(uint32_t first, uint32_t most, uint32_t places[GRID_MOST])
{
    uint32_t count = 0;
    for (uint32_t value = first; value < most && count < GRID_MOST - 1; value *= 2)
        places[count++] = value;
    places[count++] = most;
    return count;
}

/* A warm-up, then as many repeats on time as are asked for; where a machine is late too often, the
 * last tries count in any case. */
static void repeat(struct calibrator *c, void (*once)(struct calibrator *c, uint32_t x, uint32_t y),
                   uint32_t x, uint32_t y)
{
    enum { TRIES = 4 };
    uint32_t count = c->samples->count, wanted = c->config->repeats, left = TRIES * wanted;
    once(c, x, y);
    c->samples->count = count;
    while (wanted > 0) {
        uint32_t before = c->samples->count;
        uint64_t late_before_ns = late_ns(c), begin_ns = clock_now_ns();
        once(c, x, y);
        bool forced = left <= wanted;
        wanted -= forced || keep_if_on_time(c, before, late_before_ns, clock_now_ns() - begin_ns);
        left--;
    }
}

static void decode_one(struct calibrator *c)
{
    const struct sequence sequence = { c->pages, c->page_count, 0, 15, 1 };
    executor_forward(c->executor, &sequence, 1, c->tokens);
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    calibrate_end_of(c, c->end);
}

/* Behind a decode iteration, as in a run: right behind a prefill of the same shape the host's and
 * the GPU's caches hold what it needs, and it was 0.13 ms (an H200, 8 layers) shorter than a run's.
 * A host that is held to rates takes as long either way. */
static void prefill_point(struct calibrator *c, uint32_t new_tokens, uint32_t cached)
{
    if (c->config->held.flop_per_s == 0.0)
        decode_one(c);
    calibrate_prefill(c, "prefill_layer", new_tokens, cached, true);
}

/* Ascending, with room for the window behind them. */
static void add_place(uint32_t places[GRID_MOST], uint32_t *count, uint32_t window, uint32_t value)
{
    if (value < window && *count < GRID_MOST - 1)
        places[(*count)++] = value;
}

/* New tokens. A product's time grows in steps of its tiles, 64 to 256 rows, which a line between
 * two powers of 2 cuts off: from 32 on there is a place halfway, too, and from 64 to 2,048, where a
 * step is some percent or more, one just behind each (an H100: 257 tokens take 9 % longer than
 * 256). What a host is held to grows evenly. */
static uint32_t new_token_axis(const struct calibrator *c, uint32_t places[GRID_MOST])
{
    enum { HALFWAY = 32, STEPS = 64, NO_STEPS = 2048 };
    uint32_t count = 0, window = c->config->window_tokens;
    if (c->config->held.flop_per_s > 0.0)
        return axis(1, window, places);
    for (uint32_t value = 1; value < window; value *= 2)
        for (uint32_t at = value; at < 2 * value; at += value / 2) {
            add_place(places, &count, window, at);
            if (at >= STEPS && at < NO_STEPS)
                add_place(places, &count, window, at + 1);
            if (value < HALFWAY)
                break;
        }
    places[count++] = window;
    return count;
}

static bool measure_prefill(struct calibrator *c)
{
    uint32_t news[GRID_MOST], cacheds[GRID_MOST + 1] = { 0 };
    uint32_t window = c->config->window_tokens;
    uint32_t new_count = new_token_axis(c, news), cached_count = 1 + axis(32, window, cacheds + 1);
    for (uint32_t i = 0; i < new_count; i++)
        for (uint32_t j = 0; j < cached_count; j++) {
            repeat(c, prefill_point, news[i], cacheds[j]);
            if (!calibrate_step(c))
                return false;
        }
    return true;
}

static void decode_point(struct calibrator *c, uint32_t batch, uint32_t context)
{
    struct sequence sequences[256];
    uint32_t pages_each = c->page_count / batch;
    for (uint32_t i = 0; i < batch; i++)
        sequences[i] =
            (struct sequence){ c->pages + i * pages_each, pages_each, 0, context - 1, 1 };
    /* The host wakes and queues the next one between them, as when serving. */
    enum { CHAIN = 4 };
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < CHAIN; i++) {
        executor_forward(c->executor, sequences, batch, c->tokens);
        c->backend->record(c->device, STREAM_COMPUTE, c->end);
        calibrate_end_of(c, c->end);
    }
    calibrate_add(c, "decode", batch, (double)batch * context,
                  (double)(clock_now_ns() - begin_ns) / CHAIN);
}

/* The place of sequences of which each may have half a window of tokens, and two share no page. */
static struct sequence apart(const struct calibrator *c, uint32_t index, uint32_t count)
{
    uint32_t pages_each = c->page_count / count;
    return (struct sequence){ .pages = c->pages + index * pages_each, .page_count = pages_each };
}

/* A turn's prefill in one launch with a batch that decodes, as a chunked engine has it. All have
 * samples->mixed_context_tokens cached. */
static void mixed_point(struct calibrator *c, uint32_t new_tokens, uint32_t decodes)
{
    struct sequence sequences[256];
    uint32_t cached = c->samples->mixed_context_tokens;
    for (uint32_t i = 0; i <= decodes; i++) {
        sequences[i] = apart(c, i, decodes + 1);
        sequences[i].cached_tokens = cached;
        sequences[i].new_tokens = i == 0 ? new_tokens : 1;
    }
    decode_one(c);
    uint64_t begin_ns = clock_now_ns();
    executor_forward(c->executor, sequences, decodes + 1, c->tokens);
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    uint64_t end_ns = calibrate_end_of(c, c->end);
    calibrate_add(c, "mixed", new_tokens, decodes, (double)(end_ns - begin_ns));
}

/* Beside one that decodes and beside as many as a batch has room for; a chunk from a 64th to a
 * quarter of the window, if there are rows for it. A batch of one has no room for both. */
static bool measure_mixed(struct calibrator *c)
{
    uint32_t window = c->config->window_tokens, batch = c->config->batch, most = batch - 1;
    uint32_t rows = window > batch ? window : batch;
    c->samples->mixed_context_tokens = window / 4;
    for (uint32_t decodes = most > 0 ? 1 : 0; decodes > 0; decodes = decodes < most ? most : 0)
        for (uint32_t share = 64; share >= 4; share /= 4) {
            uint32_t chunk = window < share ? 1 : window / share;
            repeat(c, mixed_point, chunk < rows - decodes ? chunk : rows - decodes, decodes);
        }
    return calibrate_step(c);
}

static bool measure_decode(struct calibrator *c)
{
    uint32_t batches[GRID_MOST], batch_count = axis(1, c->config->batch, batches);
    for (uint32_t i = 0; i < batch_count; i++)
        for (uint32_t context = 16; context <= c->config->window_tokens; context *= 2) {
            repeat(c, decode_point, batches[i], context);
            if (!calibrate_step(c))
                return false;
        }
    return true;
}

/* Host and GPU have to wake up, which a simulator that knows no pause leaves out: shown. */
static bool measure_pause(struct calibrator *c)
{
    static const char *const names[] = { "prefill_behind_decode", "prefill_behind_pause" };
    uint32_t cached = c->config->window_tokens / 4, new_tokens = c->config->window_tokens / 16;
    const struct sequence sequence = { c->pages, c->page_count, 0, cached, new_tokens };
    for (uint32_t i = 0; i < 2 * (c->config->repeats + 1); i++) {
        decode_one(c);
        if (i % 2 == 1)
            nanosleep(&(struct timespec){ .tv_nsec = (long)(50 * NS_PER_MS) }, NULL);
        uint64_t begin_ns = clock_now_ns();
        executor_forward(c->executor, &sequence, 1, c->tokens);
        c->backend->record(c->device, STREAM_COMPUTE, c->end);
        uint64_t end_ns = calibrate_end_of(c, c->end);
        if (i >= 2) /* the first two warm up */
            calibrate_add(c, names[i % 2], new_tokens, cached, (double)(end_ns - begin_ns));
    }
    return calibrate_step(c);
}

uint32_t calibrate_iterations_steps(const struct calibrator *c)
{
    uint32_t places[GRID_MOST], window = c->config->window_tokens, contexts = 0;
    for (uint32_t context = 16; context <= window; context *= 2)
        contexts++;
    return new_token_axis(c, places) * (1 + axis(32, window, places)) +
           axis(1, c->config->batch, places) * contexts + 2; /* pauses, mixed launches */
}

bool calibrate_iterations(struct calibrator *c)
{
    return measure_pause(c) && measure_mixed(c) && measure_decode(c) && measure_prefill(c);
}
