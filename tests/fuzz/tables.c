/* tests/fuzz/tables.c - CSV tables: as tables, and by each reader of measurements that others
 * publish. */
#include "tests/fuzz/fuzz.h"

#include "base/table.h"
#include "tests/fuzz/input.h"
#include "validate/accuracy/served.h"
#include "validate/accuracy/timed.h"
#include "validate/calibrate/kernel_tables.h"
#include "validate/calibrate/profile.h"
#include "validate/calibrate/profile_attention.h"
#include "validate/calibrate/profile_collectives.h"

#include <math.h>
#include <string.h>

static enum status read_table(const char *path, struct error *err)
{
    struct table table;
    if (table_open(path, &table, err) != STATUS_OK)
        return err->status;
    double value;
    size_t length = 0;
    for (uint32_t row = 0; row < table_rows(&table); row++)
        for (int column = 0; column < (int)table.columns; column++) {
            struct error ignored = { 0 };
            length += strlen(table_text(&table, row, column));
            if (table_number(&table, row, column, &value, &ignored) == STATUS_OK)
                FUZZ_EXPECT(isfinite(value));
        }
    FUZZ_EXPECT(table.columns == 0 || table_column(&table, table.text + table.field[0]) == 0);
    FUZZ_EXPECT(length < SIZE_MAX);
    table_free(&table);
    return STATUS_OK;
}

static enum status read_profile(const char *path, struct error *err)
{
    struct profile profile = { 0 };
    enum status status = profile_read(path, "h100", &profile, err);
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++) {
        FUZZ_EXPECT(profile.row[i].model < profile.models);
        FUZZ_EXPECT(profile.row[i].measured_ns > 0.0 && isfinite(profile.row[i].measured_ns));
    }
    profile_free(&profile);
    return status;
}

static enum status read_attention(const char *path, struct error *err)
{
    struct attention_profile profile = { 0 };
    enum status status = attention_profile_read(path, "h100", &profile, err);
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++)
        FUZZ_EXPECT(profile.launch[i].measured_ns > 0.0 && isfinite(profile.launch[i].measured_ns));
    attention_profile_free(&profile);
    return status;
}

static enum status read_collectives(const char *path, struct error *err)
{
    struct collective_profile profile = { 0 };
    enum status status = collective_profile_read(path, "h100", &profile, err);
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++)
        FUZZ_EXPECT(profile.row[i].measured_ns > 0.0 && isfinite(profile.row[i].measured_ns));
    collective_profile_free(&profile);
    return status;
}

static enum status read_products(const char *path, struct error *err)
{
    struct table table;
    struct product_rows rows = { 0 };
    if (table_open(path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = product_rows_add(&rows, &table, 50000000, err);
    product_rows_free(&rows);
    table_free(&table);
    return status;
}

static enum status read_experts(const char *path, struct error *err)
{
    struct table table;
    struct expert_rows rows = { 0 };
    if (table_open(path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = expert_rows_add(&rows, &table, err);
    expert_rows_free(&rows);
    table_free(&table);
    return status;
}

static enum status read_served(const char *path, struct error *err)
{
    struct served served = { 0 };
    enum status status = served_read(path, &served, err);
    for (uint32_t i = 0; status == STATUS_OK && i < served.rows && i < 4; i++) {
        struct config_tree *tree = NULL;
        struct error ignored = { 0 };
        if (served_experiment(&served.row[i], &tree, &ignored) == STATUS_OK)
            config_tree_free(tree);
    }
    served_free(&served);
    return status;
}

static enum status read_timed(const char *path, struct error *err)
{
    struct timed_requests requests = { 0 };
    enum status status = timed_read(path, &requests, err);
    for (uint32_t i = 0; status == STATUS_OK && i < requests.count; i++) {
        const struct timed_request *request = &requests.request[i];
        FUZZ_EXPECT(request->queued_ns <= request->first_token_ns &&
                    request->first_token_ns <= request->last_token_ns);
    }
    timed_free(&requests);
    return status;
}

/* Names tell the GPU and the model of a table. */
struct table_kind_of_file {
    const char *name;
    enum status (*read)(const char *path, struct error *err);
};

static void run_table(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    const struct table_kind_of_file *kind = target->about;
    struct error err = { 0 };
    if (kind->read(input_named(kind->name, bytes, size), &err) != STATUS_OK)
        FUZZ_EXPECT(err.status != STATUS_OK && err.expected[0] != '\0');
}

static const struct table_kind_of_file table = { "t.csv", read_table },
                                       profile = { "h100_llama-2-7b_mlp.csv", read_profile },
                                       attention = { "lls_h100_llama-3.1-8b_tp1_attention.csv",
                                                     read_attention },
                                       collectives = { "aic_h100_sxm_nccl.csv", read_collectives },
                                       products = { "aic_h100_sxm_gemm.csv", read_products },
                                       experts = { "aic_h100_sxm_moe.csv", read_experts },
                                       served = { "aic_silicon_e2e.csv", read_served },
                                       timed = { "lls_run_h100.jsonl", read_timed };

const struct fuzz_target fuzz_tables[] = {
    { "table", "tables", run_table, &table },
    { "profile_layers", "tables", run_table, &profile },
    { "profile_attention", "tables", run_table, &attention },
    { "profile_collectives", "tables", run_table, &collectives },
    { "profile_products", "tables", run_table, &products },
    { "profile_experts", "tables", run_table, &experts },
    { "served_runs", "tables", run_table, &served },
    { "timed_requests", "tables", run_table, &timed },
    { .name = NULL },
};
