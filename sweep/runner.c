/* sweep/runner.c - see runner.h. */
#include "sweep/runner.h"

#include "base/memory.h"
#include "base/units.h"
#include "sweep/crew.h"
#include "sweep/patience.h"
#include "sweep/wire.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long to wait for one's own threads before looking elsewhere: alone there is only the owner to
 * look at, and among ranks a message may have come. */
#define WAIT_ALONE_NS (50 * NS_PER_MS)
#define WAIT_AMONG_RANKS_NS NS_PER_MS

/* Runs held ready beside those under way, so that no thread waits for a message. */
#define ITEMS_AHEAD 1

/* One place where runs are made: a rank. places[0] is this process. */
struct place {
    uint32_t threads; /* 0: it has not said yet */
    uint32_t busy;    /* runs given to it and not ended */
};

struct runner {
    struct ranks *ranks;
    struct place *place;
    struct crew *crew;
    bool keep_series;
    struct inputs *inputs;
    atomic_bool stop;
    struct wire_texts texts;
    /* Of the call of runner_run() under way. */
    const struct experiment *const *experiments;
    struct outcome **outcome; /* of this process's runs, between their end and their telling */
};

struct going {
    atomic_bool *stop;
    struct patience patience;
};

static bool go_on(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    (void)turns_expected, (void)share_read;
    struct going *going = context;
    return patience_lasts(&going->patience, turns_done) && !atomic_load(going->stop);
}

/* A run that was stopped has the status STATUS_INTERRUPTED and no result. */
static struct outcome *run_one(struct inputs *inputs, const struct experiment *experiment,
                               bool keep_series, atomic_bool *stop)
{
    struct outcome *outcome = memory_new(1, sizeof *outcome);
    struct going going = { .stop = stop };
    struct sim_progress progress = { .tell = go_on, .context = &going };
    if (atomic_load(stop)) {
        error_interrupted(&outcome->err);
        return outcome;
    }
    if (sim_run_from(inputs, 1, experiment, &progress, &outcome->result, &outcome->err) !=
        STATUS_OK)
        return outcome;
    if (going.patience.lost)
        error_input(&outcome->err, NULL, 0, "the run",
                    "turns that end: these take over 100,000 events each, computed again and again",
                    NULL);
    else if (outcome->result.interrupted)
        error_interrupted(&outcome->err);
    if (outcome->result.interrupted || !keep_series)
        sim_result_free(&outcome->result);
    return outcome;
}

static void work_here(void *context, uint32_t item)
{
    struct runner *runner = context;
    runner->outcome[item] =
        run_one(runner->inputs, runner->experiments[item], runner->keep_series, &runner->stop);
}

/* ---- the rank that plans ---- */

enum status runner_open(struct ranks *ranks, uint64_t threads, bool keep_series,
                        struct inputs *inputs, struct runner **runner, struct error *err)
{
    struct runner *opened = memory_new(1, sizeof *opened);
    uint32_t count = (uint32_t)ranks_count(ranks);
    opened->ranks = ranks;
    opened->keep_series = keep_series;
    opened->inputs = inputs;
    opened->place = memory_new(count, sizeof *opened->place);
    opened->place[0].threads = crew_size(threads == 0 && count > 1 ? 1 : threads, 0);
    atomic_init(&opened->stop, false);
    enum status status =
        crew_start(opened->place[0].threads, work_here, opened, &opened->crew, err);
    if (status != STATUS_OK) {
        runner_close(opened);
        return status;
    }
    *runner = opened;
    return STATUS_OK;
}

void runner_close(struct runner *runner)
{
    if (runner == NULL)
        return;
    crew_end(runner->crew);
    wire_texts_free(&runner->texts);
    free(runner->place);
    free(runner);
}

struct inputs *runner_inputs(const struct runner *runner)
{
    return runner->inputs;
}

static void give(struct runner *runner, int rank, uint32_t item)
{
    runner->place[rank].busy++;
    if (rank == 0) {
        crew_give(runner->crew, item);
        return;
    }
    struct work_message *message = memory_new(1, sizeof *message);
    message->head = (struct message_head){ MESSAGE_WORK, item, wire_build() };
    message->keep_series = runner->keep_series;
    message->experiment = *runner->experiments[item];
    ranks_send(runner->ranks, rank, message, sizeof *message);
    free(message);
}

/* Gives what is left from *next on to those with the fewest runs for their threads. */
static void feed(struct runner *runner, uint32_t *next, uint32_t count)
{
    int ranks = ranks_count(runner->ranks);
    for (uint32_t ahead = 0; ahead <= ITEMS_AHEAD; ahead++)
        for (int rank = 0; rank < ranks; rank++) {
            const struct place *place = &runner->place[rank];
            while (place->threads > 0 && place->busy < place->threads + ahead && *next < count)
                give(runner, rank, (*next)++);
        }
}

struct harvest {
    const struct runner_events *events;
    uint32_t ended;
    enum status status;
};

static void tell(struct harvest *harvest, uint32_t item, struct outcome *outcome)
{
    if (outcome->err.status == STATUS_INTERRUPTED)
        return;
    harvest->ended++;
    harvest->events->ended(harvest->events->context, item, outcome);
}

static void take_here(struct runner *runner, struct harvest *harvest)
{
    bool alone = ranks_count(runner->ranks) == 1;
    uint64_t wait_ns = alone ? WAIT_ALONE_NS : WAIT_AMONG_RANKS_NS;
    uint32_t item;
    while (crew_take(runner->crew, wait_ns, &item)) {
        runner->place[0].busy--;
        tell(harvest, item, runner->outcome[item]);
        free(runner->outcome[item]);
        runner->outcome[item] = NULL;
        wait_ns = 0;
    }
}

/* A message that is none of ours cannot be: all ranks are this program. Of another build it can. */
static enum status check_message(const struct message_head *head, size_t bytes, struct error *err)
{
    if (bytes >= sizeof *head && head->build == wire_build())
        return STATUS_OK;
    return error_input(err, NULL, 0, "mpirun", "the same build of reprise on every rank",
                       "another one");
}

static enum status take_message(struct runner *runner, int rank, const void *bytes, size_t count,
                                uint32_t items, struct harvest *harvest, struct error *err)
{
    const struct message_head *head = bytes;
    enum status status = check_message(head, count, err);
    if (status != STATUS_OK)
        return status;
    if (head->kind == MESSAGE_HELLO) {
        runner->place[rank].threads = head->item;
        return STATUS_OK;
    }
    struct outcome *outcome = memory_new(1, sizeof *outcome);
    bool whole = wire_unpack(bytes, count, &runner->texts, outcome);
    if (whole && head->item < items) {
        runner->place[rank].busy--;
        tell(harvest, head->item, outcome);
    }
    free(outcome);
    return whole ? STATUS_OK : error_io(err, NULL, "read a rank's result", "it is cut short");
}

static enum status take_elsewhere(struct runner *runner, uint32_t items, struct harvest *harvest,
                                  struct error *err)
{
    int rank;
    void *bytes;
    size_t count;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && ranks_receive(runner->ranks, &rank, &bytes, &count)) {
        status = take_message(runner, rank, bytes, count, items, harvest, err);
        free(bytes);
    }
    return status;
}

/* What is under way here comes to its end without being told. */
static void abandon(struct runner *runner)
{
    uint32_t item;
    atomic_store(&runner->stop, true);
    crew_forget_waiting(runner->crew);
    while (crew_owes(runner->crew) > 0)
        if (crew_take(runner->crew, WAIT_ALONE_NS, &item)) {
            if (runner->outcome[item]->err.status == STATUS_OK)
                sim_result_free(&runner->outcome[item]->result);
            free(runner->outcome[item]);
        }
}

enum status runner_run(struct runner *runner, const struct experiment *const *experiments,
                       uint32_t count, const struct runner_events *events, struct error *err)
{
    struct harvest harvest = { .events = events };
    enum status status = STATUS_OK;
    uint32_t next = 0;
    runner->experiments = experiments;
    runner->outcome = memory_new(count, sizeof(struct outcome *));
    while (status == STATUS_OK && harvest.ended < count) {
        feed(runner, &next, count);
        take_here(runner, &harvest);
        status = take_elsewhere(runner, count, &harvest, err);
        if (!events->caught_up(events->context, harvest.ended) && harvest.ended < count)
            status = error_interrupted(err);
    }
    if (status != STATUS_OK)
        abandon(runner);
    free(runner->outcome);
    return status;
}

/* Results that nobody wants any more are received all the same: what is sent must arrive before a
 * rank can go. */
void runner_dismiss(struct ranks *ranks)
{
    struct message_head stop = { .kind = MESSAGE_STOP, .build = wire_build() };
    int here = ranks_count(ranks) - 1, from;
    void *bytes;
    size_t count;
    for (int rank = 1; rank < ranks_count(ranks); rank++)
        ranks_send(ranks, rank, &stop, sizeof stop);
    while (here > 0) {
        if (!ranks_receive(ranks, &from, &bytes, &count)) {
            nanosleep(&(struct timespec){ .tv_nsec = WAIT_AMONG_RANKS_NS }, NULL);
            continue;
        }
        here -= count >= sizeof stop && ((struct message_head *)bytes)->kind == MESSAGE_STOP;
        free(bytes);
    }
}

/* ---- every other rank ---- */

/* A ring of the runs that this rank holds: never more than its threads and those ahead, twice over
 * since an item's slot is free only when its result is sent. */
struct server {
    struct ranks *ranks;
    struct crew *crew;
    struct inputs *inputs;
    atomic_bool stop;
    uint32_t slots;
    struct slot {
        bool used;
        struct work_message work;
        struct outcome *outcome;
    } * slot;
};

static void serve_one(void *context, uint32_t number)
{
    struct server *server = context;
    struct slot *slot = &server->slot[number];
    slot->outcome =
        run_one(server->inputs, &slot->work.experiment, slot->work.keep_series, &server->stop);
}

static uint32_t free_slot(const struct server *server)
{
    uint32_t number = 0;
    while (number < server->slots && server->slot[number].used)
        number++;
    return number;
}

/* false: it is time to go. */
static bool obey(struct server *server, const void *bytes, size_t count)
{
    const struct message_head *head = bytes;
    uint32_t number = free_slot(server);
    if (count != sizeof(struct work_message) || head->kind != MESSAGE_WORK ||
        number == server->slots)
        return false;
    memcpy(&server->slot[number].work, bytes, count);
    server->slot[number].used = true;
    crew_give(server->crew, number);
    return true;
}

static void send_results(struct server *server)
{
    uint32_t number;
    while (crew_take(server->crew, WAIT_AMONG_RANKS_NS, &number)) {
        struct slot *slot = &server->slot[number];
        size_t bytes;
        void *message = wire_pack(slot->work.head.item, slot->outcome, &bytes);
        ranks_send(server->ranks, 0, message, bytes);
        free(message);
        sim_result_free(&slot->outcome->result);
        free(slot->outcome);
        slot->used = false;
    }
}

static void let_go(struct server *server)
{
    uint32_t number;
    atomic_store(&server->stop, true);
    crew_forget_waiting(server->crew);
    while (crew_owes(server->crew) > 0)
        if (crew_take(server->crew, WAIT_ALONE_NS, &number)) {
            sim_result_free(&server->slot[number].outcome->result);
            free(server->slot[number].outcome);
        }
    crew_end(server->crew);
    inputs_free(server->inputs);
    free(server->slot);
}

enum status runner_serve(struct ranks *ranks, uint64_t threads, struct error *err)
{
    struct server server = { .ranks = ranks, .inputs = inputs_new() };
    uint32_t count = crew_size(threads == 0 ? 1 : threads, 0);
    atomic_init(&server.stop, false);
    server.slots = 2 * (count + ITEMS_AHEAD);
    server.slot = memory_new(server.slots, sizeof *server.slot);
    enum status status = crew_start(count, serve_one, &server, &server.crew, err);
    if (status != STATUS_OK) {
        inputs_free(server.inputs);
        free(server.slot);
        return status;
    }
    struct message_head hello = { MESSAGE_HELLO, count, wire_build() };
    ranks_send(ranks, 0, &hello, sizeof hello);
    for (bool going = true; going;) {
        int from;
        void *bytes;
        size_t bytes_count;
        send_results(&server);
        while (going && ranks_receive(ranks, &from, &bytes, &bytes_count)) {
            going = obey(&server, bytes, bytes_count);
            free(bytes);
        }
    }
    let_go(&server);
    struct message_head gone = { .kind = MESSAGE_STOP, .build = wire_build() };
    ranks_send(ranks, 0, &gone, sizeof gone);
    return STATUS_OK;
}
