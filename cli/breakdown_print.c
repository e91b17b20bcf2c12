/* cli/breakdown_print.c - see breakdown_print.h; the tables. */
#include "cli/breakdown_print.h"

#include "base/units.h"
#include "cli/table.h"

#include <inttypes.h>

#define WIDTH_MOST 118
#define TEXT_BYTES 32

/* A quantity as a cell; "-" for nothing. */
static void add_quantity(struct table *table, double value, enum unit_kind kind)
{
    char text[TEXT_BYTES];
    table_add(table, "%s", value > 0 ? units_format(value, kind, text, sizeof text) : "-");
}

static void add_percent(struct table *table, double share)
{
    if (share > 0)
        table_add(table, "%.1f %%", 100 * share);
    else
        table_add(table, "-");
}

/* The first block of columns is the answer, the second its reasons. */
static void add_heading(struct table *table)
{
    static const char *const titles[] = {
        "operator", "times", "each",      "in all", "share",   "bound by", "FLOP",    "weights",
        "other",    "KV",    "FLOP/byte", "FLOP/s", "of peak", "HBM",      "of peak", "link",
    };
    table_init(table, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        table_add(table, "%s", titles[i]);
}

static void add_row(struct table *table, const struct breakdown_row *row, double iteration_ns,
                    const struct hardware *hardware)
{
    double bytes = breakdown_bytes(row), per_s = (double)NS_PER_S / row->ns;
    table_add(table, "%s", row->name);
    table_add(table, "%.4g", row->times);
    add_quantity(table, row->ns, UNIT_DURATION);
    add_quantity(table, row->times * row->ns, UNIT_DURATION);
    add_percent(table, row->times * row->ns / iteration_ns);
    table_add(table, "%s", bound_names[row->bound]);
    add_quantity(table, row->flop, UNIT_PLAIN);
    add_quantity(table, row->weight_bytes, UNIT_BYTES);
    add_quantity(table, row->activation_bytes, UNIT_BYTES);
    add_quantity(table, row->kv_bytes, UNIT_BYTES);
    add_quantity(table, bytes > 0 ? row->flop / bytes : 0, UNIT_PLAIN);
    add_quantity(table, row->flop * per_s, UNIT_FLOP_PER_S);
    add_percent(table, row->flop * per_s / hardware->flop_per_s);
    add_quantity(table, bytes * per_s, UNIT_BYTES_PER_S);
    add_percent(table, bytes * per_s / hardware->hbm_bytes_per_s);
    add_quantity(table, row->link_bytes * per_s, UNIT_BYTES_PER_S);
}

static void add_sum(struct table *table, const char *name, double times, double ns,
                    double iteration_ns)
{
    table_add(table, "%s", name);
    table_add(table, "%.4g", times);
    add_quantity(table, ns, UNIT_DURATION);
    add_quantity(table, times * ns, UNIT_DURATION);
    add_percent(table, times * ns / iteration_ns);
    for (uint32_t i = 5; i < table->columns; i++)
        table_add(table, "%s", "");
}

static void print_rows(FILE *out, const struct breakdown *breakdown, const struct model *model,
                       const struct hardware *hardware)
{
    struct table table;
    add_heading(&table);
    for (uint32_t i = 0; i < breakdown->rows; i++) {
        if (i == breakdown->layer_rows)
            add_sum(&table, "= the average layer", model->layers, breakdown->layer_ns,
                    breakdown->iteration_ns);
        add_row(&table, &breakdown->row[i], breakdown->iteration_ns, hardware);
    }
    add_sum(&table, "= the iteration", 1, breakdown->iteration_ns, breakdown->iteration_ns);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_quantity(FILE *out, const char *label, double value, enum unit_kind kind)
{
    char text[TEXT_BYTES];
    fprintf(out, "  %-32s %s\n", label, units_format(value, kind, text, sizeof text));
}

static void print_memory(FILE *out, const struct model *model, uint32_t ranks,
                         uint64_t kv_budget_tokens)
{
    uint64_t per_token = model_kv_bytes_per_token(model, ranks);
    fprintf(out, "\nHBM\n");
    print_quantity(out, "weights per GPU", (double)model_weight_bytes(model, ranks) / ranks,
                   UNIT_BYTES);
    print_quantity(out, "KV per token and GPU", (double)per_token / ranks, UNIT_BYTES);
    print_quantity(out, "KV per token, all GPUs", (double)per_token, UNIT_BYTES);
    fprintf(out, "  %-32s %" PRIu64 "\n", "tokens that fit beside", kv_budget_tokens);
}

static const char *verdict(const struct breakdown_link *link)
{
    return link->bytes_per_s <= 0 ? "no link" : link->gain > 1 ? "load" : "compute";
}

/* What a buyer asks: from which tier is a token's KV there sooner than it is computed? */
static void print_links(FILE *out, const struct breakdown *prefill, const struct model *model,
                        const struct hardware *hardware, uint32_t ranks)
{
    struct breakdown_links links = breakdown_links(prefill, model, hardware, ranks);
    struct table table;
    char even[TEXT_BYTES];
    fprintf(out,
            "\nloading against computing: this prefill makes %.0f tokens/s, as a link of %s "
            "would\n",
            links.prefill_tokens_per_s,
            units_format(links.even_bytes_per_s, UNIT_BYTES_PER_S, even, sizeof even));
    table_init(&table, 5);
    const char *titles[] = { "  from", "rate", "tokens/s", "against computing", "sooner is to" };
    for (int i = 0; i < 5; i++)
        table_add(&table, "%s", titles[i]);
    for (int i = 0; i < BREAKDOWN_LINKS; i++) {
        table_add(&table, "  %s", links.link[i].tier);
        add_quantity(&table, links.link[i].bytes_per_s, UNIT_BYTES_PER_S);
        table_add(&table, "%.0f", links.link[i].tokens_per_s);
        table_add(&table, "x%.2f", links.link[i].gain);
        table_add(&table, "%s", verdict(&links.link[i]));
    }
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

void breakdown_print_table(FILE *out, const struct model *model, const struct hardware *hardware,
                           uint32_t ranks, uint64_t kv_budget_tokens,
                           const struct breakdown *prefill, const struct breakdown *decode)
{
    fprintf(out,
            "\nprefill of %" PRIu64 " tokens after %" PRIu64 " cached ones; FLOP, bytes and rates "
            "are one GPU's\n",
            prefill->new_tokens, prefill->cached_tokens);
    print_rows(out, prefill, model, hardware);
    fprintf(out, "\ndecode step of %" PRIu32 " sequences with %" PRIu64 " tokens of context each\n",
            decode->batch, decode->context_tokens / decode->batch);
    print_rows(out, decode, model, hardware);
    print_memory(out, model, ranks, kv_budget_tokens);
    print_links(out, prefill, model, hardware, ranks);
}
