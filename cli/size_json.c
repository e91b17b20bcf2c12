/* cli/size_json.c - see size_print.h: the answer as one JSON object. All sums are in dollars;
 * currency says what the table shows them in. */
#include "base/json_out.h"
#include "cli/size_print.h"

#include "base/memory.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* What is no UTF-8, as a file's name may be, is shown without the bytes that are not ASCII. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *plain = memory_text(text);
    for (char *at = plain; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    value = json_string(plain);
    free(plain);
    return value;
}

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        memory_exhausted();
}

static void set_metrics(json_t *object, const struct metrics *m)
{
    set(object, "ttft_mean_ns", number(m->ttft_mean_ns));
    set(object, "ttft_p99_ns", number(m->ttft_p99_ns));
    set(object, "tbt_p99_ns", number(m->tbt_p99_ns));
    set(object, "e2e_p99_ns", number(m->e2e_p99_ns));
    set(object, "slo_attainment", number(m->slo_attainment));
    set(object, "hit_rate_tokens", number(m->hit_rate_tokens));
    set(object, "gpu_utilisation", number(m->gpu_utilisation));
    set(object, "ssd_years", m->ssd_years > 0.0 ? number(m->ssd_years) : json_null());
}

static void set_value(json_t *object, const struct size_value *value)
{
    set(object, "usd_per_month", number(value->bill.usd_per_month));
    set(object, "usd_per_mtok", number(value->bill.usd_per_mtok));
    set(object, "usd_per_session", number(value->bill.usd_per_session));
    set(object, "kept", json_boolean(value->violation <= 1.0));
    set(object, "violation", number(value->violation));
    set_metrics(object, &value->metrics);
}

static json_t *point_json(const struct size_point *point, const struct size_value *value)
{
    const struct experiment *experiment = &point->experiment;
    const struct bought *bought = &point->bought;
    char text[512];
    json_t *object = json_object();
    set(object, "text", text_json(size_describe(point, text, sizeof text)));
    set(object, "hardware", text_json(experiment->hardware));
    set(object, "servers", json_integer(bought->servers));
    set(object, "gpus", json_integer(bought->gpus));
    set(object, "gpus_total", json_integer((json_int_t)bought->servers * bought->gpus));
    set(object, "prefill_servers", json_integer(experiment->prefill_replicas));
    set(object, "dram_bytes", json_integer((json_int_t)bought->dram_bytes));
    set(object, "ssd_bytes", json_integer((json_int_t)bought->ssd_bytes));
    set(object, "pool_bytes", json_integer((json_int_t)bought->pool_bytes));
    set(object, "drive",
        bought->drives > 0 && experiment->drive[0] != '\0' ? text_json(experiment->drive)
                                                           : json_null());
    set(object, "drives", json_integer(bought->drives));
    set(object, "policy",
        text_json(bought->stores > 0 && experiment->policy[0] != '\0' ? experiment->policy
                                                                      : "none"));
    set(object, "billing", text_json(billing_name(point->billing)));
    set(object, "usd_once", number(value->bill.usd_once));
    set_value(object, value);
    set(object, "binding", text_json(size_binding(point, value, text, sizeof text)));
    return object;
}

static json_t *index_json(const struct size_answer *answer, uint32_t point)
{
    if (point == SIZE_NONE)
        return json_null();
    return point_json(size_point(answer, point), size_whole(answer, point));
}

static json_t *invoice_json(const struct size_answer *answer, uint32_t point)
{
    json_t *list = json_array();
    const struct size_value *value = size_whole(answer, point);
    for (int item = 0; value != NULL && item < BILL_ITEM_COUNT; item++) {
        const struct bill_line *line = &value->bill.line[item];
        if (line->count == 0.0 && line->usd_per_month == 0.0)
            continue;
        json_t *row = json_object();
        set(row, "item", text_json(bill_item_name((enum bill_item)item)));
        set(row, "count", number(line->count));
        set(row, "unit", text_json(bill_item_unit((enum bill_item)item)));
        set(row, "usd_once", number(line->usd_once));
        set(row, "usd_per_month", number(line->usd_per_month));
        if (json_array_append_new(list, row) != 0)
            memory_exhausted();
    }
    return list;
}

static void append(json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        memory_exhausted();
}

static json_t *promises_json(const struct size_question *question)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < question->promise_count; i++) {
        const struct promise *promise = &question->promise[i];
        json_t *row = json_object();
        set(row, "metric", text_json(metric_rows[promise->metric].name));
        set(row, promise->at_least ? "at_least" : "at_most", number(promise->limit));
        append(list, row);
    }
    return list;
}

static json_t *loads_json(const struct size_result *result)
{
    json_t *list = json_array();
    for (int i = 0; i < SIZE_LOADS; i++) {
        const struct size_load *load = &result->loads[i];
        if (!load->run)
            continue;
        json_t *row = json_object(), *same = json_object(), *needed = json_object();
        set_value(same, &load->same);
        set(row, "load", number(size_loads[i]));
        set(row, "same_servers", same);
        set(row, "servers", load->servers > 0 ? json_integer(load->servers) : json_null());
        set_value(needed, &load->value);
        if (load->servers > 0)
            set(row, "needed", needed);
        else
            json_decref(needed);
        append(list, row);
    }
    return list;
}

static json_t *hardware_json(const struct size_answer *answer)
{
    json_t *list = json_array();
    uint32_t axis = size_space_axis(answer->space, "hardware");
    for (uint32_t v = 0; axis != SIZE_NONE && v < answer->space->axes[axis].count; v++) {
        json_t *row = json_object();
        set(row, "hardware", text_json(answer->space->axes[axis].value[v]));
        set(row, "cheapest", index_json(answer, size_cheapest(answer, -1, axis, v)));
        append(list, row);
    }
    return list;
}

static json_t *neighbours_json(const struct size_answer *answer, uint32_t best)
{
    json_t *list = json_array();
    char text[512];
    for (uint32_t a = 0; best != SIZE_NONE && a < answer->space->axis_count; a++)
        for (uint32_t v = 0; v < answer->space->axes[a].count; v++) {
            uint32_t point = size_space_moved(answer->space, best, a, v);
            const struct size_value *value = size_whole(answer, point);
            if (point == best || value == NULL || value->state != SIZE_RUN)
                continue;
            json_t *row = json_object();
            set(row, "step",
                text_json(size_step(answer->space, a, best, point, text, sizeof text)));
            set_value(row, value);
            append(list, row);
        }
    return list;
}

static json_t *front_json(const struct size_answer *answer)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < answer->front_count; i++)
        append(list, index_json(answer, answer->front[i]));
    return list;
}

static json_t *prices_json(const struct size_question *question, const struct size_answer *answer)
{
    struct size_sensitivity list[SIZE_SENSITIVITIES];
    json_t *rows = json_array();
    if (answer->best == SIZE_NONE)
        return rows;
    size_sensitivities(question, answer, list);
    for (int i = 0; i < SIZE_SENSITIVITIES; i++) {
        json_t *row = json_object();
        set(row, "price", text_json(list[i].what));
        set(row, "low", number(list[i].low));
        set(row, "high", number(list[i].high));
        set(row, "objective_low", number(list[i].objective_low));
        set(row, "objective_high", number(list[i].objective_high));
        append(rows, row);
    }
    return rows;
}

static json_t *idle_json(const struct size_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->idle_count; i++) {
        const struct size_idle *idle = &result->idle[i];
        const struct experiment *experiment = &size_point(&result->answer, idle->point)->experiment;
        if (idle->value.state != SIZE_RUN)
            continue;
        json_t *row = json_object();
        set(row, "hardware", text_json(experiment->hardware));
        set(row, "gpus", json_integer(experiment->gpus));
        set(row, "kept", json_boolean(idle->value.missed <= 1.0));
        set_metrics(row, &idle->value.metrics);
        append(list, row);
    }
    return list;
}

enum status size_print_json(FILE *out, const struct size_question *question,
                            const struct size_result *result, struct error *err)
{
    const struct size_answer *answer = &result->answer;
    const struct size_point *first =
        size_point(answer, answer->best != SIZE_NONE ? answer->best : 0);
    json_t *object = json_object(), *without = json_object();
    set(object, "command", text_json(question->command));
    set(object, "promises", promises_json(question));
    set(object, "objective", text_json(objective_name(question->objective)));
    set(object, "billing", text_json(billing_name(first->billing)));
    set(object, "currency", text_json(first->prices->currency));
    set(object, "per_usd", number(first->prices->per_usd));
    set(object, "interrupted", json_boolean(answer->interrupted));
    set(object, "can_reuse", json_boolean(question->workload.can_reuse));
    set(object, "late_share", number(question->workload.late_share));
    set(object, "recommendation", index_json(answer, answer->best));
    set(object, "invoice", invoice_json(answer, answer->best));
    set(object, "nearest", index_json(answer, answer->nearest));
    set(object, "nearly",
        index_json(answer, answer->best != SIZE_NONE ? size_nearly(answer) : SIZE_NONE));
    set(without, "nothing_below_hbm", index_json(answer, answer->without[SIZE_KV_HBM]));
    set(without, "no_prefix_cache", index_json(answer, answer->without[SIZE_KV_NONE]));
    set(object, "without_kv", without);
    json_t *today = json_null();
    if (question->today != NULL && answer->today.state == SIZE_RUN) {
        today = json_object();
        set_value(today, &answer->today);
    }
    set(object, "today", today);
    set(object, "hardware", hardware_json(answer));
    set(object, "loads", loads_json(result));
    set(object, "idle", idle_json(result));
    set(object, "neighbours",
        neighbours_json(answer, answer->best != SIZE_NONE ? answer->best : answer->nearest));
    set(object, "front", front_json(answer));
    set(object, "prices", prices_json(question, answer));
    set(object, "sweep", json_integer(answer->sweep));
    char *text = json_dumps(object, JSON_OUT | JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(object);
    if (text == NULL)
        memory_exhausted();
    fprintf(out, "%s\n", text);
    free(text);
    return err->status;
}
