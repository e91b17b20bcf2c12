/* tests/models/test_timing_measured.c - the roofline's layers against those that Vidur measured
 * (microsoft/vidur, data/profiling, MIT): the table of docs/model.md. Skipped without
 * $REPRISE_DATA.
 *
 * Vidur timed each linear and element-wise operator, not attention, storing KV or all-reduces:
 * these are taken out of the prediction. The constants of the A100's and H100's files were fitted
 * to these same matrix products, so the errors of the whole are in-sample; the element-wise
 * operators were not fitted. */
#include "tests/models/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 80
#define ROWS_MAX 4000

static const struct {
    const char *column;
    int times; /* in a layer */
} operators[] = {
    { "time_stats.input_layernorm.median", 1 },
    { "time_stats.attn_pre_proj.median", 1 },
    { "time_stats.attn_rope.median", 1 },
    { "time_stats.attn_post_proj.median", 1 },
    { "time_stats.post_attention_layernorm.median", 1 },
    { "time_stats.mlp_up_proj.median", 1 },
    { "time_stats.mlp_act.median", 1 },
    { "time_stats.mlp_down_proj.median", 1 },
    { "time_stats.add.median", 2 },
};

static const struct {
    uint64_t first, last;
} ranges[] = { { 1, 64 }, { 65, 512 }, { 513, 2047 }, { 2048, 4096 } };

#define RANGES (sizeof ranges / sizeof *ranges)

/* Relative errors of one GPU by ranks (1, 2, 4, 8: their logarithm) and range of tokens. */
struct errors {
    double error[4][RANGES][ROWS_MAX];
    uint32_t count[4][RANGES];
};

struct table {
    char header[16384], row[16384];
    char *name[COLUMNS_MAX], *value[COLUMNS_MAX];
    uint32_t columns;
};

static uint32_t split(char *line, char *field[COLUMNS_MAX])
{
    uint32_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *next = line; next != NULL && count < COLUMNS_MAX;) {
        field[count++] = next;
        next = strchr(next, ',');
        if (next != NULL)
            *next++ = '\0';
    }
    return count;
}

static double value_of(const struct table *table, const char *name)
{
    for (uint32_t i = 0; i < table->columns; i++)
        if (strcmp(table->name[i], name) == 0)
            return table->value[i][0] != '\0' ? strtod(table->value[i], NULL) : NAN;
    ck_abort_msg("no column %s", name);
    return NAN;
}

/* Vidur has no vocabulary or depth in these numbers: a layer is all that is compared. */
static struct model measured_model(const struct table *table)
{
    struct model model = case_model();
    model.heads = (uint32_t)value_of(table, "n_head");
    model.kv_heads = (uint32_t)value_of(table, "n_kv_head");
    model.hidden = (uint32_t)value_of(table, "n_embd");
    model.head_dim = model.hidden / model.heads;
    model.ffn = (uint32_t)value_of(table, "n_expanded_embd");
    return model;
}

/* The engine that Vidur timed adds each residual in a kernel of its own and then norms it: five
 * values in two kernels, where a norm that adds reads and writes four in one. */
static void take_norms_apart(struct timing *timing, const struct model *model,
                             const struct hardware *hardware)
{
    const double norms = 2, value_bytes = 2;
    double bytes_per_ns = hardware->hbm_efficiency * hardware->hbm_bytes_per_s / 1e9;
    timing->layer_ns += norms * (double)hardware->kernel_launch_ns;
    timing->layer_token_ns += norms * model->hidden * value_bytes / bytes_per_ns;
}

static double predicted_ns(const struct model *model, struct hardware hardware, uint32_t ranks,
                           uint64_t tokens)
{
    hardware.allreduce_latency_ns = 0;
    hardware.allreduce_bytes_per_s = 1e30;
    struct timing timing = timing_new(model, &hardware, ranks);
    timing.full_rates.pair_ns = timing.full_rates.query_stream_ns = timing.full_rates.kv_stream_ns =
        0;
    timing.layer_ns -= 2 * (double)hardware.kernel_launch_ns; /* attention, storing KV */
    take_norms_apart(&timing, model, &hardware);
    return (double)timing_prefill(&timing, tokens, 0).layer_ns;
}

/* NAN where an operator was not timed (rows of one kind of model lack a column). */
static double measured_ns(const struct table *table)
{
    double sum = 0;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        sum += operators[i].times * value_of(table, operators[i].column) * 1e6;
    return sum;
}

static void add_row(const struct table *table, const struct hardware *hardware,
                    struct errors *errors)
{
    struct model model = measured_model(table);
    uint32_t ranks = (uint32_t)value_of(table, "num_tensor_parallel_workers");
    uint64_t tokens = (uint64_t)value_of(table, "num_tokens");
    double measured = measured_ns(table);
    ck_assert_double_gt(measured, 0);
    uint32_t doubling = ranks == 1 ? 0 : ranks == 2 ? 1 : ranks == 4 ? 2 : 3;
    for (size_t r = 0; r < RANGES; r++)
        if (tokens >= ranges[r].first && tokens <= ranges[r].last) {
            uint32_t *count = &errors->count[doubling][r];
            ck_assert_uint_lt(*count, ROWS_MAX);
            errors->error[doubling][r][(*count)++] =
                predicted_ns(&model, *hardware, ranks, tokens) / measured - 1;
        }
}

static void add_file(const char *gpu, const char *model, const struct hardware *hardware,
                     struct errors *errors)
{
    static struct table table;
    char name[128];
    snprintf(name, sizeof name, "measurements/%s_%s_mlp.csv", gpu, model);
    const char *path = test_data(name);
    ck_assert_msg(path != NULL, "no %s", name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(table.header, sizeof table.header, file));
    table.columns = split(table.header, table.name);
    while (fgets(table.row, sizeof table.row, file) != NULL) {
        ck_assert_uint_eq(split(table.row, table.value), table.columns);
        add_row(&table, hardware, errors);
    }
    fclose(file);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* Prints signed and absolute median; returns the absolute one. */
static double print_cell(double *errors, uint32_t count)
{
    double bias = median(errors, count);
    for (uint32_t i = 0; i < count; i++)
        errors[i] = fabs(errors[i]);
    double absolute = median(errors, count);
    printf(" %6.1f (%+6.1f)", 100 * absolute, 100 * bias);
    return absolute;
}

/* Prints the table; returns its worst median error of at least 2,048 tokens and below. */
static void compare(const char *gpu, const char *hardware_name, double *worst_long,
                    double *worst_any)
{
    static const char *const models[] = { "Llama-2-7b-hf", "internlm-20b", "Llama-2-70b-hf" };
    static struct errors errors;
    struct hardware hardware = roofline_hardware(hardware_name);
    memset(&errors, 0, sizeof errors);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        add_file(gpu, models[m], &hardware, &errors);
    printf(
        "median error of a layer in %% (and bias): 1-64, 65-512, 513-2,047, 2,048-4,096 tokens\n");
    *worst_long = *worst_any = 0;
    for (uint32_t doubling = 0; doubling < 4; doubling++) {
        printf("%s, %u ranks:", gpu, 1u << doubling);
        for (size_t r = 0; r < RANGES; r++) {
            double error = print_cell(errors.error[doubling][r], errors.count[doubling][r]);
            *worst_any = fmax(*worst_any, error);
            if (r == RANGES - 1)
                *worst_long = fmax(*worst_long, error);
        }
        printf("\n");
    }
}

/* The bounds are the table's worst cells, rounded up: they say when a change makes it worse. */
START_TEST(layers_on_an_a100_are_within_the_documented_error)
{
    double worst_long, worst_any;
    compare("a100", "a100-80gb", &worst_long, &worst_any);
    ck_assert_double_lt(worst_long, 0.06);
    ck_assert_double_lt(worst_any, 0.19);
}
END_TEST

START_TEST(layers_on_an_h100_are_within_the_documented_error)
{
    double worst_long, worst_any;
    compare("h100", "h100", &worst_long, &worst_any);
    ck_assert_double_lt(worst_long, 0.12);
    ck_assert_double_lt(worst_any, 0.18);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/timing_measured");
    TCase *tests = tcase_create("vidur");
    tcase_add_test(tests, layers_on_an_a100_are_within_the_documented_error);
    tcase_add_test(tests, layers_on_an_h100_are_within_the_documented_error);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    if (test_data("measurements/a100_Llama-2-7b-hf_mlp.csv") == NULL)
        return TEST_SKIPPED;
    return test_main(suite());
}
