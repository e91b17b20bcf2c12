/* tests/models/test_hf_mutations.c - configurations that are damaged at random, in their bytes and
 * in their fields: what is read is a model with sizes that can be, and the YAML made of it is the
 * same model; the rest is refused with the file's name. Never a crash, which the sanitized build
 * sees better. REPRISE_MUTATIONS=N: so many of each configuration. */
#include "base/memory.h"
#include "base/random.h"
#include "tests/models/cases.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = TRIES(20), CONFIGS_MOST = 256 };

struct configs {
    char path[CONFIGS_MOST][512];
    uint32_t count;
};

static struct configs find_configs(void)
{
    static struct configs configs;
    DIR *folder = opendir(TEST_CONFIGS);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *path = configs.path[configs.count];
        if (strstr(entry->d_name, ".json") == NULL || configs.count == CONFIGS_MOST - 1)
            continue;
        snprintf(path, 512, "%s/%.200s", TEST_CONFIGS, entry->d_name);
        json_t *object = json_load_file(path, 0, NULL); /* not those with Infinity */
        configs.count += object != NULL;
        json_decref(object);
    }
    closedir(folder);
    ck_assert_uint_gt(configs.count, 50);
    return configs;
}

static uint64_t rounds(void)
{
    const char *text = getenv("REPRISE_MUTATIONS");
    return text != NULL ? strtoull(text, NULL, 10) : ROUNDS;
}

/* A value that no file should have there, and some should. */
static json_t *nasty(struct random *random)
{
    static const char *const values[] = {
        "null",       "true",   "false",     "0",          "-1",     "1",
        "3",          "7",      "64",        "4096",       "1e300",  "2147483647",
        "2147483648", "0.5",    "4096.0",    "\"\"",       "\"64\"", "\"mamba\"",
        "[]",         "{}",     "[1, 0, 1]", "[[]]",       "[0]",    "[\"full_attention\"]",
        "\"M*-E\"",   "\"LG\"", "\"3,4,5\"", "{\"a\": 1}", "[null]", "9223372036854775807",
    };
    return json_loads(values[random_below(random, sizeof values / sizeof *values)], JSON_DECODE_ANY,
                      NULL);
}

static const char *any_key(const json_t *object, struct random *random)
{
    uint64_t chosen = random_below(random, json_object_size(object));
    void *at = json_object_iter((json_t *)object);
    while (chosen-- > 0)
        at = json_object_iter_next((json_t *)object, at);
    return json_object_iter_key(at);
}

/* One field of the object, or of the object that it holds, is gone or another. */
static void change_field(json_t *object, const json_t *other, struct random *random)
{
    if (json_object_size(object) == 0)
        return;
    const char *key = any_key(object, random);
    json_t *inner = json_object_get(object, key);
    if (json_is_object(inner) && json_object_size(inner) > 0 && random_below(random, 2) == 0) {
        change_field(inner, other, random);
        return;
    }
    switch (random_below(random, 4)) {
    case 0:
        json_object_del(object, key);
        break;
    case 1: { /* a field of another family's */
        const char *theirs = any_key(other, random);
        json_object_set_new(object, theirs, json_deep_copy(json_object_get(other, theirs)));
        break;
    }
    case 2:
        json_object_set_new(object, any_key(other, random), nasty(random));
        break;
    default:
        json_object_set_new(object, key, nasty(random));
    }
}

static char *damaged_fields(const char *path, const char *other_path, struct random *random)
{
    json_t *object = json_load_file(path, 0, NULL), *other = json_load_file(other_path, 0, NULL);
    ck_assert(json_is_object(object) && json_is_object(other));
    for (uint64_t i = 1 + random_below(random, 4); i > 0; i--)
        change_field(object, other, random);
    char *text = json_dumps(object, 0);
    json_decref(object);
    json_decref(other);
    return text;
}

static char *damaged_bytes(const char *path, struct random *random)
{
    static const char bytes[] = "{}[]\",:-0129eEnNI\\\xff\n tf";
    json_t *object = json_load_file(path, 0, NULL);
    char *text = json_dumps(object, 0);
    json_decref(object);
    size_t length = strlen(text);
    for (uint64_t i = 1 + random_below(random, 4); i > 0; i--)
        text[random_below(random, length)] = bytes[random_below(random, sizeof bytes - 1)];
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void is_the_same_as_yaml(const struct model *model, const char *yaml, const char *config,
                                const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s.yaml", config);
    write_text(path, yaml);
    struct model read;
    struct error err = { 0 };
    if (model_load(path, &read, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("its YAML is not read: %s\n%s", text, yaml);
    }
    ck_assert_msg(
        memcmp(&model->layers, &read.layers, sizeof read - offsetof(struct model, layers)) == 0,
        "its YAML is another model: %s\n%s", text, yaml);
    unlink(path);
}

static bool is_read(const char *text, const char *path)
{
    struct model model;
    struct error err = { 0 };
    char *yaml = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&yaml, &length);
    write_text(path, text);
    enum status status =
        model_import(path, &(struct model_import){ .name = "mutant" }, &model, out, &err);
    fclose(out);
    if (status == STATUS_OK) {
        struct error none = { 0 };
        ck_assert_int_eq(model_check(&model, path, &none), STATUS_OK);
        ck_assert_msg(model_parameters(&model) > 0 && model_kv_bytes_per_token(&model, 1) > 0, "%s",
                      text);
        is_the_same_as_yaml(&model, yaml, path, text);
    } else {
        ck_assert_msg(status == STATUS_INPUT && strcmp(err.file, path) == 0, "%s", text);
    }
    free(yaml);
    return status == STATUS_OK;
}

static void mutate(bool fields)
{
    struct configs configs = find_configs();
    struct random random = random_from(test_seed(), fields);
    char path[] = "/tmp/reprise-hf-mutation-XXXXXX";
    int handle = mkstemp(path);
    ck_assert_int_ge(handle, 0);
    close(handle);
    uint64_t read = 0, all = 0;
    for (uint32_t i = 0; i < configs.count; i++)
        for (uint64_t round = rounds(); round > 0; round--) {
            const char *other = configs.path[random_below(&random, configs.count)];
            char *text = fields ? damaged_fields(configs.path[i], other, &random)
                                : damaged_bytes(configs.path[i], &random);
            read += is_read(text, path);
            all++;
            free(text);
        }
    unlink(path);
    /* Some damage hurts nothing: what never passes, or always does, was no damage at all. */
    ck_assert_uint_gt(read, all / 50);
    ck_assert_uint_lt(read, all);
}

START_TEST(damaged_fields_are_read_or_refused)
{
    mutate(true);
}
END_TEST

START_TEST(damaged_bytes_are_read_or_refused)
{
    mutate(false);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/hf_mutations");
    TCase *tests = tcase_create("config.json, damaged");
    tcase_add_test(tests, damaged_fields_are_read_or_refused);
    tcase_add_test(tests, damaged_bytes_are_read_or_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
