/* tests/models/test_model.c - which files of a model are taken, and how the others are refused. */
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status load_changed(const char *changed, struct model *model, struct error *err)
{
    char *path = case_model_file(changed);
    enum status status = model_load(path, model, err);
    if (status != STATUS_OK)
        ck_assert_str_eq(err->file, path);
    if (err->line > 0)
        ck_assert_uint_eq(err->line, case_line(path, changed));
    unlink(path);
    free(path);
    return status;
}

START_TEST(every_shipped_file_loads_and_is_named_as_its_file)
{
    struct case_names names = case_names("llm");
    ck_assert_uint_ge(names.count, 10);
    for (uint32_t i = 0; i < names.count; i++) {
        struct model model = shipped_model(names.name[i]);
        ck_assert_str_eq(model.name, names.name[i]);
        ck_assert_msg(strlen(model.source) > 10, "%s says no source", model.name);
    }
}
END_TEST

START_TEST(what_the_file_says_is_what_the_struct_holds)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(load_changed(NULL, &model, &err), STATUS_OK);
    struct model expected = case_model();
    ck_assert_mem_eq(&model, &expected, offsetof(struct model, source));
    ck_assert_str_eq(model.source, expected.source);
    ck_assert_mem_eq(&model.layers, &expected.layers,
                     sizeof model - offsetof(struct model, layers));
}
END_TEST

START_TEST(a_bad_value_is_refused_with_its_key_and_line)
{
    static const struct {
        const char *line, *key;
    } refused[] = {
        { "layer: 2", "layer" },                  /* unknown */
        { "layers: 0", "layers" },                /* none */
        { "layers: -1", "layers" },               /* negative */
        { "layers: 257", "layers" },              /* absurd */
        { "layers: 2.5", "layers" },              /* not whole */
        { "layers: many", "layers" },             /* wrong type */
        { "layers: [2]", "layers" },              /* a sequence */
        { "layers: {count: 2}", "layers.count" }, /* a mapping */
        { "hidden: 8GB", "hidden" },              /* another kind's unit */
        { "hidden: 1e12", "hidden" },             /* absurd */
        { "heads: nan", "heads" },
        { "vocabulary: 0", "vocabulary" },
        { "context_window_tokens: 1e18", "context_window_tokens" },
        { "gated_ffn: 2", "gated_ffn" },     /* no bool */
        { "attention: flash", "attention" }, /* no choice */
        { "weight_bytes_per_parameter: 0", "weight_bytes_per_parameter" },
        { "kv_bytes_per_value: -2", "kv_bytes_per_value" },
        { "window: wide", "window" }, /* no choice */
        { "state: liquid", "state" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct model model;
        struct error err = { 0 };
        ck_assert_msg(load_changed(refused[i].line, &model, &err) == STATUS_INPUT, "%s",
                      refused[i].line);
        ck_assert_msg(err.line > 0, "%s: no line", refused[i].line);
        ck_assert_msg(strncmp(err.key, refused[i].key, strcspn(refused[i].key, ".")) == 0,
                      "%s: refused for %s", refused[i].line, err.key);
        ck_assert_uint_gt(strlen(err.expected), 0);
    }
}
END_TEST

START_TEST(a_key_that_must_be_given_is_asked_for)
{
    char *path = test_temp_file("name: case\nsource: made up\n");
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load(path, &model, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "layers");
    unlink(path);
    free(path);
}
END_TEST

START_TEST(numbers_that_contradict_each_other_are_refused_by_key)
{
    static const struct {
        const char *lines, *key;
    } refused[] = {
        { "kv_heads: 3", "kv_heads" },
        { "kv_heads: 8", "kv_heads" }, /* more than heads */
        { "attention: latent", "latent_dim" },
        { "attention: latent\nlatent_dim: 4", "rope_dim" },
        { "latent_dim: 4", "latent_dim" },
        { "rope_dim: 4", "rope_dim" },
        { "window_heads: 4", "window_heads" }, /* no layer has a window */
        { "window_layers: 1\nwindow_tokens: 8\nwindow_kv_heads: 3", "window_kv_heads" },
        { "shared_kv_layers: 2", "shared_kv_layers" }, /* none would keep any */
        { "shared_kv_layers: 1\nshared_kv_window_layers: 1", "shared_kv_window_layers" },
        { "index_layers: 1", "index_heads" },
        { "index_dim: 128", "index_dim" },
        { "expert_hidden: 4", "expert_hidden" },
        { "shared_expert_ffn: 4", "shared_expert_ffn" },
        { "ffn_layers: 9", "ffn_layers" },
        { "ffn: 0", "ffn" },
        { "experts_per_token: 2", "experts_per_token" },
        { "shared_experts: 1", "shared_experts" },
        { "expert_ffn: 4", "expert_ffn" },
        { "dense_layers: 1", "dense_layers" },
        { "experts: 4", "experts_per_token" },
        { "experts: 4\nexperts_per_token: 5", "experts_per_token" },
        { "experts: 4\nexperts_per_token: 2", "expert_ffn" },
        { "experts: 4\nexperts_per_token: 2\nexpert_ffn: 4\ndense_layers: 2", "dense_layers" },
        { "experts: 4\nexperts_per_token: 2\nexpert_ffn: 4", "ffn" }, /* of no dense layer */
        { "ffn: 0\nexperts: 4\nexperts_per_token: 2\nexpert_ffn: 4\ndense_layers: 1", "ffn" },
        { "expert_bytes_per_parameter: 1", "expert_bytes_per_parameter" },
        { "expert_format: mxfp4", "expert_format" },
        { "window_layers: 1", "window_tokens" },
        { "window_tokens: 8", "window_tokens" }, /* of no layer */
        { "window_layers: 3\nwindow_tokens: 8", "window_layers" },
        { "state_layers: 2", "state_layers" }, /* no layer with KV is left */
        { "ffn_only_layers: 2", "ffn_only_layers" },
        { "ffn_only_layers: 1\nstate_layers: 1", "state_layers" },
        { "state_dim: 4", "state_dim" }, /* of no layer */
        { "state_layers: 1\nstate_heads: 2\nstate_head_dim: 4", "state_dim" },
        { "state_layers: 1\nstate_heads: 2\nstate_head_dim: 4\nstate_dim: 4", "state_rank" },
        { "state_layers: 1\nstate: delta\nstate_heads: 2\nstate_head_dim: 4\nstate_dim: 4",
          "state_groups" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct model model;
        struct error err = { 0 };
        ck_assert_msg(load_changed(refused[i].lines, &model, &err) == STATUS_INPUT, "%s",
                      refused[i].lines);
        ck_assert_str_eq(err.key, refused[i].key);
    }
}
END_TEST

START_TEST(every_kind_of_layer_is_taken_when_complete)
{
    static const char *const taken[] = {
        "ffn: 0\nexperts: 4\nexperts_per_token: 2\nexpert_ffn: 4",
        "experts: 4\nexperts_per_token: 4\nexpert_ffn: 4\nshared_experts: 1\ndense_layers: 1",
        "attention: latent\nlatent_dim: 4\nrope_dim: 2\nquery_latent_dim: 6",
        "attention: latent\nlatent_dim: 4\nrope_dim: 2",
        "kv_heads: 1",
        "window_layers: 2\nwindow_tokens: 8\nwindow: chunked",
        "state_layers: 1\nstate_heads: 2\nstate_head_dim: 1\nstate_dim: 4\nstate_rank: 3",
        "state_layers: 1\nstate: linear\nstate_heads: 2\nstate_head_dim: 4\nstate_dim: 4\n"
        "state_groups: 2",
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct model model;
        struct error err = { 0 };
        ck_assert_msg(load_changed(taken[i], &model, &err) == STATUS_OK, "%s: %s, found %s",
                      err.key, err.expected, err.found);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/model");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, every_shipped_file_loads_and_is_named_as_its_file);
    tcase_add_test(tests, what_the_file_says_is_what_the_struct_holds);
    tcase_add_test(tests, a_bad_value_is_refused_with_its_key_and_line);
    tcase_add_test(tests, a_key_that_must_be_given_is_asked_for);
    tcase_add_test(tests, numbers_that_contradict_each_other_are_refused_by_key);
    tcase_add_test(tests, every_kind_of_layer_is_taken_when_complete);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
