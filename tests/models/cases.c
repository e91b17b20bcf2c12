/* tests/models/cases.c - see cases.h. */
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>

struct model case_model(void)
{
    return (struct model){
        .name = "case",
        .source = "made up",
        .layers = 2,
        .hidden = 8,
        .heads = 4,
        .kv_heads = 2,
        .head_dim = 2,
        .ffn = 16,
        .gated_ffn = true,
        .vocabulary = 32,
        .context_window_tokens = 1024,
        .weight_bytes_per_parameter = 2,
        .kv_bytes_per_value = 2,
        .state_bytes_per_value = 2,
    };
}

struct hardware case_server(void)
{
    return (struct hardware){
        .name = "server",
        .source = "made up",
        .gpus = 4,
        .hbm_bytes = 1000000,
        .hbm_bytes_per_s = 1e9,
        .flop_per_s = 1e9,
        .gemm_efficiency = 1,
        .attention_efficiency = 1,
        .hbm_efficiency = 1,
        .allreduce_bytes_per_s = 1e9,
        .allreduce_latency_ns = 100,
        .kernel_launch_ns = 10,
        .iteration_overhead_ns = 1000,
        .hbm_utilisation = 1,
        .h2d_bytes_per_s = 1e9,
        .d2h_bytes_per_s = 1e9,
        .h2d_bytes_per_s_per_gpu = 1e9,
        .d2h_bytes_per_s_per_gpu = 1e9,
    };
}

static const char model_yaml[] = "name: case\n"
                                 "source: made up\n"
                                 "layers: 2\n"
                                 "hidden: 8\n"
                                 "heads: 4\n"
                                 "kv_heads: 2\n"
                                 "head_dim: 2\n"
                                 "ffn: 16\n"
                                 "vocabulary: 32\n"
                                 "context_window_tokens: 1024\n";

/* Nested keys by their full paths would not be YAML: each section stands on one line. */
static const char server_yaml[] =
    "name: server\n"
    "source: made up\n"
    "gpus: 4\n"
    "gpu: {hbm_bytes: 1MB, hbm_bytes_per_s: 1GB/s, flop_per_s: 1GFLOP/s, gemm_efficiency: 1, "
    "attention_efficiency: 1, hbm_efficiency: 1, kernel_launch: 10ns}\n"
    "allreduce: {bytes_per_s: 1GB/s, latency: 100ns}\n"
    "engine: {iteration_overhead: 1us, hbm_utilisation: 1, hbm_reserved_bytes: 0}\n"
    "pcie: {h2d_bytes_per_s: 1GB/s, d2h_bytes_per_s: 1GB/s, h2d_bytes_per_s_per_gpu: 1GB/s, "
    "d2h_bytes_per_s_per_gpu: 1GB/s, latency: 10us}\n"
    "dram: {bytes: 1GB}\n"
    "ssd: {bytes: 1TB, read_bytes_per_s: 5GB/s, write_bytes_per_s: 4GB/s, latency: 100us}\n"
    "price: {usd_per_gpu_hour: 5, usd_per_dram_gb_hour: 0.0088, usd_per_ssd_gb_hour: 0.000082}\n";

static char *case_file(const char *yaml, const char *changed)
{
    char text[4096];
    size_t used = 0, key_length = changed != NULL ? strcspn(changed, ":") + 1 : 0;
    bool replaced = changed == NULL;
    for (const char *line = yaml; *line != '\0'; line = strchr(line, '\n') + 1) {
        bool hit = changed != NULL && strncmp(line, changed, key_length) == 0;
        const char *written = hit ? changed : line;
        int length = (int)(hit ? strlen(changed) : strcspn(line, "\n"));
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s\n", length, written);
        replaced = replaced || hit;
    }
    if (!replaced)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", changed);
    ck_assert_uint_lt(used, sizeof text);
    return test_temp_file(text);
}

char *case_model_file(const char *changed)
{
    return case_file(model_yaml, changed);
}

char *case_server_file(const char *changed)
{
    return case_file(server_yaml, changed);
}

uint64_t case_line(const char *path, const char *text)
{
    char line[1024];
    uint64_t number = 0, found = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        number++;
        if (strstr(line, text) != NULL)
            found = number;
    }
    fclose(file);
    return found;
}

struct model shipped_model(const char *name)
{
    struct model model;
    struct error err = { 0 };
    if (model_load(name, &model, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("models/llm/%s.yaml does not load", name);
    }
    return model;
}

struct hardware shipped_hardware(const char *name)
{
    struct hardware hardware;
    struct error err = { 0 };
    if (hardware_load(name, &hardware, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("models/hardware/%s.yaml does not load", name);
    }
    return hardware;
}

struct hardware roofline_hardware(const char *name)
{
    struct hardware hardware = shipped_hardware(name);
    hardware.timing[0] = hardware.attention_file[0] = hardware.allreduce_timing[0] = '\0';
    return hardware;
}

static void keep_name(const char *name, void *context)
{
    struct case_names *names = context;
    ck_assert_uint_lt(names->count, sizeof names->name / sizeof *names->name);
    snprintf(names->name[names->count++], CONFIG_TEXT_BYTES, "%s", name);
}

struct case_names case_names(const char *kind)
{
    struct case_names names = { .count = 0 };
    struct error err = { 0 };
    ck_assert_int_eq(models_list(kind, keep_name, &names, &err), STATUS_OK);
    return names;
}
