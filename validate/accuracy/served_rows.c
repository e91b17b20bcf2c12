/* validate/accuracy/served_rows.c - served runs as a table has them: InferenceMAX's, and NVIDIA's
 * own. */
#include "validate/accuracy/served.h"

#include "base/memory.h"
#include "base/table.h"
#include "models/models.h"
#include "validate/accuracy/folder.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* InferenceMAX (benchmarks/benchmark_lib.sh and one script a model, SemiAnalysisAI/InferenceX):
 * lengths by --random-range-ratio 0.8, --num-prompts 10 times --max-concurrency, --request-rate
 * inf, and the means that vLLM's benchmark_serving.py prints. NVIDIA's own (aiconfigurator's
 * benchmark template, aiperf): lengths alike; 20 requests for each in flight unless said otherwise.
 */
#define INFERENCEMAX_REQUESTS 10
#define AIPERF_REQUESTS 20

/* ---- names ---- */

struct search {
    const char *name;
    bool found;
};

static void look(const char *name, void *context)
{
    struct search *search = context;
    search->found |= strcmp(name, search->name) == 0;
}

static bool is_shipped(const char *kind, const char *name)
{
    struct search search = { .name = name };
    struct error err = { 0 };
    return models_list(kind, look, &search, &err) == STATUS_OK && search.found;
}

static bool cut_end(char *text, const char *end)
{
    size_t length = strlen(text), cut = strlen(end);
    if (length <= cut || strcmp(text + length - cut, end) != 0)
        return false;
    text[length - cut] = '\0';
    return true;
}

bool served_model(const char *hugging_face, char name[ACCURACY_NAME_BYTES])
{
    /* Said by the weights' owner or quantiser, and no part of the architecture. */
    static const char *const endings[] = {
        "-nvfp4", "-fp8", "-fp4", "-instruct", "-0528", "-2507"
    };
    static const char *const same[][2] = { { "deepseek-v3.1", "deepseek-v3" } };
    const char *slash = strrchr(hugging_face, '/');
    snprintf(name, ACCURACY_NAME_BYTES, "%s", slash == NULL ? hugging_face : slash + 1);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        cut_end(name, endings[i]);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (strcmp(name, same[i][0]) == 0)
            snprintf(name, ACCURACY_NAME_BYTES, "%s", same[i][1]);
    return is_shipped("llm", name);
}

/* ---- a row ---- */

struct columns {
    int id, source, backend, version, model, system, mode, prompt, reply, gemm;
    int batch, ranks, copies, expert_split, expert_ranks, ttft, tpot;
};

static enum status need_columns(const struct table *table, struct columns *columns,
                                struct error *err)
{
    const struct {
        const char *name;
        int *at;
    } wanted[] = {
        { "id", &columns->id },
        { "silicon_data_source", &columns->source },
        { "backend", &columns->backend },
        { "backend_version", &columns->version },
        { "model_path", &columns->model },
        { "system", &columns->system },
        { "mode", &columns->mode },
        { "isl", &columns->prompt },
        { "osl", &columns->reply },
        { "gemm_quant_mode", &columns->gemm },
        { "batch_size", &columns->batch },
        { "tp_size", &columns->ranks },
        { "attention_dp_size", &columns->copies },
        { "moe_tp_size", &columns->expert_split },
        { "moe_ep_size", &columns->expert_ranks },
        { "silicon_ttft_ms", &columns->ttft },
        { "silicon_tpot_ms", &columns->tpot },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (table_need(table, wanted[i].name, wanted[i].at, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* An empty field counts as 1; a disaggregated run has its own columns in the place of these. */
static enum status read_count(const struct table *table, uint32_t at, int column, uint32_t *count,
                              struct error *err)
{
    double value = 1.0;
    if (table_text(table, at, column)[0] != '\0' &&
        table_number(table, at, column, &value, err) != STATUS_OK)
        return err->status;
    if (value < 0.0 || value > 1e6)
        return table_refuse(table, at, column, "a count of 0 to 1,000,000", err);
    *count = value < 1.0 ? 1 : (uint32_t)value;
    return STATUS_OK;
}

static enum status read_ms(const struct table *table, uint32_t at, int column, double *ns,
                           struct error *err)
{
    double ms;
    if (table_number(table, at, column, &ms, err) != STATUS_OK)
        return err->status;
    if (ms <= 0.0)
        return table_refuse(table, at, column, "a time above 0", err);
    *ns = ms * 1e6;
    return STATUS_OK;
}

/* Of "a=1; b=2" what stands behind "b="; NULL: nothing. */
static const char *said(const char *source, const char *key)
{
    const char *at = strstr(source, key);
    return at == NULL ? NULL : at + strlen(key);
}

/* bf16, where nothing is said; gpt-oss's experts are mxfp4 whatever the row calls them. */
static void set_format(const struct table *table, uint32_t at, const struct columns *columns,
                       struct served_row *row)
{
    static const char *const words[][2] = { { "int4_wo", "int4" },
                                            { "bfloat16", "bf16" },
                                            { "", "bf16" } };
    const char *said_word = table_text(table, at, columns->gemm);
    snprintf(row->run.format, sizeof row->run.format, "%s", said_word);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], said_word) == 0)
            snprintf(row->run.format, sizeof row->run.format, "%s", words[i][1]);
    if (strncmp(row->run.model, "gpt-oss", 7) == 0)
        snprintf(row->run.format, sizeof row->run.format, "%s", "mxfp4");
}

/* Both exports write the GPUs of a server with expert parallelism as tensor ranks times expert
 * ranks (64 for 8 GPUs): experts' own split then is the count of GPUs. */
static void set_ranks(struct served_row *row, uint32_t ranks, uint32_t expert_split)
{
    row->run.ranks = ranks;
    if (row->expert_ranks > 1 && ranks == expert_split * row->expert_ranks && expert_split > 1)
        row->run.ranks = expert_split;
}

static void set_source(const struct table *table, uint32_t at, const struct columns *columns,
                       struct served_row *row)
{
    const char *source = table_text(table, at, columns->source);
    const char *measured = said(source, "measured=");
    bool own = strstr(source, "aic-auto-gap-analysis") != NULL; /* NVIDIA's */
    const char *in_flight = said(source, "silicon_concurrency=");
    row->uniform = !own;
    row->requests = (own ? AIPERF_REQUESTS : INFERENCEMAX_REQUESTS) * row->run.concurrency;
    if (measured != NULL)
        snprintf(row->month, sizeof row->month, "%.7s", measured);
    /* Fewer in a batch than in flight: several copies, whose experts are shared or not. */
    if (in_flight != NULL && strtoul(in_flight, NULL, 10) > row->run.concurrency &&
        row->expert_ranks > 1 && row->attention_copies == 1)
        row->attention_copies = (uint32_t)(strtoul(in_flight, NULL, 10) / row->run.concurrency);
    snprintf(row->run.engine, sizeof row->run.engine, "%.20s %s%.20s", row->backend,
             row->version[0] == '\0' ? "of " : "",
             row->version[0] == '\0' ? row->month : row->version);
}

static enum status read_numbers(const struct table *table, uint32_t at,
                                const struct columns *columns, struct served_row *row,
                                struct error *err)
{
    uint32_t ranks = 0, expert_split = 0;
    const struct {
        int column;
        uint32_t *count;
    } counts[] = {
        { columns->prompt, &row->run.prompt_tokens },  { columns->reply, &row->run.reply_tokens },
        { columns->batch, &row->run.concurrency },     { columns->ranks, &ranks },
        { columns->copies, &row->attention_copies },   { columns->expert_split, &expert_split },
        { columns->expert_ranks, &row->expert_ranks },
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (read_count(table, at, counts[i].column, counts[i].count, err) != STATUS_OK)
            return err->status;
    set_ranks(row, ranks, expert_split);
    if (read_ms(table, at, columns->ttft, &row->run.ttft_ns, err) != STATUS_OK)
        return err->status;
    return read_ms(table, at, columns->tpot, &row->run.tpot_ns, err);
}

/* It becomes a value of YAML. */
static bool is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return text[strspn(text, letters)] == '\0';
}

/* What cannot be simulated, and why. */
static void set_skipped(const char *hugging_face, struct served_row *row)
{
    char *why = row->run.skipped;
    size_t room = sizeof row->run.skipped;
    if (strcmp(row->mode, "agg") != 0)
        snprintf(why, room, "mode %s: prefill and decode on engines of their own", row->mode);
    else if (row->hardware[0] == '\0')
        snprintf(why, room, "GPU %s is not shipped", row->run.gpu);
    else if (!served_model(hugging_face, row->run.model))
        snprintf(why, room, "model %s is not shipped", row->run.model);
    else if (!is_word(row->run.format))
        snprintf(why, room, "weights in %s are not modelled", row->run.format);
    else if (row->attention_copies > 1)
        snprintf(why, room, "data-parallel attention is not modelled");
    else if (served_preset(row->backend) == NULL ||
             !served_version(row->backend, row->version, row->month, row->run.preset))
        snprintf(why, room, "engine %s is not shipped", row->backend);
}

static enum status read_row(const struct table *table, uint32_t at, const struct columns *columns,
                            struct served_row *row, struct error *err)
{
    const char *model = table_text(table, at, columns->model);
    struct accuracy_run *run = &row->run;
    *row = (struct served_row){ 0 };
    snprintf(run->id, sizeof run->id, "%s", table_text(table, at, columns->id));
    snprintf(row->backend, sizeof row->backend, "%s", table_text(table, at, columns->backend));
    snprintf(row->version, sizeof row->version, "%s", table_text(table, at, columns->version));
    snprintf(run->gpu, sizeof run->gpu, "%s", table_text(table, at, columns->system));
    snprintf(row->mode, sizeof row->mode, "%s", table_text(table, at, columns->mode));
    if (folder_hardware(run->gpu) != NULL && is_shipped("hardware", folder_hardware(run->gpu)))
        snprintf(row->hardware, sizeof row->hardware, "%s", folder_hardware(run->gpu));
    if (read_numbers(table, at, columns, row, err) != STATUS_OK)
        return err->status;
    served_model(model, run->model);
    set_format(table, at, columns, row);
    set_source(table, at, columns, row);
    set_skipped(model, row);
    return STATUS_OK;
}

/* ---- the table ---- */

/* One export calls DeepSeek-R1 V3, whose architecture it has. */
static bool is_same_run(const struct served_row *one, const struct served_row *other)
{
    const struct accuracy_run *a = &one->run, *b = &other->run;
    return a->ttft_ns == b->ttft_ns && a->tpot_ns == b->tpot_ns &&
           a->concurrency == b->concurrency && a->prompt_tokens == b->prompt_tokens &&
           a->reply_tokens == b->reply_tokens;
}

static void add_row(struct served *served, const struct served_row *row)
{
    for (uint32_t i = 0; i < served->rows; i++)
        if (is_same_run(&served->row[i], row))
            return;
    memory_grow(&served->row, &served->capacity, served->rows + 1, sizeof *served->row);
    served->row[served->rows++] = *row;
}

enum status served_read(const char *path, struct served *served, struct error *err)
{
    struct table table;
    struct columns columns;
    *served = (struct served){ 0 };
    if (table_open(path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = need_columns(&table, &columns, err);
    for (uint32_t i = 0; status == STATUS_OK && i < table_rows(&table); i++) {
        struct served_row row;
        status = read_row(&table, i, &columns, &row, err);
        if (status == STATUS_OK)
            add_row(served, &row);
    }
    table_free(&table);
    return status;
}

void served_free(struct served *served)
{
    free(served->row);
    *served = (struct served){ 0 };
}
