/* tests/models/test_engine_version.c - which keys a version lays on which GPU, and what a file of
 * one is refused for. */
#include "models/versions.h"
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "summary: made up\nversion: none\n"

static struct hardware gpu(const char *device, double hbm_gib)
{
    struct hardware hardware = { .hbm_bytes = (uint64_t)(hbm_gib * (1 << 30)), .gpus = 8 };
    snprintf(hardware.name, sizeof hardware.name, "server");
    snprintf(hardware.device, sizeof hardware.device, "%s", device);
    return hardware;
}

/* The key's value once the version is laid under own; "": it has none. */
static const char *laid(const char *version, struct hardware hardware, uint32_t gpus,
                        const char *own, const char *key)
{
    static char value[CONFIG_TEXT_BYTES];
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(own, "own", &tree, &err), STATUS_OK);
    enum status status = engine_version_lay(version, &hardware, gpus, tree, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.file, err.expected, err.found);
    const char *text = config_tree_value(tree, key);
    snprintf(value, sizeof value, "%s", text != NULL ? text : "");
    config_tree_free(tree);
    return value;
}

static void check_batch(const char *version, const char *device, double hbm_gib, uint32_t gpus,
                        const char *batch, const char *tokens)
{
    struct hardware hardware = gpu(device, hbm_gib);
    ck_assert_str_eq(laid(version, hardware, gpus, "{}", "engine.batch"), batch);
    ck_assert_str_eq(laid(version, hardware, gpus, "{}", "engine.chunk_tokens"), tokens);
}

START_TEST(limits_are_the_engines_on_that_gpu)
{
    /* vllm/engine/arg_utils.py: from 70 GiB on, not an A100; before 0.9 an A100 too. */
    check_batch("vllm-0.19", "NVIDIA H100 80GB HBM3", 79.2, 1, "1024", "8192");
    check_batch("vllm-0.19", "NVIDIA A100-SXM4-80GB", 79.2, 1, "256", "2048");
    check_batch("vllm-0.19", "nvidia a100-sxm4-80gb", 79.2, 1, "256", "2048");
    check_batch("vllm-0.8", "NVIDIA A100-SXM4-80GB", 79.2, 1, "1024", "8192");
    check_batch("vllm-0.19", "NVIDIA L4", 22.1, 1, "256", "2048");
    check_batch("vllm-0.12", "at the limit", 70, 1, "1024", "8192");
    check_batch("vllm-0.12", "below it", 69.99, 1, "256", "2048");
    check_batch("vllm-2023", "NVIDIA H100 80GB HBM3", 79.2, 8, "256", "4096");
    /* sglang/srt/server_args.py: a chunk by HBM. */
    check_batch("sglang-0.5", "NVIDIA L4", 22.1, 1, "2048", "2048");
    check_batch("sglang-0.5", "NVIDIA L40S", 44.4, 1, "2048", "4096");
    check_batch("sglang-0.5", "NVIDIA H100 80GB HBM3", 79.2, 4, "2048", "8192");
    check_batch("sglang-0.5", "NVIDIA B200", 178.4, 8, "2048", "16384");
    check_batch("trtllm-1.0", "NVIDIA L4", 22.1, 1, "2048", "8192");
}
END_TEST

START_TEST(sglang_withholds_by_chunk_graphs_and_ranks)
{
    struct hardware h100 = gpu("NVIDIA H100 80GB HBM3", 79.2);
    ck_assert_str_eq(laid("sglang-0.5", h100, 1, "{}", "engine.hbm_withheld"), "13440MiB");
    ck_assert_str_eq(laid("sglang-0.5", h100, 3, "{}", "engine.hbm_withheld"), "13440MiB");
    ck_assert_str_eq(laid("sglang-0.5", h100, 4, "{}", "engine.hbm_withheld"), "14336MiB");
}
END_TEST

START_TEST(the_last_row_that_holds_goes_first_and_ones_own_key_before_all)
{
    char *path = test_temp_file(HEAD "keys: {engine.batch: 1, engine.chunk_tokens: 10}\n"
                                     "by_gpu:\n"
                                     "  any:\n    keys: {engine.batch: 2}\n"
                                     "  many:\n    when: {gpus_at_least: 2}\n"
                                     "    keys: {engine.batch: 3}\n"
                                     "  large:\n    when: {hbm_at_least: 1TB}\n"
                                     "    keys: {engine.batch: 4}\n");
    struct hardware hardware = gpu("", 80);
    ck_assert_str_eq(laid(path, hardware, 1, "{}", "engine.batch"), "2");
    ck_assert_str_eq(laid(path, hardware, 2, "{}", "engine.batch"), "3");
    ck_assert_str_eq(laid(path, hardware, 2, "{}", "engine.chunk_tokens"), "10");
    ck_assert_str_eq(laid(path, hardware, 2, "{engine: {batch: 7}}", "engine.batch"), "7");
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_gpu_without_a_name_of_its_own_is_called_as_its_server)
{
    char *path = test_temp_file(HEAD "keys: {engine.batch: 1}\n"
                                     "by_gpu:\n"
                                     "  other:\n    when: {device_without: Serv}\n"
                                     "    keys: {engine.batch: 2}\n");
    ck_assert_str_eq(laid(path, gpu("", 80), 1, "{}", "engine.batch"), "1");
    ck_assert_str_eq(laid(path, gpu("NVIDIA X", 80), 1, "{}", "engine.batch"), "2");
    unlink(path);
    free(path);
}
END_TEST

START_TEST(what_is_no_part_of_a_version_is_refused_by_its_name)
{
    static const struct {
        const char *yaml, *key;
    } cases[] = {
        { "keyz: {engine.batch: 1}\n", "keyz" },
        { "by_gpu: {x: {wen: {gpus_at_least: 2}}}\n", "wen" },
        { "by_gpu: {x: {when: {hbm_at_most: 1GB}}}\n", "hbm_at_most" },
        { "by_gpu: {x: {when: {hbm_at_least: much}}}\n", "hbm_at_least" },
        { "by_gpu: {x: {when: {gpus_at_least: 0}}}\n", "gpus_at_least" },
    };
    struct hardware hardware = gpu("", 80);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, HEAD "%s", cases[i].yaml);
        char *path = test_temp_file(yaml);
        struct config_tree *tree = NULL;
        struct error err = { 0 };
        ck_assert_int_eq(config_tree_parse("{}", "own", &tree, &err), STATUS_OK);
        ck_assert_msg(engine_version_lay(path, &hardware, 1, tree, &err) == STATUS_INPUT, "%s",
                      cases[i].yaml);
        ck_assert_msg(strstr(err.key, cases[i].key) != NULL ||
                          strstr(err.found, cases[i].key) != NULL ||
                          strstr(err.file, cases[i].key) != NULL,
                      "%s: %s, %s", cases[i].yaml, err.file, err.found);
        config_tree_free(tree);
        unlink(path);
        free(path);
    }
}
END_TEST

static void has_a_summary(const char *name, void *context)
{
    char summary[CONFIG_TEXT_BYTES];
    struct error err = { 0 };
    ck_assert_msg(engine_version_summary(name, summary, &err) == STATUS_OK, "%s", name);
    ck_assert_str_ne(laid(name, gpu("", 80), 1, "{}", "engine.batch"), "");
    ++*(uint32_t *)context;
}

START_TEST(every_shipped_version_is_read)
{
    uint32_t count = 0;
    struct error err = { 0 };
    ck_assert_int_eq(models_list("versions", has_a_summary, &count, &err), STATUS_OK);
    ck_assert_uint_ge(count, 7);
    struct config_tree *tree = NULL;
    struct hardware hardware = gpu("", 80);
    ck_assert_int_eq(config_tree_parse("{}", "own", &tree, &err), STATUS_OK);
    ck_assert_int_eq(engine_version_lay("vllm-9", &hardware, 1, tree, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "vllm-0.19"));
    config_tree_free(tree);
}
END_TEST

START_TEST(a_servers_own_goes_before_measured_times_and_those_before_the_current_one)
{
    struct hardware hardware = gpu("NVIDIA L4", 22.1);
    ck_assert_str_eq(engine_version_of(&hardware), ENGINE_VERSION_CURRENT);
    strcpy(hardware.measured_file, "times.csv");
    ck_assert_str_eq(engine_version_of(&hardware), ENGINE_VERSION_NONE);
    strcpy(hardware.engine_version, "trtllm-1.0");
    ck_assert_str_eq(engine_version_of(&hardware), "trtllm-1.0");
    hardware.measured_file[0] = '\0';
    ck_assert_str_eq(engine_version_of(&hardware), "trtllm-1.0");
    strcpy(hardware.engine_version, ENGINE_VERSION_NONE);
    ck_assert_str_eq(engine_version_of(&hardware), ENGINE_VERSION_NONE);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("engine_version");
    TCase *tcase = tcase_create("laid");
    tcase_add_test(tcase, limits_are_the_engines_on_that_gpu);
    tcase_add_test(tcase, sglang_withholds_by_chunk_graphs_and_ranks);
    tcase_add_test(tcase, the_last_row_that_holds_goes_first_and_ones_own_key_before_all);
    tcase_add_test(tcase, a_gpu_without_a_name_of_its_own_is_called_as_its_server);
    tcase_add_test(tcase, what_is_no_part_of_a_version_is_refused_by_its_name);
    tcase_add_test(tcase, every_shipped_version_is_read);
    tcase_add_test(tcase, a_servers_own_goes_before_measured_times_and_those_before_the_current_one);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
