/* tests/runtime/test_numerics.c - what a backend and the executor compute: against a reference in
 * double, and against themselves with reused KV. The backend is the one that the first argument
 * names (numerics_backend.h). */
#include "base/memory.h"
#include "runtime/weights_source.h"
#include "tests/runtime/cases.h"
#include "tests/runtime/numerics_backend.h"
#include "tests/runtime/reference.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct backend *backend; /* under test */

static const double *reference_run(struct reference *reference, uint32_t from, uint32_t count)
{
    const double *logits = NULL;
    for (uint32_t i = 0; i < count; i++)
        logits =
            reference_token(reference, case_token(&(struct model){ .vocabulary = 101 }, from + i));
    return logits;
}

START_TEST(a_prefill_is_what_the_reference_computes)
{
    struct model model = case_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    struct reference *reference = reference_new(&model, NULL, CASE_SEED);
    float *logits = case_run(&c, 0, 0, 0, 0, 100); /* more than a tile of queries */
    double distance = case_distance(&model, logits, reference_run(reference, 0, 100));
    printf("%s, %s: against the reference: %.1e\n", backend->name, model.name, distance);
    ck_assert_msg(distance < case_tolerance_of(backend, &model), "%s: %g", model.name, distance);
    free(logits);
    reference_free(reference);
    case_close(&c);
}
END_TEST

START_TEST(reused_kv_gives_what_computing_all_again_gives)
{
    struct model model = case_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    float *whole = case_run(&c, 0, 0, 0, 0, 150);
    free(case_run(&c, 20, 0, 0, 0, 70));  /* turn 1 */
    free(case_run(&c, 20, 0, 70, 70, 1)); /* and a token of its reply */
    free(case_run(&c, 20, 0, 71, 71, 1));
    float *reused = case_run(&c, 20, 0, 72, 72, 78); /* turn 2 */
    double distance = case_distance_f(&model, reused, whole);
    printf("%s, %s: reused against computed again: %.1e (tolerance %.0e)\n", backend->name,
           model.name, distance, case_tolerance_of(backend, &model));
    ck_assert(distance < case_tolerance_of(backend, &model));
    free(whole);
    free(reused);
    case_close(&c);
}
END_TEST

START_TEST(a_batch_gives_each_context_what_it_gets_alone)
{
    struct model model = case_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    uint32_t pages[3][16], tokens[64], cached[] = { 40, 0, 17 }, new_tokens[] = { 1, 30, 5 },
                                       rows = 0;
    struct sequence sequences[3];
    float *alone[3], together[3 * 128];
    for (uint32_t i = 0; i < 3; i++) {
        if (cached[i] > 0)
            free(case_run(&c, 16 * i, 0, 0, 0, cached[i]));
        alone[i] = case_run(&c, 16 * i, 0, cached[i], cached[i], new_tokens[i]);
        for (uint32_t p = 0; p < 16; p++)
            pages[i][p] = 16 * i + p;
        sequences[i] = (struct sequence){ pages[i], 16, 0, cached[i], new_tokens[i] };
        for (uint32_t t = 0; t < new_tokens[i]; t++)
            tokens[rows++] = case_token(&model, cached[i] + t);
    }
    executor_forward(c.executor, sequences, 3, tokens);
    executor_logits(c.executor, 3, together);
    for (uint32_t i = 0; i < 3; i++) {
        double distance = case_distance_f(&model, together + i * model.vocabulary, alone[i]);
        ck_assert_msg(distance < case_tolerance_of(backend, &model), "context %u: %g", i, distance);
        free(alone[i]);
    }
    case_close(&c);
}
END_TEST

START_TEST(kv_through_dram_comes_back_bit_by_bit_and_gives_the_same_logits)
{
    struct model model = case_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    uint64_t bytes = slice_bytes(backend, executor_shape(c.executor)) * model.layers * 5;
    char *pool = executor_pool(c.executor);
    void *dram;
    struct error err = { 0 };
    ck_assert_int_eq(backend->allocate(c.device, TIER_DRAM, bytes, &dram, &err), STATUS_OK);
    float *stayed = (free(case_run(&c, 0, 0, 0, 0, 72)), case_run(&c, 0, 0, 72, 72, 8));
    free(case_run(&c, 0, 0, 0, 0, 72)); /* pages 0..4 hold the prefix again */
    struct backend_event *saved = backend->event_new(c.device),
                         *done = backend->event_new(c.device);
    backend->copy(c.device, STREAM_SAVE, COPY_D2H, &(struct copy){ dram, pool, bytes }, 1);
    backend->record(c.device, STREAM_SAVE, saved);
    backend->wait(c.device, STREAM_LOAD, saved);
    backend->copy(c.device, STREAM_LOAD, COPY_H2D, &(struct copy){ pool + bytes * 4, dram, bytes },
                  1);
    backend->record(c.device, STREAM_LOAD, done);
    backend->synchronise(c.device, done);
    float *moved = case_run(&c, 20, 0, 72, 72, 8);
    ck_assert_mem_eq(moved, stayed, model.vocabulary * sizeof *moved);
    backend->event_free(c.device, saved);
    backend->event_free(c.device, done);
    free(stayed);
    free(moved);
    case_close(&c);
}
END_TEST

/* CachedAttention (ATC'24), tables 1 and 2: what decoupled position encoding is for. */
START_TEST(
    decoupled_truncation_is_the_reference_over_the_same_kv_and_truncating_rotated_keys_is_not)
{
    struct model model = case_model(_i);
    struct runtime_case decoupled = case_open(backend, &model, NULL, false);
    struct runtime_case coupled = case_open(backend, &model, NULL, true);
    struct reference *reference = reference_new(&model, NULL, CASE_SEED);
    const uint32_t context = 120, cut = 56, fresh = 10; /* the cut is within a page */
    reference_run(reference, 0, context);
    reference_cut(reference, cut);
    const double *truth = reference_run(reference, context, fresh);
    uint32_t page = cut / CASE_PAGE_TOKENS, skip = cut % CASE_PAGE_TOKENS;
    free(case_run(&decoupled, 0, 0, 0, 0, context));
    free(case_run(&coupled, 0, 0, 0, 0, context));
    float *right = case_run(&decoupled, page, skip, context - cut, context, fresh);
    float *wrong = case_run(&coupled, page, skip, context - cut, context, fresh);
    double near = case_distance(&model, right, truth), far = case_distance(&model, wrong, truth);
    printf("%s, %s: after truncation, against the reference at the new positions: decoupled %.1e, "
           "rotated keys %.1e\n",
           backend->name, model.name, near, far);
    ck_assert(near < case_tolerance_of(backend, &model));
    ck_assert(far > 3 * case_tolerance_of(backend, &model) && far > 1e-2);
    free(right);
    free(wrong);
    reference_free(reference);
    case_close(&decoupled);
    case_close(&coupled);
}
END_TEST

/* So that the tests above would see KV that is not rounded, or a window that nobody looks at. */
START_TEST(narrower_kv_and_windows_each_change_the_logits_by_more_than_the_tolerance)
{
    struct model model = case_model(_i), wide = model, open = model;
    wide.kv_bytes_per_value = 4;
    open.window_layers = 0;
    const struct model *others[] = { &model, &wide, &open };
    float *logits[3];
    for (int i = 0; i < 3; i++) {
        struct runtime_case c = case_open(backend, others[i], NULL, false);
        logits[i] = case_run(&c, 0, 0, 0, 0, 100);
        case_close(&c);
    }
    double of_width = case_distance_f(&model, logits[1], logits[0]);
    double of_windows = case_distance_f(&model, logits[2], logits[0]);
    printf("%s, %s: by narrower KV %.1e, by windows %.1e\n", backend->name, model.name, of_width,
           of_windows);
    /* bf16's own rounding is as large as fp8's of KV is in the logits: there, test_attention.c
     * tells one from the other. */
    if (backend->element_bytes == 4 && model.kv_bytes_per_value < backend->element_bytes)
        ck_assert_double_gt(of_width, 3 * case_tolerance_of(backend, &model));
    if (model.window_layers > 0)
        ck_assert_double_gt(of_windows, 3 * case_tolerance_of(backend, &model));
    for (int i = 0; i < 3; i++)
        free(logits[i]);
}
END_TEST

START_TEST(rotated_keys_are_right_as_long_as_nothing_is_truncated)
{
    struct model model = case_model(0);
    struct runtime_case decoupled = case_open(backend, &model, NULL, false);
    struct runtime_case coupled = case_open(backend, &model, NULL, true);
    float *a = case_run(&decoupled, 0, 0, 0, 0, 90), *b = case_run(&coupled, 0, 0, 0, 0, 90);
    ck_assert(case_distance_f(&model, a, b) < case_tolerance(backend));
    free(a);
    free(b);
    case_close(&decoupled);
    case_close(&coupled);
}
END_TEST

/* ---- weights ---- */

static float *random_tensor(const struct model *model, enum tensor which, uint32_t layer)
{
    struct weights *weights;
    struct error err = { 0 };
    ck_assert_int_eq(weights_open(NULL, CASE_SEED, model, &weights, &err), STATUS_OK);
    float *values = memory_new(weights_count(model, which), sizeof *values);
    ck_assert_int_eq(weights_read(weights, (struct tensor_at){ which, layer, 0 }, values, &err),
                     STATUS_OK);
    weights_close(weights);
    return values;
}

static void write_tensor(FILE *out, const struct model *model, enum tensor which, uint32_t layer)
{
    float *values = random_tensor(model, which, layer);
    fwrite(values, sizeof *values, weights_count(model, which), out);
    free(values);
}

static char *write_llama2c(const struct model *model)
{
    static const enum tensor order[] = { TENSOR_ATTENTION_NORM, TENSOR_QUERY,  TENSOR_KEY,
                                         TENSOR_VALUE,          TENSOR_OUTPUT, TENSOR_FFN_NORM,
                                         TENSOR_GATE,           TENSOR_DOWN,   TENSOR_UP };
    char *path = test_temp_file("");
    FILE *out = fopen(path, "wb");
    int32_t header[] = { (int32_t)model->hidden,
                         (int32_t)model->ffn,
                         (int32_t)model->layers,
                         (int32_t)model->heads,
                         (int32_t)model->kv_heads,
                         -(int32_t)model->vocabulary,
                         64 };
    fwrite(header, sizeof header, 1, out);
    write_tensor(out, model, TENSOR_EMBEDDING, 0);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (uint32_t layer = 0; layer < model->layers; layer++)
            write_tensor(out, model, order[i], layer);
    write_tensor(out, model, TENSOR_LAST_NORM, 0);
    float zero[64 * 16] = { 0 }; /* RoPE's two tables, which nobody reads */
    fwrite(zero, sizeof *zero, 64 * model->head_dim, out);
    write_tensor(out, model, TENSOR_HEAD, 0);
    fclose(out);
    return path;
}

START_TEST(a_llama2c_checkpoint_runs_with_its_pairing_of_dimensions)
{
    struct model model = case_model(0);
    char *path = write_llama2c(&model);
    struct runtime_case c = case_open(backend, &model, path, false);
    struct reference *reference = reference_new(&model, path, 0);
    float *logits = case_run(&c, 0, 0, 0, 0, 40);
    ck_assert(case_distance(&model, logits, reference_run(reference, 0, 40)) <
              case_tolerance(backend));
    free(logits);
    reference_free(reference);
    case_close(&c);
    unlink(path);
    free(path);
}
END_TEST

static const char *hugging_face_name(const struct model *model, enum tensor which, uint32_t layer,
                                     char *text)
{
    static const char *const names[TENSOR_KV_UP + 1] = { "model.embed_tokens",
                                                         "input_layernorm",
                                                         "self_attn.q_proj",
                                                         "self_attn.k_proj",
                                                         "self_attn.v_proj",
                                                         "self_attn.o_proj",
                                                         "post_attention_layernorm",
                                                         "mlp.gate_proj",
                                                         "mlp.up_proj",
                                                         "mlp.down_proj",
                                                         "model.norm",
                                                         "lm_head",
                                                         "self_attn.q_a_proj",
                                                         "self_attn.q_a_layernorm",
                                                         "self_attn.kv_a_proj_with_mqa",
                                                         "self_attn.kv_a_layernorm",
                                                         "self_attn.kv_b_proj" };
    if (which == TENSOR_EMBEDDING || which == TENSOR_LAST_NORM || which == TENSOR_HEAD)
        sprintf(text, "%s.weight", names[which]);
    else
        sprintf(text, "model.layers.%u.%s.weight", layer,
                which == TENSOR_QUERY && model->query_latent_dim > 0 ? "self_attn.q_b_proj"
                                                                     : names[which]);
    return text;
}

/* bf16: the values rounded to it, as F32 all the same or as BF16. */
enum written { WRITE_F32, WRITE_ROUNDED, WRITE_BF16 };

static void write_rounded(FILE *out, const struct model *model, enum tensor which, uint32_t layer,
                          enum written how)
{
    float *values = random_tensor(model, which, layer);
    for (uint64_t i = 0; i < weights_count(model, which); i++) {
        uint16_t narrow = weights_bf16(values[i]);
        uint32_t wide = (uint32_t)narrow << 16;
        if (how == WRITE_BF16)
            fwrite(&narrow, sizeof narrow, 1, out);
        else
            fwrite(&wide, sizeof wide, 1, out);
    }
    free(values);
}

static char *write_safetensors(const struct model *model, enum written how)
{
    char *temporary = test_temp_file(""), text[96];
    char *path = memory_new(strlen(temporary) + sizeof ".safetensors", 1);
    sprintf(path, "%s.safetensors", temporary);
    unlink(temporary);
    free(temporary);
    FILE *out = fopen(path, "wb");
    json_t *header = json_object();
    uint64_t at = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int which = 0; which <= TENSOR_KV_UP; which++) {
            bool once =
                which == TENSOR_EMBEDDING || which == TENSOR_LAST_NORM || which == TENSOR_HEAD;
            for (uint32_t layer = 0; layer < (once ? 1 : model->layers); layer++) {
                uint64_t bytes =
                    weights_count(model, (enum tensor)which) * (how == WRITE_BF16 ? 2 : 4);
                if (bytes == 0) /* another kind of attention's */
                    continue;
                if (pass == 0)
                    json_object_set_new(
                        header, hugging_face_name(model, (enum tensor)which, layer, text),
                        json_pack("{s:s, s:[I,I]}", "dtype", how == WRITE_BF16 ? "BF16" : "F32",
                                  "data_offsets", (json_int_t)at, (json_int_t)(at + bytes)));
                else if (how == WRITE_F32)
                    write_tensor(out, model, (enum tensor)which, layer);
                else
                    write_rounded(out, model, (enum tensor)which, layer, how);
                at += bytes;
            }
        }
        if (pass == 0) {
            char *json = json_dumps(header, 0);
            uint64_t length = strlen(json);
            fwrite(&length, sizeof length, 1, out);
            fwrite(json, 1, length, out);
            free(json);
        }
    }
    json_decref(header);
    fclose(out);
    return path;
}

START_TEST(a_safetensors_file_of_the_same_weights_gives_the_same_bits)
{
    struct model model = case_model(_i);
    char *path = write_safetensors(&model, WRITE_F32);
    struct runtime_case from_file = case_open(backend, &model, path, false);
    struct runtime_case from_seed = case_open(backend, &model, NULL, false);
    float *a = case_run(&from_file, 0, 0, 0, 0, 40), *b = case_run(&from_seed, 0, 0, 0, 0, 40);
    ck_assert_mem_eq(a, b, model.vocabulary * sizeof *a);
    free(a);
    free(b);
    case_close(&from_file);
    case_close(&from_seed);
    unlink(path);
    free(path);
}
END_TEST

/* On a backend of bf16 the one is sent as it lies in the file, the other goes through floats. */
START_TEST(a_safetensors_file_of_bf16_gives_the_bits_of_its_values_as_floats)
{
    struct model model = case_model(0);
    float *logits[2];
    for (int i = 0; i < 2; i++) {
        char *path = write_safetensors(&model, i == 0 ? WRITE_ROUNDED : WRITE_BF16);
        struct runtime_case c = case_open(backend, &model, path, false);
        logits[i] = case_run(&c, 0, 0, 0, 0, 40);
        case_close(&c);
        unlink(path);
        free(path);
    }
    ck_assert_mem_eq(logits[0], logits[1], model.vocabulary * sizeof(float));
    free(logits[0]);
    free(logits[1]);
}
END_TEST

/* Drawn by several threads: the same each time, as floats or as bf16; no part repeats another; mean
 * 0, deviation 1 / sqrt(inputs). */
START_TEST(large_random_tensors_are_the_same_however_they_are_read)
{
    struct model model = case_model(0);
    model.hidden = 512;
    model.ffn = 1200;
    uint64_t count = weights_count(&model, TENSOR_UP), half = count / 2;
    ck_assert_uint_gt(count, 9 << 16);
    float *values = random_tensor(&model, TENSOR_UP, 1),
          *again = random_tensor(&model, TENSOR_UP, 1);
    ck_assert_mem_eq(values, again, count * sizeof *values);
    ck_assert(memcmp(values, values + (1 << 16), 1 << 16) != 0);
    ck_assert(memcmp(values, values + half, half * sizeof *values) != 0);
    struct weights *weights;
    struct error err = { 0 };
    uint16_t *narrow = memory_new(count, sizeof *narrow);
    ck_assert_int_eq(weights_open(NULL, CASE_SEED, &model, &weights, &err), STATUS_OK);
    ck_assert_int_eq(
        weights_read_bf16(weights, (struct tensor_at){ TENSOR_UP, 1, 0 }, narrow, &err), STATUS_OK);
    double sum = 0.0, squares = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_uint_eq(narrow[i], weights_bf16(values[i]));
        sum += values[i];
        squares += (double)values[i] * values[i];
    }
    ck_assert_double_eq_tol(sum / (double)count, 0.0, 1e-3);
    ck_assert_double_eq_tol(squares / (double)count * 512, 1.0, 0.02);
    weights_close(weights);
    free(values);
    free(again);
    free(narrow);
}
END_TEST

START_TEST(bf16_are_rounded_to_the_nearest_and_ties_to_even)
{
    ck_assert_uint_eq(weights_bf16(1.0F), 0x3F80);
    ck_assert_uint_eq(weights_bf16(-2.0F), 0xC000);
    ck_assert_uint_eq(weights_bf16(0x1.01p0F), 0x3F80); /* halfway to 0x1.02p0: even is below */
    ck_assert_uint_eq(weights_bf16(0x1.03p0F), 0x3F82); /* halfway: even is above */
    ck_assert_uint_eq(weights_bf16(0x1.010002p0F), 0x3F81);
    ck_assert_uint_eq(weights_bf16(INFINITY), 0x7F80);
    ck_assert(isnan(NAN) && (weights_bf16(NAN) & 0x7FFF) > 0x7F80);
}
END_TEST

START_TEST(weights_of_another_shape_are_refused_by_the_key_that_differs)
{
    struct model model = case_model(0), other = model;
    char *path = write_llama2c(&model);
    other.ffn = 128;
    struct weights *weights;
    struct error err = { 0 };
    ck_assert_int_eq(weights_open(path, 0, &other, &weights, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "ffn");
    ck_assert_str_eq(err.expected, "128");
    ck_assert_str_eq(err.found, "96");
    struct model latent = case_model(CASE_LATENT);
    struct error second = { 0 };
    latent.kv_heads = model.kv_heads;
    ck_assert_int_eq(weights_open(path, 0, &latent, &weights, &second), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(second.expected, "Llama"));
    unlink(path);
    free(path);
}
END_TEST

START_TEST(what_the_kernels_cannot_do_is_refused)
{
    struct model states = case_model(0), both = case_model(CASE_LATENT);
    struct error other = { 0 }, second = { 0 };
    states.state_layers = 1;
    ck_assert_int_eq(executor_supports(backend, &states, &other), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(other.found, "states"));
    both.window_layers = 1;
    both.window_tokens = 16;
    ck_assert_int_eq(executor_supports(backend, &both, &second), STATUS_INPUT);
    ck_assert_str_eq(second.found, "both");
}
END_TEST

START_TEST(latent_kv_stored_narrower_is_the_reference_over_what_was_stored)
{
    struct model model = case_model(CASE_LATENT + _i / 2);
    model.kv_bytes_per_value = _i % 2 == 0 ? 1 : 2;
    struct runtime_case c = case_open(backend, &model, NULL, false);
    struct reference *reference = reference_new(&model, NULL, CASE_SEED);
    free(case_run(&c, 0, 0, 0, 0, 70));
    float *logits = case_run(&c, 0, 0, 70, 70, 30);
    double distance = case_distance(&model, logits, reference_run(reference, 0, 100));
    ck_assert_msg(distance < case_tolerance_of(backend, &model), "%s: %g", model.name, distance);
    free(logits);
    reference_free(reference);
    case_close(&c);
}
END_TEST

/* Or hits and copied bytes would be another's than the simulator's. */
START_TEST(the_kv_of_a_token_takes_what_the_model_says)
{
    struct model model = case_model(_i);
    if (_i < CASE_NARROW)
        model.kv_bytes_per_value = backend->element_bytes;
    struct attention_dims shape = executor_shape_of(backend, &model, CASE_PAGE_TOKENS);
    ck_assert_uint_eq(slice_bytes(backend, &shape) * model.layers,
                      model_kv_bytes_per_token(&model, 1) * CASE_PAGE_TOKENS);
    ck_assert_uint_eq(kv_planes(&shape) * kv_row_bytes(backend, &shape) * model.layers,
                      model_kv_bytes_per_token(&model, 1));
    uint32_t tokens = executor_page_tokens(backend, &model, 512);
    shape.page_tokens = tokens;
    ck_assert_uint_eq(slice_bytes(backend, &shape) % 4096, 0); /* for O_DIRECT */
}
END_TEST

START_TEST(kv_of_another_width_is_refused_by_its_key)
{
    struct model model = case_model(0);
    const double widths[] = { 0.5, 3, 8 };
    for (int i = 0; i < 3; i++) {
        struct error err = { 0 };
        model.kv_bytes_per_value = widths[i];
        ck_assert_int_eq(executor_supports(backend, &model, &err), STATUS_INPUT);
        ck_assert_str_eq(err.key, "kv_bytes_per_value");
        ck_assert_ptr_nonnull(strstr(err.expected, "2 or 1 on backend"));
    }
}
END_TEST

/* A page on disk begins at a multiple of 4096 bytes. */
START_TEST(a_page_of_narrower_kv_has_more_tokens_in_as_many_bytes)
{
    struct model model = case_model(0);
    uint32_t before = 0;
    for (uint32_t bytes = backend->element_bytes; bytes > 0; bytes /= 2) {
        model.kv_bytes_per_value = bytes;
        uint32_t tokens = executor_page_tokens(backend, &model, 512);
        struct attention_dims shape = executor_shape_of(backend, &model, tokens);
        ck_assert_uint_eq(kv_row_bytes(backend, &shape),
                          (uint64_t)model.kv_heads * model.head_dim * bytes);
        ck_assert_uint_eq(slice_bytes(backend, &shape), 4096);
        ck_assert_uint_eq(tokens, before == 0 ? tokens : 2 * before);
        before = tokens;
    }
}
END_TEST

START_TEST(a_full_arena_is_told_with_what_was_asked_and_what_is_left)
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20 };
    struct device *device;
    void *memory;
    ck_assert_int_eq(backend->open(&config, &device, &err), STATUS_OK);
    ck_assert_int_eq(backend->allocate(device, TIER_DRAM, 1 << 19, &memory, &err), STATUS_OK);
    ck_assert_int_eq(backend->allocate(device, TIER_DRAM, 1 << 20, &memory, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.expected, "1.05 MB of DRAM"));
    ck_assert_ptr_nonnull(strstr(err.found, "524 kB"));
    backend->close(device);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("numerics");
    TCase *tcase = tcase_create(backend->name);
    tcase_set_timeout(tcase, numerics_is_slow() ? 200 : 60);
    tcase_add_loop_test(tcase, a_prefill_is_what_the_reference_computes, 0, CASE_MODELS);
    const TTest *const of_models[] = {
        reused_kv_gives_what_computing_all_again_gives,
        a_batch_gives_each_context_what_it_gets_alone,
        kv_through_dram_comes_back_bit_by_bit_and_gives_the_same_logits,
        decoupled_truncation_is_the_reference_over_the_same_kv_and_truncating_rotated_keys_is_not,
    };
    for (size_t i = 0; i < sizeof of_models / sizeof *of_models; i++) {
        tcase_add_loop_test(tcase, of_models[i], 0, numerics_is_slow() ? 1 : CASE_LATENT);
        tcase_add_loop_test(tcase, of_models[i], CASE_LATENT, CASE_NARROW);
        tcase_add_loop_test(tcase, of_models[i], CASE_NARROW,
                            numerics_is_slow() ? CASE_NARROW + 1 : CASE_MODELS);
    }
    tcase_add_loop_test(tcase,
                        narrower_kv_and_windows_each_change_the_logits_by_more_than_the_tolerance,
                        CASE_NARROW, numerics_is_slow() ? CASE_NARROW + 1 : CASE_MODELS);
    tcase_add_test(tcase, rotated_keys_are_right_as_long_as_nothing_is_truncated);
    tcase_add_test(tcase, a_llama2c_checkpoint_runs_with_its_pairing_of_dimensions);
    tcase_add_loop_test(tcase, a_safetensors_file_of_the_same_weights_gives_the_same_bits, 0,
                        CASE_MODELS);
    tcase_add_test(tcase, a_safetensors_file_of_bf16_gives_the_bits_of_its_values_as_floats);
    tcase_add_test(tcase, large_random_tensors_are_the_same_however_they_are_read);
    tcase_add_test(tcase, bf16_are_rounded_to_the_nearest_and_ties_to_even);
    tcase_add_test(tcase, weights_of_another_shape_are_refused_by_the_key_that_differs);
    tcase_add_test(tcase, what_the_kernels_cannot_do_is_refused);
    tcase_add_test(tcase, kv_of_another_width_is_refused_by_its_key);
    tcase_add_test(tcase, a_page_of_narrower_kv_has_more_tokens_in_as_many_bytes);
    tcase_add_loop_test(tcase, latent_kv_stored_narrower_is_the_reference_over_what_was_stored, 0,
                        4);
    tcase_add_loop_test(tcase, the_kv_of_a_token_takes_what_the_model_says, 0, CASE_MODELS);
    tcase_add_test(tcase, a_full_arena_is_told_with_what_was_asked_and_what_is_left);
    suite_add_tcase(suite, tcase);
    return suite;
}

static bool opens(const struct backend *candidate)
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20 };
    struct device *device;
    if (candidate->open(&config, &device, &err) != STATUS_OK)
        return false;
    candidate->close(device);
    return true;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "host";
    backend = numerics_backend(name);
    if (backend == NULL || !opens(backend)) {
        printf("backend %s: skipped, it does not open on this machine\n", name);
        return TEST_SKIPPED;
    }
    return test_main(suite());
}
