/* runtime/calibrate_measure.c - what every measurement of a calibration is made of: an
 * event's time, a sample, a prefill. Times are the device's own (events), from when the host began
 * to queue: what an iteration costs includes queueing it. */
#include "runtime/calibrate_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <string.h>

void calibrate_add(struct calibrator *c, const char *what, double x, double y, double value_ns)
{
    struct calibration_samples *samples = c->samples;
    memory_grow(&samples->sample, &samples->capacity, (uint64_t)samples->count + 1,
                sizeof *samples->sample);
    samples->sample[samples->count++] =
        (struct sample){ .what = what, .x = x, .y = y, .value_ns = value_ns };
}

bool calibrate_step(struct calibrator *c)
{
    return c->tell == NULL || c->tell(c->context, (double)++c->steps_done / c->steps);
}

uint64_t calibrate_end_of(struct calibrator *c, struct backend_event *event)
{
    uint64_t time_ns = 0;
    c->backend->synchronise(c->device, event);
    c->backend->happened(c->device, event, &time_ns);
    return time_ns;
}

void calibrate_prefill(struct calibrator *c, const char *layer_name, uint32_t new_tokens,
                       uint32_t cached, bool counts)
{
    uint32_t layers = c->config->model.layers;
    struct sequence sequence = { c->pages, c->page_count, 0, cached, new_tokens };
    uint64_t begin_ns = clock_now_ns(), first_ns = 0, last_ns = 0;
    executor_begin(c->executor, &sequence, 1, c->tokens);
    for (uint32_t i = 0; i < layers; i++) {
        executor_layer(c->executor, i);
        c->backend->record(c->device, STREAM_COMPUTE, c->after[i]);
    }
    executor_end(c->executor);
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    uint64_t end_ns = calibrate_end_of(c, c->end);
    c->backend->happened(c->device, c->after[0], &first_ns);
    c->backend->happened(c->device, c->after[layers - 1], &last_ns);
    double whole_ns = (double)(end_ns - begin_ns);
    double layer_ns = layers > 1 ? (double)(last_ns - first_ns) / (layers - 1) : whole_ns;
    double rest_ns = whole_ns - layer_ns * layers;
    if (!counts)
        return;
    calibrate_add(c, layer_name, new_tokens, cached, layer_ns);
    if (strcmp(layer_name, "prefill_layer") == 0)
        calibrate_add(c, "prefill_overhead", new_tokens, cached, rest_ns > 0.0 ? rest_ns : 0.0);
}
