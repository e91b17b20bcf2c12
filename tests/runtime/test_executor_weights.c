/* tests/runtime/test_executor_weights.c - weights in HBM that several executors use, and how much
 * of it they and an executor take. */
#include "base/memory.h"
#include "runtime/weights.h"
#include "tests/runtime/cases.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Dense ones, then those with experts. */
enum { MODELS = CASE_MODELS + CASE_EXPERT_MODELS };
static struct model any_model(int i)
{
    return i < CASE_MODELS ? case_model(i) : case_expert_model(i - CASE_MODELS);
}

static struct device *device;
static const struct backend *host;

static void open_host(void)
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 64 << 20, .dram_bytes = 1 << 20, .threads = 1 };
    host = backend_find("host");
    ck_assert_int_eq(host->open(&config, &device, &err), STATUS_OK);
}

static void close_host(void)
{
    host->close(device);
}

static struct executor_config config_of(const struct model *model,
                                        const struct executor_weights *loaded)
{
    return (struct executor_config){ .backend = host,
                                     .device = device,
                                     .model = *model,
                                     .page_tokens = CASE_PAGE_TOKENS,
                                     .pages = CASE_PAGES,
                                     .rows = 64,
                                     .contexts = 2,
                                     .seed = CASE_SEED,
                                     .loaded = loaded };
}

static float *logits_of(const struct executor_config *config)
{
    struct runtime_case c = { .backend = host, .device = device, .model = config->model };
    struct error err = { 0 };
    ck_assert_int_eq(executor_new(config, &c.executor, &err), STATUS_OK);
    float *logits = case_run(&c, 0, 0, 0, 0, 40);
    executor_free(c.executor);
    return logits;
}

static struct executor_weights *weights_of(const struct model *model, const struct backend *backend)
{
    struct error err = { 0 };
    struct executor_weights *weights = NULL;
    ck_assert_int_eq(executor_weights_new(backend, device, model, NULL, CASE_SEED, &weights, &err),
                     STATUS_OK);
    return weights;
}

START_TEST(executors_one_after_the_other_compute_on_the_same_weights_what_one_of_its_own_does)
{
    struct model model = any_model(_i);
    struct executor_config own = config_of(&model, NULL);
    float *expected = logits_of(&own);
    struct executor_weights *weights = weights_of(&model, host);
    struct executor_config shared = config_of(&model, weights);
    shared.seed = CASE_SEED + 1; /* of weights that it does not draw */
    for (int i = 0; i < 2; i++) {
        float *found = logits_of(&shared);
        ck_assert_mem_eq(found, expected, model.vocabulary * sizeof *found);
        free(found);
    }
    executor_weights_free(weights);
    free(expected);
}
END_TEST

static uint64_t allocated_bytes;
static enum status allocate_counted(struct device *of, enum tier tier, uint64_t size_bytes,
                                    void **memory, struct error *err)
{
    allocated_bytes += size_bytes;
    return host->allocate(of, tier, size_bytes, memory, err);
}

START_TEST(the_bytes_that_are_told_are_those_that_are_taken)
{
    struct model model = any_model(_i);
    struct backend counted = *host;
    struct error err = { 0 };
    struct executor *executor = NULL;
    counted.allocate = allocate_counted;
    counted.gemm_slack_rows = 5;
    allocated_bytes = 0;
    struct executor_weights *weights = weights_of(&model, &counted);
    uint64_t of_weights = allocated_bytes;
    ck_assert_uint_eq(of_weights, executor_weights_bytes(&counted, &model));
    for (int own = 0; own < 2; own++) {
        struct executor_config config = config_of(&model, own ? NULL : weights);
        config.backend = &counted;
        allocated_bytes = 0;
        ck_assert_int_eq(executor_new(&config, &executor, &err), STATUS_OK);
        ck_assert_uint_eq(allocated_bytes, executor_bytes(&config));
        ck_assert(own ? allocated_bytes > of_weights : allocated_bytes > 0);
        executor_free(executor);
    }
    executor_weights_free(weights);
}
END_TEST

START_TEST(weights_fit_models_of_their_shape_only)
{
    struct model model = case_model(0), renamed = model, wider = model, deeper = model, mixture,
                 fewer;
    struct executor_weights *weights = weights_of(&model, host);
    snprintf(renamed.name, sizeof renamed.name, "another name");
    wider.ffn += 8;
    deeper.layers++;
    mixture = case_expert_model(0);
    fewer = mixture;
    fewer.experts--;
    struct executor_weights *experts = weights_of(&mixture, host);
    ck_assert(executor_weights_fit(experts, &mixture));
    ck_assert(!executor_weights_fit(experts, &fewer));
    ck_assert(!executor_weights_fit(experts, &model));
    executor_weights_free(experts);
    ck_assert(executor_weights_fit(weights, &renamed));
    ck_assert(!executor_weights_fit(weights, &wider));
    ck_assert(!executor_weights_fit(weights, &deeper));
    executor_weights_free(weights);
}
END_TEST

/* All of it comes back: the next run's executor needs it. */
START_TEST(hbm_is_free_again_when_executor_and_weights_are)
{
    struct model model = case_model(0);
    struct error err = { 0 };
    void *all = NULL;
    struct executor_config own = config_of(&model, NULL);
    free(logits_of(&own));
    executor_weights_free(weights_of(&model, host));
    ck_assert_int_eq(host->allocate(device, TIER_HBM, 64 << 20, &all, &err), STATUS_OK);
}
END_TEST

START_TEST(each_expert_of_each_layer_has_random_weights_of_its_own)
{
    static const struct tensor_at places[] = {
        { TENSOR_EXPERT_UP, 1, 0 },   { TENSOR_EXPERT_UP, 1, 1 },   { TENSOR_EXPERT_UP, 2, 0 },
        { TENSOR_EXPERT_GATE, 1, 0 }, { TENSOR_EXPERT_DOWN, 1, 0 }, { TENSOR_SHARED_UP, 1, 0 },
        { TENSOR_ROUTER, 1, 0 },      { TENSOR_UP, 1, 0 },
    };
    enum { PLACES = sizeof places / sizeof *places };
    struct model model = case_expert_model(1);
    struct weights *weights = NULL;
    struct error err = { 0 };
    float *values[PLACES];
    ck_assert_int_eq(weights_open(NULL, CASE_SEED, &model, &weights, &err), STATUS_OK);
    for (uint32_t i = 0; i < PLACES; i++) {
        values[i] = memory_new(weights_count(&model, places[i].tensor), sizeof(float));
        ck_assert_int_eq(weights_read(weights, places[i], values[i], &err), STATUS_OK);
        for (uint32_t j = 0; j < i; j++) /* another scale would not hide a sequence used twice */
            ck_assert_float_ne(values[i][0] / values[i][1], values[j][0] / values[j][1]);
    }
    for (uint32_t i = 0; i < PLACES; i++)
        free(values[i]);
    weights_close(weights);
}
END_TEST

/* ---- files ---- */

struct name {
    enum tensor tensor;
    const char *text; /* with the layer's number, and the expert's where it has one */
};
static const struct name attention_names[] = {
    { TENSOR_ATTENTION_NORM, "model.layers.%u.input_layernorm.weight" },
    { TENSOR_QUERY, "model.layers.%u.self_attn.q_proj.weight" },
    { TENSOR_KEY, "model.layers.%u.self_attn.k_proj.weight" },
    { TENSOR_VALUE, "model.layers.%u.self_attn.v_proj.weight" },
    { TENSOR_OUTPUT, "model.layers.%u.self_attn.o_proj.weight" },
    { TENSOR_FFN_NORM, "model.layers.%u.post_attention_layernorm.weight" },
};
static const struct name dense_names[] = {
    { TENSOR_GATE, "model.layers.%u.mlp.gate_proj.weight" },
    { TENSOR_UP, "model.layers.%u.mlp.up_proj.weight" },
    { TENSOR_DOWN, "model.layers.%u.mlp.down_proj.weight" },
};
static const struct name mixtral_names[] = {
    { TENSOR_ROUTER, "model.layers.%u.block_sparse_moe.gate.weight" },
    { TENSOR_EXPERT_GATE, "model.layers.%u.block_sparse_moe.experts.%u.w1.weight" },
    { TENSOR_EXPERT_DOWN, "model.layers.%u.block_sparse_moe.experts.%u.w2.weight" },
    { TENSOR_EXPERT_UP, "model.layers.%u.block_sparse_moe.experts.%u.w3.weight" },
};
static const struct name deepseek_names[] = {
    { TENSOR_ROUTER, "model.layers.%u.mlp.gate.weight" },
    { TENSOR_EXPERT_GATE, "model.layers.%u.mlp.experts.%u.gate_proj.weight" },
    { TENSOR_EXPERT_UP, "model.layers.%u.mlp.experts.%u.up_proj.weight" },
    { TENSOR_EXPERT_DOWN, "model.layers.%u.mlp.experts.%u.down_proj.weight" },
    { TENSOR_SHARED_GATE, "model.layers.%u.mlp.shared_experts.gate_proj.weight" },
    { TENSOR_SHARED_UP, "model.layers.%u.mlp.shared_experts.up_proj.weight" },
    { TENSOR_SHARED_DOWN, "model.layers.%u.mlp.shared_experts.down_proj.weight" },
};

/* A safetensors file that grows: its header beside its data. */
struct file {
    const struct model *model;
    struct weights *from;
    json_t *header;
    FILE *data;
    uint64_t at;
};

static void put(struct file *file, struct tensor_at at, const char *name)
{
    struct error err = { 0 };
    uint64_t count = weights_count(file->model, at.tensor), end = file->at + count * sizeof(float);
    float *values = memory_new(count, sizeof *values);
    ck_assert_int_eq(weights_read(file->from, at, values, &err), STATUS_OK);
    fwrite(values, sizeof *values, count, file->data);
    json_object_set_new(file->header, name,
                        json_pack("{s:s, s:[I,I]}", "dtype", "F32", "data_offsets",
                                  (json_int_t)file->at, (json_int_t)end));
    file->at = end;
    free(values);
}

static void put_all(struct file *file, const struct name *names, size_t count, uint32_t layer)
{
    char text[128];
    for (size_t i = 0; i < count; i++) {
        bool each = strstr(names[i].text, "experts.%u") != NULL;
        for (uint32_t expert = 0; expert < (each ? file->model->experts : 1); expert++) {
            snprintf(text, sizeof text, names[i].text, layer, expert);
            put(file, (struct tensor_at){ names[i].tensor, layer, expert }, text);
        }
    }
}

#define PUT_ALL(file, names, layer) put_all(file, names, sizeof names / sizeof *names, layer)

/* extra: one more tensor's name; NULL: none. Returns the path, the caller's to unlink and free. */
static char *write_safetensors(const struct model *model, const char *extra)
{
    struct error err = { 0 };
    struct file file = { .model = model, .header = json_object(), .data = tmpfile() };
    ck_assert_int_eq(weights_open(NULL, CASE_SEED, model, &file.from, &err), STATUS_OK);
    put(&file, (struct tensor_at){ TENSOR_EMBEDDING, 0, 0 }, "model.embed_tokens.weight");
    put(&file, (struct tensor_at){ TENSOR_LAST_NORM, 0, 0 }, "model.norm.weight");
    put(&file, (struct tensor_at){ TENSOR_HEAD, 0, 0 }, "lm_head.weight");
    for (uint32_t layer = 0; layer < model->layers; layer++) {
        PUT_ALL(&file, attention_names, layer);
        if (layer < model->dense_layers)
            PUT_ALL(&file, dense_names, layer);
        else if (model->shared_experts > 0)
            PUT_ALL(&file, deepseek_names, layer);
        else
            PUT_ALL(&file, mixtral_names, layer);
    }
    if (extra != NULL)
        put(&file, (struct tensor_at){ TENSOR_LAST_NORM, 0, 0 }, extra);
    weights_close(file.from);
    char *temporary = test_temp_file(""), *json = json_dumps(file.header, 0);
    char *path = memory_new(strlen(temporary) + sizeof ".safetensors", 1);
    sprintf(path, "%s.safetensors", temporary);
    FILE *out = fopen(path, "wb");
    uint64_t length = strlen(json);
    fwrite(&length, sizeof length, 1, out);
    fwrite(json, 1, length, out);
    rewind(file.data);
    for (int byte = fgetc(file.data); byte != EOF; byte = fgetc(file.data))
        fputc(byte, out);
    fclose(out);
    fclose(file.data);
    unlink(temporary);
    free(temporary);
    free(json);
    json_decref(file.header);
    return path;
}

START_TEST(experts_from_a_safetensors_file_are_those_of_their_names)
{
    struct model model = case_expert_model(_i);
    char *path = write_safetensors(&model, NULL);
    struct executor_config from_seed = config_of(&model, NULL), from_file = from_seed;
    from_file.weights = path;
    float *expected = logits_of(&from_seed), *found = logits_of(&from_file);
    ck_assert_mem_eq(found, expected, model.vocabulary * sizeof *found);
    free(expected);
    free(found);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_file_of_what_the_executor_does_not_compute_is_refused_by_the_tensor)
{
    static const char *const names[] = { "model.layers.0.self_attn.q_proj.bias",
                                         "model.layers.1.mlp.gate.e_score_correction_bias",
                                         "model.layers.1.mlp.shared_expert_gate.weight" };
    struct model model = case_expert_model(1);
    struct weights *weights = NULL;
    struct error err = { 0 };
    char *path = write_safetensors(&model, names[_i]);
    ck_assert_int_eq(weights_open(path, 0, &model, &weights, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, names[_i]);
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("weights");
    tcase_add_checked_fixture(tests, open_host, close_host);
    tcase_add_loop_test(
        tests, executors_one_after_the_other_compute_on_the_same_weights_what_one_of_its_own_does,
        0, MODELS);
    tcase_add_loop_test(tests, the_bytes_that_are_told_are_those_that_are_taken, 0, MODELS);
    tcase_add_test(tests, weights_fit_models_of_their_shape_only);
    tcase_add_test(tests, hbm_is_free_again_when_executor_and_weights_are);
    tcase_add_test(tests, each_expert_of_each_layer_has_random_weights_of_its_own);
    tcase_add_loop_test(tests, experts_from_a_safetensors_file_are_those_of_their_names, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(
        tests, a_file_of_what_the_executor_does_not_compute_is_refused_by_the_tensor, 0, 3);
    Suite *suite = suite_create("executor weights");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
