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

/* A layer's time: between the ends of the first and the last, so that what is once an iteration is
 * not in it. With experts layers are not alike, of a few tokens each may touch others and some are
 * dense: then it is the average of all, as timing means it, from when the first could begin. */
static double layer_ns(struct calibrator *c, double whole_ns)
{
    uint32_t layers = c->config->model.layers;
    bool alike = c->config->model.experts == 0;
    uint64_t first_ns = 0, last_ns = 0;
    if (layers == 1)
        return whole_ns;
    c->backend->happened(c->device, alike ? c->after[0] : c->begun, &first_ns);
    c->backend->happened(c->device, c->after[layers - 1], &last_ns);
    return (double)(last_ns - first_ns) / (alike ? layers - 1 : layers);
}

void calibrate_prefill(struct calibrator *c, const char *layer_name, uint32_t new_tokens,
                       uint32_t cached, bool counts)
{
    uint32_t layers = c->config->model.layers;
    struct sequence sequence = { c->pages, c->page_count, 0, cached, new_tokens };
    uint64_t begin_ns = clock_now_ns();
    executor_begin(c->executor, &sequence, 1, c->tokens);
    if (c->config->model.experts > 0)
        c->backend->record(c->device, STREAM_COMPUTE, c->begun);
    for (uint32_t i = 0; i < layers; i++) {
        executor_layer(c->executor, i);
        c->backend->record(c->device, STREAM_COMPUTE, c->after[i]);
    }
    executor_end(c->executor);
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    uint64_t end_ns = calibrate_end_of(c, c->end);
    double whole_ns = (double)(end_ns - begin_ns), one_ns = layer_ns(c, whole_ns);
    double rest_ns = whole_ns - one_ns * layers;
    if (!counts)
        return;
    calibrate_add(c, layer_name, new_tokens, cached, one_ns);
    if (strcmp(layer_name, "prefill_layer") == 0)
        calibrate_add(c, "prefill_overhead", new_tokens, cached, rest_ns > 0.0 ? rest_ns : 0.0);
}
