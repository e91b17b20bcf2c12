/* tools/print_models.c - see print_models.h. */
#include "tools/print_models.h"

#include "base/table.h"
#include "models/models.h"

#include <inttypes.h>
#include <stdio.h>

static const char head[] =
    "# Published models beside what reprise makes of their configuration\n\n"
    "Made by `build/release/tools/print_reference models` from `tests/models/published.csv` and "
    "`tests/models/configs`;\ndo not edit. Each row is a Hugging Face `config.json`, as published; "
    "the test `models_hf_config` holds all of them.\n\n"
    "- *Parameters*: of the language model, as its maker or Hugging Face counts them, beside ours, "
    "without biases, norms,\n  vision towers and multi-token prediction.\n"
    "- *KV*: bytes a token, one copy, in the format that the configuration says, of all attention "
    "layers, windowed ones too.\n- *Window*: layers that see the last so many tokens only. "
    "*States*: "
    "layers that keep a state and no KV.\n\n"
    "| model | parameters, published | ours | off | source | KV a token, published | ours | from | "
    "window | states |\n|---|---:|---:|---:|---|---:|---:|---|---:|---:|\n";

static const char *text(const struct table *table, uint32_t row, const char *column)
{
    return table_text(table, row, table_column(table, column));
}

static void print_parameters(double published, uint64_t ours)
{
    double off = 100 * ((double)ours / published - 1);
    printf(" %.2f B | %.2f B | %+.2f %% |", published / 1e9, (double)ours / 1e9,
           off > -0.005 && off < 0.005 ? 0.0 : off);
}

static enum status print_row(const struct table *table, uint32_t row, struct error *err)
{
    char path[512];
    struct model model;
    double parameters = 0;
    const char *name = text(table, row, "model");
    snprintf(path, sizeof path, "%s/configs/%s.json", MODELS_TESTS, name);
    if (model_load(path, &model, err) != STATUS_OK ||
        table_number(table, row, table_column(table, "parameters"), &parameters, err) != STATUS_OK)
        return err->status;
    printf("| %s |", name);
    print_parameters(parameters, model_parameters(&model));
    printf(" %s | %s | %" PRIu64 " | %s |", text(table, row, "parameters_source"),
           text(table, row, "kv_bytes"), model_kv_bytes_per_token(&model, 1),
           text(table, row, "kv_source"));
    if (model.window_layers > 0)
        printf(" %" PRIu32 " x %" PRIu32 " |", model.window_layers, model.window_tokens);
    else
        printf(" |");
    if (model.state_layers > 0)
        printf(" %" PRIu32 " |\n", model.state_layers);
    else
        printf(" |\n");
    return STATUS_OK;
}

int print_models(void)
{
    struct table table;
    struct error err = { 0 };
    enum status status = table_open(MODELS_TESTS "/published.csv", &table, &err);
    if (status == STATUS_OK) {
        fputs(head, stdout);
        for (uint32_t row = 0; row < table_rows(&table) && status == STATUS_OK; row++)
            status = print_row(&table, row, &err);
        table_free(&table);
    }
    if (status == STATUS_OK)
        return 0;
    error_print(stderr, &err);
    return 3;
}
