/* cli/explore/turn.c - see turn.h. */
#include "cli/explore/turn.h"

#include "base/memory.h"

#include <stdlib.h>

enum { LOAD_BEGIN, ARRIVAL, BEGIN, END, TIMES };

static const uint64_t *times_of(const struct turn_prefill *prefill, uint32_t layer)
{
    return &prefill->times_ns[TIMES * layer];
}

/* ---- listening ---- */

static void keep(struct turn_prefill *prefill, const struct watch_layers *told)
{
    memory_grow(&prefill->times_ns, &prefill->capacity, (uint64_t)TIMES * told->layers,
                sizeof *prefill->times_ns);
    prefill->turn = told->turn;
    prefill->layers = told->layers;
    prefill->loaded = 0;
    for (uint32_t i = 0; i < told->layers; i++) {
        uint64_t *times_ns = &prefill->times_ns[TIMES * i];
        times_ns[ARRIVAL] = told->arrival_ns[i];
        times_ns[LOAD_BEGIN] =
            told->load_begin_ns != NULL ? told->load_begin_ns[i] : told->arrival_ns[i];
        times_ns[BEGIN] = told->begin_ns[i];
        times_ns[END] = told->end_ns[i];
        prefill->loaded += told->arrival_ns[i] > 0;
    }
}

static void hear_layers(void *context, const struct watch_layers *told)
{
    struct turn_layers *kept = context;
    if (kept->measuring && told->server == 0)
        keep(&kept->last, told);
}

static bool has_turn(const struct watch_iteration *told, uint64_t turn)
{
    for (uint32_t i = 0; i < told->chunks; i++)
        if (told->chunk[i].turn == turn)
            return true;
    return false;
}

/* How long the layers waited is known when the iteration has ended. */
static void hear_iteration(void *context, const struct watch_iteration *told)
{
    struct turn_layers *kept = context;
    struct turn_prefill *last = &kept->last, *best = &kept->best;
    if (told->server != 0 || last->layers == 0 || !has_turn(told, last->turn))
        return;
    last->wait_ns = told->wait_ns;
    last->begin_ns = told->begin_ns;
    if (last->loaded > 0 && (last->wait_ns > best->wait_ns ||
                             (last->wait_ns == best->wait_ns && last->loaded > best->loaded))) {
        struct turn_prefill before = *best;
        *best = *last;
        *last = before;
    }
    last->layers = 0;
}

static void hear_measures(void *context, uint64_t time_ns)
{
    struct turn_layers *kept = context;
    (void)time_ns;
    kept->measuring = true;
}

struct watch turn_watch(struct turn_layers *kept)
{
    return (struct watch){ .context = kept,
                           .computed_layers = hear_layers,
                           .iterated = hear_iteration,
                           .measures = hear_measures };
}

void turn_free(struct turn_layers *kept)
{
    free(kept->last.times_ns);
    free(kept->best.times_ns);
}

/* ---- telling ---- */

static uint64_t origin_of(const struct turn_prefill *prefill)
{
    uint64_t origin_ns = prefill->begin_ns;
    for (uint32_t i = 0; i < prefill->layers; i++) {
        const uint64_t *times_ns = times_of(prefill, i);
        if (times_ns[ARRIVAL] > 0 && times_ns[LOAD_BEGIN] < origin_ns)
            origin_ns = times_ns[LOAD_BEGIN];
    }
    return origin_ns;
}

static json_t *layer_json(const uint64_t *times_ns, uint64_t origin_ns)
{
    const uint64_t loaded_since_ns = times_ns[ARRIVAL] > 0 ? origin_ns : times_ns[ARRIVAL];
    const uint64_t load_begin_ns = times_ns[ARRIVAL] > 0 ? times_ns[LOAD_BEGIN] - origin_ns : 0;
    return json_pack("{s:I, s:I, s:I, s:I}", "load_begin_ns", (json_int_t)load_begin_ns,
                     "arrival_ns", (json_int_t)(times_ns[ARRIVAL] - loaded_since_ns), "begin_ns",
                     (json_int_t)(times_ns[BEGIN] - origin_ns), "end_ns",
                     (json_int_t)(times_ns[END] - origin_ns));
}

json_t *turn_json(const struct turn_layers *kept)
{
    const struct turn_prefill *best = &kept->best;
    if (best->layers == 0)
        return json_null();
    const uint64_t origin_ns = origin_of(best);
    json_t *layers = json_array();
    for (uint32_t i = 0; i < best->layers; i++)
        json_array_append_new(layers, layer_json(times_of(best, i), origin_ns));
    return json_pack("{s:I, s:I, s:o}", "turn", (json_int_t)best->turn, "wait_ns",
                     (json_int_t)best->wait_ns, "layers", layers);
}
