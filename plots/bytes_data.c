/* plots/bytes_data.c - see bytes_data.h. What crosses two links stands in both links' bars. */
#include "plots/bytes_data.h"

#include "plots/gnuplot_text.h"
#include "plots/ticks.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum end { END_HBM, END_DRAM, END_SSD, END_POOL, ENDS };
enum { PARTS_MOST = 8, LINKS = 6 };

#define OF(member) offsetof(struct metrics, member)

/* A link's causes, each by the tier that it takes from or brings to. */
static const struct link {
    const char *name;
    struct part {
        enum end end;
        size_t offset; /* into struct metrics */
    } part[PARTS_MOST];
    uint32_t parts;
} links[LINKS] = {
    { "to GPU",
      { { END_DRAM, OF(load_dram_hbm_bytes) },
        { END_SSD, OF(load_ssd_hbm_bytes) },
        { END_POOL, OF(load_remote_hbm_bytes) } },
      3 },
    { "from GPU",
      { { END_DRAM, OF(save_hbm_dram_bytes) }, { END_SSD, OF(save_hbm_ssd_bytes) } },
      2 },
    { "SSD read",
      { { END_HBM, OF(load_ssd_hbm_bytes) },
        { END_DRAM, OF(fetch_ssd_dram_bytes) },
        { END_POOL, OF(demote_ssd_remote_bytes) } },
      3 },
    { "SSD write",
      { { END_HBM, OF(save_hbm_ssd_bytes) },
        { END_DRAM, OF(demote_dram_ssd_bytes) },
        { END_DRAM, OF(write_dram_ssd_bytes) } },
      3 },
    { "pool read",
      { { END_HBM, OF(load_remote_hbm_bytes) }, { END_DRAM, OF(fetch_remote_dram_bytes) } },
      2 },
    { "pool write",
      { { END_DRAM, OF(write_dram_remote_bytes) },
        { END_DRAM, OF(demote_dram_remote_bytes) },
        { END_SSD, OF(demote_ssd_remote_bytes) } },
      3 },
};

/* A run of an older reprise may lack a metric. */
static double bytes_of(const struct metrics *metrics, const struct part *part)
{
    double bytes = metric_at(metrics, part->offset);
    return isnan(bytes) ? 0.0 : bytes;
}

static double link_bytes(const struct metrics *metrics, const struct link *link)
{
    double bytes = 0.0;
    for (uint32_t p = 0; p < link->parts; p++)
        bytes += bytes_of(metrics, &link->part[p]);
    return bytes;
}

static double all_bytes(const struct metrics *metrics)
{
    double bytes = 0.0;
    for (int l = 0; l < LINKS; l++)
        bytes += link_bytes(metrics, &links[l]);
    return bytes;
}

/* What is being laid out. */
struct bars {
    FILE *out;
    uint32_t count, names, place;
    bool ends[ENDS];
    double most; /* bytes of the longest */
};

static void put_text(FILE *out, const char *array, uint32_t at, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%s[%u]", array, at);
    gnuplot_put_variable(out, name, text);
}

static void put_parts(struct bars *bars, const struct metrics *metrics, const struct link *link)
{
    double from = 0.0;
    for (uint32_t p = 0; p < link->parts; p++) {
        double bytes = bytes_of(metrics, &link->part[p]);
        if (bytes <= 0.0)
            continue;
        fprintf(bars->out, "%u %.17g %.17g %d\n", bars->place, from, from + bytes,
                link->part[p].end + 1);
        from += bytes;
        bars->ends[link->part[p].end] = true;
    }
    bars->most = fmax(bars->most, from);
}

/* Parts first, then labels: gnuplot's blocks hold nothing but data. */
static void lay_out(struct bars *bars, const struct compared *compared, bool parts)
{
    bars->place = bars->count = bars->names = 0;
    for (uint32_t i = 0; i < compared->count; i++) {
        const struct metrics *metrics = &compared->run[i].metrics;
        if (all_bytes(metrics) <= 0.0)
            continue;
        bars->names++;
        if (!parts) {
            put_text(bars->out, "byte_name", bars->names, compared->run[i].name);
            fprintf(bars->out, "byte_name_place[%u] = %u\n", bars->names, bars->place);
        }
        bars->place++;
        for (int l = 0; l < LINKS; l++) {
            if (link_bytes(metrics, &links[l]) <= 0.0)
                continue;
            bars->count++;
            if (parts) {
                put_parts(bars, metrics, &links[l]);
            } else {
                put_text(bars->out, "byte_label", bars->count, links[l].name);
                fprintf(bars->out, "byte_place[%u] = %u\nbyte_total[%u] = %.17g\n", bars->count,
                        bars->place, bars->count, link_bytes(metrics, &links[l]));
            }
            bars->place++;
        }
    }
}

static void put_idle(FILE *out, const struct compared *compared)
{
    char text[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < compared->count && used < sizeof text; i++)
        if (all_bytes(&compared->run[i].metrics) <= 0.0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                                     compared->run[i].name);
    fputs("byte_idle = ", out);
    gnuplot_put_string(out, text);
    fputc('\n', out);
}

void bytes_data_write(FILE *out, const struct compared *compared)
{
    struct bars bars = { .out = out };
    uint32_t most = compared->count * LINKS;
    fputs("$bytes << END\n", out);
    lay_out(&bars, compared, true);
    fputs("END\n", out);
    fprintf(out, "array byte_place[%u]\narray byte_label[%u]\narray byte_total[%u]\n", most, most,
            most);
    fprintf(out, "array byte_name[%u]\narray byte_name_place[%u]\narray byte_tiers[%d]\n",
            compared->count, compared->count, ENDS);
    lay_out(&bars, compared, false);
    fprintf(out, "byte_bars = %u\nbyte_names = %u\nbyte_rows = %u\n", bars.count, bars.names,
            bars.place);
    for (int end = 0; end < ENDS; end++)
        fprintf(out, "byte_tiers[%d] = %d\n", end + 1, bars.ends[end]);
    put_idle(out, compared);
    struct ticks ticks = ticks_make(TICK_BYTES, 0.0, bars.most, true);
    ticks_write(out, "x", &ticks);
}
