/* cli/breakdown_json.c - see breakdown_print.h; the JSON. */
#include "base/json_out.h"
#include "cli/breakdown_print.h"

#include <jansson.h>

static void set(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static void set_whole(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *row_json(const struct breakdown_row *row, bool in_layer)
{
    json_t *object = json_object();
    json_object_set_new(object, "operator", json_string(row->name));
    json_object_set_new(object, "in_layer", json_boolean(in_layer));
    set(object, "times", row->times);
    set(object, "ns", row->ns);
    set(object, "flop", row->flop);
    set(object, "weight_bytes", row->weight_bytes);
    set(object, "activation_bytes", row->activation_bytes);
    set(object, "kv_bytes", row->kv_bytes);
    set(object, "link_bytes", row->link_bytes);
    json_object_set_new(object, "bound_by", json_string(bound_names[row->bound]));
    return object;
}

static json_t *breakdown_json(const struct breakdown *breakdown)
{
    json_t *object = json_object(), *rows = json_array();
    if (breakdown->new_tokens > 0) {
        set_whole(object, "new_tokens", breakdown->new_tokens);
        set_whole(object, "cached_tokens", breakdown->cached_tokens);
    } else {
        set_whole(object, "batch", breakdown->batch);
        set_whole(object, "context_tokens", breakdown->context_tokens);
    }
    set(object, "layer_ns", breakdown->layer_ns);
    set(object, "iteration_ns", breakdown->iteration_ns);
    for (uint32_t i = 0; i < breakdown->rows; i++)
        json_array_append_new(rows, row_json(&breakdown->row[i], i < breakdown->layer_rows));
    json_object_set_new(object, "operators", rows);
    return object;
}

static json_t *links_json(const struct breakdown_links *links)
{
    json_t *object = json_object(), *list = json_array();
    set(object, "prefill_tokens_per_s", links->prefill_tokens_per_s);
    set(object, "even_bytes_per_s", links->even_bytes_per_s);
    for (int i = 0; i < BREAKDOWN_LINKS; i++) {
        json_t *link = json_object();
        json_object_set_new(link, "tier", json_string(links->link[i].tier));
        set(link, "bytes_per_s", links->link[i].bytes_per_s);
        set(link, "tokens_per_s", links->link[i].tokens_per_s);
        set(link, "gain", links->link[i].gain);
        json_array_append_new(list, link);
    }
    json_object_set_new(object, "links", list);
    return object;
}

void breakdown_print_json(FILE *out, const struct model *model, const struct hardware *hardware,
                          uint32_t ranks, uint64_t kv_budget_bytes, uint64_t kv_budget_tokens,
                          const struct breakdown *prefill, const struct breakdown *decode)
{
    uint64_t per_token = model_kv_bytes_per_token(model, ranks);
    struct timing timing = timing_new(model, hardware, ranks);
    struct breakdown_links links = breakdown_links(prefill, model, hardware, ranks);
    json_t *object = json_object();
    json_object_set_new(object, "model", json_string(model->name));
    json_object_set_new(object, "hardware", json_string(hardware->name));
    set_whole(object, "gpus", ranks);
    set_whole(object, "layers", model->layers);
    json_object_set_new(object, "timing_source", json_string(timing.source));
    set_whole(object, "weight_bytes", model_weight_bytes(model, ranks));
    set_whole(object, "kv_bytes_per_token", per_token);
    set_whole(object, "kv_budget_bytes", kv_budget_bytes);
    set_whole(object, "kv_budget_tokens", kv_budget_tokens);
    json_object_set_new(object, "prefill", breakdown_json(prefill));
    json_object_set_new(object, "decode", breakdown_json(decode));
    json_object_set_new(object, "load_or_compute", links_json(&links));
    json_dumpf(object, out, JSON_OUT | JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}
