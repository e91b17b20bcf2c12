/* tests/sim/record/test_timeline.c - a run's timeline, read by a parser of JSON: it is of the
 * format, its lanes do not overlap, and they sum to the run's metrics. */
#include "sim/record/record.h"
#include "sim/sim.h"
#include "tests/sim/runs.h"
#include "tests/support.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A server of the paper's on which KV is loaded, saved, demoted and fetched. */
#define WATCHED                                                                                    \
    "warmup_turns: 0\n"                                                                            \
    "tiers: {dram: {capacity: 20GB}, ssd: {capacity: 100GB}}\n"                                    \
    "workload: {sessions: 60, sessions_per_s: 2.0}\n"

static char path[64];

static struct metrics run_watched(const char *setting, struct timeline_span span, json_t **timeline)
{
    const char *settings[] = { setting, NULL };
    struct experiment experiment = experiment_of(WATCHED, settings);
    struct record record;
    struct sim_result result;
    struct error err = { 0 };
    json_error_t failure;
    snprintf(path, sizeof path, "/tmp/reprise-timeline-%d.json", (int)getpid());
    const struct record_asked asked = { .timeline = path, .span = span };
    ck_assert_int_eq(record_open(&record, &asked, "lru", &err), STATUS_OK);
    const struct sim_progress progress = { .watch = record_watch(&record) };
    ck_assert_int_eq(sim_run(&experiment, &progress, &result, &err), STATUS_OK);
    ck_assert_int_eq(record_finish(&record, &err), STATUS_OK);
    record_free(&record);
    *timeline = json_load_file(path, 0, &failure);
    ck_assert_msg(*timeline != NULL, "line %d: %s", failure.line, failure.text);
    unlink(path);
    struct metrics metrics = result.metrics;
    sim_result_free(&result);
    return metrics;
}

static const struct timeline_span all = { 0, UINT64_MAX };

static const char *text_of(const json_t *event, const char *member)
{
    const char *text = json_string_value(json_object_get(event, member));
    return text != NULL ? text : "";
}

static double number_of(const json_t *event, const char *member)
{
    return json_number_value(json_object_get(event, member));
}

/* Whole nanoseconds: what a reader makes of microseconds in a double is off by less than one. */
static int64_t ns_of(const json_t *event, const char *member)
{
    return llround(number_of(event, member) * 1000.0);
}

#define EACH_EVENT(event, timeline)                                                                \
    json_t *event;                                                                                 \
    size_t event##_at;                                                                             \
    json_array_foreach(json_object_get(timeline, "traceEvents"), event##_at, event)

START_TEST(every_event_is_of_the_format)
{
    json_t *timeline;
    uint32_t phases[128] = { 0 };
    run_watched(NULL, all, &timeline);
    EACH_EVENT(event, timeline)
    {
        const char *phase = text_of(event, "ph");
        ck_assert_uint_eq(strlen(phase), 1);
        phases[(unsigned char)phase[0] & 127]++;
        ck_assert(json_is_integer(json_object_get(event, "pid")));
        ck_assert(json_is_integer(json_object_get(event, "tid")));
        ck_assert_ptr_nonnull(json_object_get(event, "name"));
        ck_assert_int_eq(strchr("XiCMsf", phase[0]) != NULL, 1);
        ck_assert_int_eq(json_is_number(json_object_get(event, "ts")), phase[0] != 'M');
        ck_assert_int_eq(json_is_number(json_object_get(event, "dur")), phase[0] == 'X');
        if (phase[0] == 's' || phase[0] == 'f')
            ck_assert_ptr_nonnull(json_object_get(event, "id"));
    }
    for (const char *phase = "XiCMsf"; *phase != '\0'; phase++)
        ck_assert_msg(phases[(unsigned char)*phase] > 0, "no event %c", *phase);
    json_decref(timeline);
}
END_TEST

struct interval {
    int64_t lane, begin_ns, end_ns;
};

static int by_lane_and_begin(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;
    if (x->lane != y->lane)
        return x->lane < y->lane ? -1 : 1;
    if (x->begin_ns != y->begin_ns)
        return x->begin_ns < y->begin_ns ? -1 : 1;
    return x->end_ns > y->end_ns ? -1 : x->end_ns < y->end_ns;
}

/* Events of a lane follow each other or lie within each other, as the format asks. */
START_TEST(events_of_a_lane_do_not_cross)
{
    json_t *timeline;
    run_watched(NULL, all, &timeline);
    size_t most = json_array_size(json_object_get(timeline, "traceEvents")), count = 0, depth = 0;
    struct interval *interval = malloc(most * sizeof *interval), stack[16];
    EACH_EVENT(event, timeline)
    {
        int64_t begin_ns = ns_of(event, "ts");
        if (strcmp(text_of(event, "ph"), "X") == 0)
            interval[count++] = (struct interval){ (int64_t)number_of(event, "pid") * 1000000 +
                                                       (int64_t)number_of(event, "tid"),
                                                   begin_ns, begin_ns + ns_of(event, "dur") };
    }
    qsort(interval, count, sizeof *interval, by_lane_and_begin);
    for (size_t i = 0; i < count; i++) {
        while (depth > 0 && (stack[depth - 1].lane != interval[i].lane ||
                             stack[depth - 1].end_ns <= interval[i].begin_ns))
            depth--;
        if (depth > 0)
            ck_assert_int_le(interval[i].end_ns, stack[depth - 1].end_ns);
        ck_assert_uint_lt(depth, 16);
        stack[depth++] = interval[i];
    }
    free(interval);
    json_decref(timeline);
}
END_TEST

/* The name of the event's lane, without its number. */
static const char *lane_of(const json_t *timeline, const json_t *event)
{
    static char name[64];
    EACH_EVENT(other, timeline)
    if (strcmp(text_of(other, "name"), "thread_name") == 0 &&
        json_equal(json_object_get(other, "pid"), json_object_get(event, "pid")) &&
        json_equal(json_object_get(other, "tid"), json_object_get(event, "tid"))) {
        snprintf(name, sizeof name, "%s", text_of(json_object_get(other, "args"), "name"));
        char *number = strstr(name, " (");
        if (number != NULL)
            *number = '\0';
        return name;
    }
    return "";
}

static double bytes_on(const json_t *timeline, const char *lane)
{
    double sum = 0.0;
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (strcmp(text_of(event, "ph"), "X") == 0 && json_object_get(args, "bytes") != NULL &&
            strcmp(lane_of(timeline, event), lane) == 0)
            sum += number_of(args, "bytes");
    }
    return sum;
}

START_TEST(lanes_of_links_sum_to_the_metrics)
{
    json_t *timeline;
    struct metrics metrics = run_watched(NULL, all, &timeline);
    ck_assert_double_gt(metrics.ssd_read_bytes, 0.0);
    ck_assert_double_eq(bytes_on(timeline, "link: host to GPU"), metrics.h2d_bytes);
    ck_assert_double_eq(bytes_on(timeline, "link: GPU to host"), metrics.d2h_bytes);
    ck_assert_double_eq(bytes_on(timeline, "link: SSD read"), metrics.ssd_read_bytes);
    ck_assert_double_eq(bytes_on(timeline, "link: SSD write"), metrics.ssd_written_bytes);
    json_decref(timeline);
}
END_TEST

static void sum_gpu(const json_t *timeline, double *busy_ns, double *wait_ns, double *stall_ns)
{
    *busy_ns = *wait_ns = *stall_ns = 0.0;
    EACH_EVENT(event, timeline)
    {
        double time_ns = (double)ns_of(event, "dur");
        if (strcmp(text_of(event, "cat"), "stall") == 0)
            *stall_ns += time_ns;
        if (strcmp(text_of(event, "cat"), "iteration") != 0)
            continue;
        *busy_ns += time_ns;
        *wait_ns += number_of(json_object_get(event, "args"), "wait_ns");
    }
}

START_TEST(the_gpu_s_lane_sums_to_its_busy_time)
{
    const char *const settings[] = { NULL, "engine.saving=synchronous",
                                     "engine.scheduling=chunked" };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        json_t *timeline;
        double busy_ns, wait_ns, stall_ns;
        struct metrics metrics = run_watched(settings[i], all, &timeline);
        sum_gpu(timeline, &busy_ns, &wait_ns, &stall_ns);
        ck_assert_double_eq(busy_ns, metrics.gpu_prefill_ns + metrics.gpu_decode_ns);
        ck_assert_double_eq(wait_ns, metrics.gpu_load_wait_ns);
        /* What is saved behind the last turn's end is waited for, and no time of the run's. */
        ck_assert_double_ge(stall_ns, metrics.gpu_save_wait_ns);
        ck_assert_int_eq(stall_ns > 0.0, i == 1);
        json_decref(timeline);
    }
}
END_TEST

/* Layers are the iteration, but for what it does beside them; what lies between two is waiting. */
START_TEST(layers_lie_in_their_iteration)
{
    json_t *timeline;
    struct metrics metrics = run_watched(NULL, all, &timeline);
    double gaps_ns = 0.0;
    int64_t last_end_ns = 0;
    uint32_t layers = 0;
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (strcmp(text_of(event, "cat"), "layer") != 0)
            continue;
        int64_t begin_ns = ns_of(event, "ts");
        if (number_of(args, "layer") > 0.0)
            gaps_ns += (double)(begin_ns - last_end_ns);
        if (json_object_get(args, "arrival_ns") != NULL)
            ck_assert_double_le(number_of(args, "arrival_ns"), (double)begin_ns);
        last_end_ns = begin_ns + ns_of(event, "dur");
        layers++;
    }
    ck_assert_uint_gt(layers, 40);
    ck_assert_double_gt(gaps_ns, 0.0);
    ck_assert_double_le(gaps_ns, metrics.gpu_load_wait_ns);
    json_decref(timeline);
}
END_TEST

/* When the turn's first load began that had not ended by then. */
static double load_begin_ns(const json_t *timeline, double turn, double by_ns)
{
    double first_ns = INFINITY;
    EACH_EVENT(event, timeline)
    if (strcmp(text_of(event, "cat"), "load") == 0 &&
        number_of(json_object_get(event, "args"), "turn") == turn) {
        double begin_ns = (double)ns_of(event, "ts");
        if (begin_ns + (double)ns_of(event, "dur") >= by_ns && begin_ns < first_ns)
            first_ns = begin_ns;
    }
    return first_ns;
}

START_TEST(a_load_begins_with_its_first_layer)
{
    json_t *timeline;
    uint32_t loads = 0;
    run_watched("engine.read_buffer_layers=3", all, &timeline);
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        double begin_ns = number_of(args, "load_begin_ns");
        if (strcmp(text_of(event, "name"), "layer 0") != 0 || begin_ns == 0.0)
            continue;
        ck_assert_double_eq(load_begin_ns(timeline, number_of(args, "turn"), begin_ns), begin_ns);
        loads++;
    }
    ck_assert_uint_gt(loads, 20);
    json_decref(timeline);
}
END_TEST

START_TEST(a_span_is_what_touches_it)
{
    json_t *timeline;
    const struct timeline_span span = { 20000000000, 30000000000 };
    run_watched(NULL, span, &timeline);
    uint32_t events = 0;
    EACH_EVENT(event, timeline)
    {
        const char *phase = text_of(event, "ph");
        if (strchr("XC", phase[0]) == NULL || strcmp(text_of(event, "name"), "queued") == 0 ||
            strcmp(text_of(event, "name"), "prefill") == 0 ||
            strcmp(text_of(event, "name"), "decode") == 0 ||
            strcmp(text_of(event, "cat"), "layer") == 0)
            continue; /* parts of what touches it */
        ck_assert_int_le(ns_of(event, "ts"), (int64_t)span.to_ns);
        ck_assert_int_ge(ns_of(event, "ts") + ns_of(event, "dur"), (int64_t)span.from_ns);
        events++;
    }
    ck_assert_uint_gt(events, 50);
    json_decref(timeline);
}
END_TEST

START_TEST(turns_are_told_with_their_rows)
{
    json_t *timeline;
    struct metrics metrics = run_watched(NULL, all, &timeline);
    double turns = 0.0, reused = 0.0;
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (strcmp(text_of(event, "cat"), "turn") != 0 ||
            json_object_get(args, "reused_tokens") == NULL)
            continue;
        turns += 1.0;
        reused += number_of(args, "reused_tokens");
    }
    ck_assert_double_eq(turns, metrics.turns);
    ck_assert_double_eq(reused,
                        metrics.hit_tokens_hbm + metrics.hit_tokens_dram + metrics.hit_tokens_ssd);
    json_decref(timeline);
}
END_TEST

/* The ids of the phase's events, each of which is there once. */
static json_t *ids_of(const json_t *timeline, const char *phase)
{
    json_t *ids = json_object();
    EACH_EVENT(event, timeline)
    {
        if (strcmp(text_of(event, "ph"), phase) != 0)
            continue;
        ck_assert_ptr_null(json_object_get(ids, text_of(event, "id")));
        json_object_set_new(ids, text_of(event, "id"), json_true());
    }
    return ids;
}

/* Ids of arrows that there must be: to a turn whose session's turn before is told too. */
static json_t *ids_wanted(const json_t *timeline)
{
    json_t *ids = json_object(), *told = json_object();
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        char before[64], here[64];
        if (json_object_get(args, "wanted_tokens") == NULL)
            continue;
        double session = number_of(args, "session"), turn = number_of(args, "turn_of_session");
        snprintf(before, sizeof before, "%.0f.%.0f", session, turn - 1.0);
        snprintf(here, sizeof here, "%.0f.%.0f", session, turn);
        if (json_object_get(told, before) != NULL)
            json_object_set_new(ids, here, json_true());
        json_object_set_new(told, here, json_true());
    }
    json_decref(told);
    return ids;
}

static void check_arrows(const char *setting, struct timeline_span span)
{
    json_t *timeline;
    run_watched(setting, span, &timeline);
    json_t *begins = ids_of(timeline, "s"), *ends = ids_of(timeline, "f");
    json_t *wanted = ids_wanted(timeline);
    ck_assert(json_equal(begins, wanted) && json_equal(ends, wanted));
    json_decref(wanted);
    ck_assert_uint_gt(json_object_size(begins), 10);
    json_decref(begins);
    json_decref(ends);
    json_decref(timeline);
}

START_TEST(every_arrow_has_both_ends)
{
    const struct timeline_span part = { 20000000000, 60000000000 };
    check_arrows(NULL, all);           /* sessions end */
    check_arrows("max_turns=90", all); /* the run does, before they do */
    check_arrows(NULL, part);
}
END_TEST

/* Where even SSD evicts. */
#define SMALL_SSD "tiers.ssd.capacity=30GB"

/* The event of that turn's row; its args. */
static const json_t *row_of(const json_t *timeline, double turn)
{
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (json_object_get(args, "wanted_tokens") != NULL && number_of(args, "turn") == turn)
            return args;
    }
    return NULL;
}

START_TEST(a_drop_says_whose_kv_went)
{
    json_t *timeline;
    uint32_t drops = 0, left = 0;
    run_watched(SMALL_SSD, all, &timeline);
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (strcmp(text_of(event, "cat"), "drop") != 0)
            continue;
        const json_t *row = row_of(timeline, number_of(args, "turn"));
        ck_assert_ptr_nonnull(row);
        ck_assert_double_eq(number_of(args, "session"), number_of(row, "session"));
        ck_assert_double_eq(number_of(args, "turn_of_session"), number_of(row, "turn_of_session"));
        ck_assert_str_eq(text_of(args, "why"), "evicted");
        /* All that there is of the session by then. */
        ck_assert_double_eq(number_of(args, "tokens"),
                            number_of(row, "wanted_tokens") + number_of(row, "reply_tokens"));
        drops++;
        left += json_object_get(args, "left_in") != NULL;
    }
    ck_assert_uint_gt(drops, 50);
    ck_assert_uint_gt(left, 0);
    ck_assert_uint_lt(left, drops);
    json_decref(timeline);
}
END_TEST

/* The drop after which nothing was left of the session's KV, then. */
static const json_t *drop_at(const json_t *timeline, double session, double time_ns)
{
    EACH_EVENT(event, timeline)
    {
        const json_t *args = json_object_get(event, "args");
        if (strcmp(text_of(event, "cat"), "drop") == 0 &&
            json_object_get(args, "left_in") == NULL && number_of(args, "session") == session &&
            (double)ns_of(event, "ts") == time_ns)
            return event;
    }
    return NULL;
}

START_TEST(a_turn_that_lost_its_kv_has_its_drop)
{
    json_t *timeline;
    uint32_t lost = 0;
    run_watched(SMALL_SSD, all, &timeline);
    EACH_EVENT(event, timeline)
    {
        const json_t *row = json_object_get(event, "args");
        if (strcmp(text_of(row, "lost_why"), "evicted") != 0)
            continue;
        const json_t *drop =
            drop_at(timeline, number_of(row, "session"), number_of(row, "lost_ns"));
        ck_assert_msg(drop != NULL, "turn %.0f", number_of(row, "turn"));
        char lane[32];
        snprintf(lane, sizeof lane, "%s gives up", text_of(row, "lost_tier"));
        ck_assert_str_eq(lane_of(timeline, drop), lane);
        ck_assert_double_eq(number_of(json_object_get(drop, "args"), "for_turn"),
                            number_of(row, "lost_for_turn"));
        lost++;
    }
    ck_assert_uint_gt(lost, 5);
    json_decref(timeline);
}
END_TEST

START_TEST(a_drop_says_why)
{
    json_t *timeline;
    uint32_t expired = 0;
    run_watched("placement.ttl=20s", all, &timeline);
    EACH_EVENT(event, timeline)
    if (strcmp(text_of(json_object_get(event, "args"), "why"), "expired") == 0) {
        ck_assert_ptr_null(json_object_get(json_object_get(event, "args"), "for_turn"));
        expired++;
    }
    ck_assert_uint_gt(expired, 5);
    json_decref(timeline);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeline");
    TCase *tcase = tcase_create("timeline");
    tcase_add_test(tcase, every_event_is_of_the_format);
    tcase_add_test(tcase, events_of_a_lane_do_not_cross);
    tcase_add_test(tcase, lanes_of_links_sum_to_the_metrics);
    tcase_add_test(tcase, the_gpu_s_lane_sums_to_its_busy_time);
    tcase_add_test(tcase, layers_lie_in_their_iteration);
    tcase_add_test(tcase, a_load_begins_with_its_first_layer);
    tcase_add_test(tcase, a_span_is_what_touches_it);
    tcase_add_test(tcase, turns_are_told_with_their_rows);
    tcase_add_test(tcase, every_arrow_has_both_ends);
    tcase_add_test(tcase, a_drop_says_whose_kv_went);
    tcase_add_test(tcase, a_turn_that_lost_its_kv_has_its_drop);
    tcase_add_test(tcase, a_drop_says_why);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
