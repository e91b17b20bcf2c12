/* cli/explore/turn.c - see turn.h. */
#include "cli/explore/turn.h"

/* ---- listening ---- */

static void hear_layers(void *context, const struct watch_layers *told)
{
    struct turn_choice *choice = context;
    if (!choice->measuring || told->server != 0)
        return;
    choice->last = (struct turn_prefill){ .turn = told->turn };
    for (uint32_t i = 0; i < told->layers; i++)
        choice->last.loaded += told->arrival_ns[i] > 0;
}

static bool has_turn(const struct watch_iteration *told, uint64_t turn)
{
    for (uint32_t i = 0; i < told->chunks; i++)
        if (told->chunk[i].turn == turn)
            return true;
    return false;
}

static bool is_better(const struct turn_prefill *prefill, const struct turn_prefill *than)
{
    if (prefill->wait_ns != than->wait_ns)
        return prefill->wait_ns > than->wait_ns;
    if (prefill->loaded != than->loaded)
        return prefill->loaded > than->loaded;
    return prefill->loaded == 0 && prefill->took_ns > than->took_ns;
}

/* How long the layers waited is known when the iteration has ended. */
static void hear_iteration(void *context, const struct watch_iteration *told)
{
    struct turn_choice *choice = context;
    struct turn_prefill *last = &choice->last;
    if (told->server != 0 || last->turn == 0 || !has_turn(told, last->turn))
        return;
    last->wait_ns = told->wait_ns;
    last->took_ns = told->end_ns - told->begin_ns;
    if (is_better(last, &choice->best))
        choice->best = *last;
    last->turn = 0;
}

static void hear_turn(void *context, const struct turn_row *row)
{
    struct turn_choice *choice = context;
    if (row->turn == choice->best.turn)
        choice->row = *row;
}

static void hear_measures(void *context, uint64_t time_ns)
{
    struct turn_choice *choice = context;
    (void)time_ns;
    choice->measuring = true;
}

struct watch turn_watch(struct turn_choice *choice)
{
    return (struct watch){ .context = choice,
                           .turn_ended = hear_turn,
                           .computed_layers = hear_layers,
                           .iterated = hear_iteration,
                           .measures = hear_measures };
}

/* ---- telling ---- */

json_t *turn_json(const struct turn_choice *choice)
{
    if (choice->best.turn == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:i}", "turn", (json_int_t)choice->best.turn, "session",
                     (json_int_t)choice->row.session, "turn_of_session",
                     (json_int_t)choice->row.turn_of_session, "wait_ns",
                     (json_int_t)choice->best.wait_ns, "loaded", (int)choice->best.loaded);
}
