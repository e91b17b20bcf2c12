/* sim/engine/inputs.c - see inputs.h. */
#include "sim/engine/inputs.h"

#include "base/memory.h"
#include "traces/shared.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct known_trace {
    struct experiment experiment; /* that opens it again */
    char *keys;                   /* all that it depends on, as text */
    struct shared_trace *shared;
};

struct inputs {
    pthread_mutex_t lock;
    struct known_trace *known[INPUTS_TRACES_MOST]; /* asked for last: first; then NULL */
};

struct inputs *inputs_new(void)
{
    struct inputs *inputs = memory_new(1, sizeof *inputs);
    pthread_mutex_init(&inputs->lock, NULL);
    return inputs;
}

static void forget(struct known_trace *known)
{
    if (known == NULL)
        return;
    shared_trace_free(known->shared);
    free(known->keys);
    free(known);
}

void inputs_free(struct inputs *inputs)
{
    if (inputs == NULL)
        return;
    for (int i = 0; i < INPUTS_TRACES_MOST; i++)
        forget(inputs->known[i]);
    pthread_mutex_destroy(&inputs->lock);
    free(inputs);
}

static enum status open_again(void *context, struct trace **trace, struct error *err)
{
    const struct known_trace *known = context;
    return experiment_open_trace(&known->experiment, trace, err);
}

static void to_front(struct inputs *inputs, struct known_trace *known, int from)
{
    memmove(&inputs->known[1], &inputs->known[0], (size_t)from * sizeof *inputs->known);
    inputs->known[0] = known;
}

static struct known_trace *find(struct inputs *inputs, const char *keys)
{
    for (int i = 0; i < INPUTS_TRACES_MOST && inputs->known[i] != NULL; i++)
        if (strcmp(inputs->known[i]->keys, keys) == 0) {
            to_front(inputs, inputs->known[i], i);
            return inputs->known[0];
        }
    return NULL;
}

static uint64_t held_bytes(const struct inputs *inputs)
{
    uint64_t bytes = 0;
    for (int i = 0; i < INPUTS_TRACES_MOST && inputs->known[i] != NULL; i++)
        bytes += shared_trace_bytes(inputs->known[i]->shared);
    return bytes;
}

static void take_out(struct inputs *inputs, int at)
{
    const int last = INPUTS_TRACES_MOST - 1;
    forget(inputs->known[at]);
    memmove(&inputs->known[at], &inputs->known[at + 1],
            (size_t)(last - at) * sizeof *inputs->known);
    inputs->known[last] = NULL;
}

/* Forgets those that nobody reads, the one asked for longest ago first, until there is a place for
 * another and the others hold no more than that may. false: all places are taken by traces that
 * somebody reads. */
static bool make_place(struct inputs *inputs)
{
    const int last = INPUTS_TRACES_MOST - 1;
    for (int at = last; at >= 0; at--) {
        if (inputs->known[last] == NULL && held_bytes(inputs) <= INPUTS_TRACE_BYTES_MOST)
            return true;
        if (inputs->known[at] != NULL && !shared_trace_is_read(inputs->known[at]->shared))
            take_out(inputs, at);
    }
    return inputs->known[last] == NULL;
}

/* Takes trace and keys over; its reader comes back in *trace. */
static enum status add(struct inputs *inputs, const struct experiment *experiment, char *keys,
                       struct trace **trace, struct error *err)
{
    struct known_trace *known = memory_new(1, sizeof *known);
    const struct trace_again again = { open_again, known };
    known->experiment = *experiment;
    known->keys = keys;
    known->shared = shared_trace_new(*trace, &again, INPUTS_TRACE_BYTES_MOST);
    to_front(inputs, known, INPUTS_TRACES_MOST - 1);
    return shared_trace_open(known->shared, trace, err);
}

static enum status open_shared(struct inputs *inputs, const struct experiment *experiment,
                               char *keys, struct trace **trace, struct error *err)
{
    struct known_trace *known = find(inputs, keys);
    enum status status = STATUS_OK;
    if (known == NULL)
        status = experiment_open_trace(experiment, trace, err);
    else
        status = shared_trace_open(known->shared, trace, err);
    if (known == NULL && status == STATUS_OK && make_place(inputs))
        return add(inputs, experiment, keys, trace, err);
    free(keys);
    return status;
}

enum status inputs_open_trace(struct inputs *inputs, const struct experiment *experiment,
                              struct trace **trace, struct error *err)
{
    if (inputs == NULL || experiment->trace[0] == '\0')
        return experiment_open_trace(experiment, trace, err);
    char *keys = experiment_trace_text(experiment);
    pthread_mutex_lock(&inputs->lock);
    enum status status = open_shared(inputs, experiment, keys, trace, err);
    pthread_mutex_unlock(&inputs->lock);
    return status;
}
