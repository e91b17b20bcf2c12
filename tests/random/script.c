/* tests/random/script.c - see script.h. */
#include "tests/random/script.h"

#include "base/random.h"
#include "tests/random/draw.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
    struct random random;
    const struct names *names;
    struct settings *settings;
    struct script *script;
};

/* ---- words ---- */

static struct step *add_step(struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_word(struct step *step, const char *word, size_t length)
{
    if (step->words == STEP_WORDS_MOST || length >= STEP_WORD_BYTES)
        abort();
    memcpy(step->word[step->words], word, length);
    step->word[step->words++][length] = '\0';
}

/* A step of these words, parted by blanks. */
static struct step *add_step(struct script *script, const char *format, ...)
{
    char text[STEP_WORD_BYTES * 4];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (script->steps == SCRIPT_STEPS_MOST || length >= (int)sizeof text)
        abort();
    struct step *step = &script->step[script->steps++];
    step->same_as = -1;
    for (const char *at = text; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word > 0)
            add_word(step, at, word);
        at += word + (at[word] == ' ');
    }
    return step;
}

static struct step *with_settings(struct step *step)
{
    step->has_settings = true;
    return step;
}

/* ---- what is drawn ---- */

static const char *one_of(struct random *random, const struct name_list *list)
{
    return list->name[random_below(random, list->count)];
}

/* Up to three of the list's, no name twice, parted by commas. */
static void draw_names(struct random *random, const struct name_list *list, char *text,
                       size_t bytes)
{
    uint64_t count = 1 + random_below(random, 3);
    size_t length = 0;
    for (uint64_t i = 0; i < count && length < bytes; i++) {
        const char *name = one_of(random, list), *at = strstr(text, name);
        if (length == 0 || at == NULL)
            length += (size_t)snprintf(text + length, bytes - length, "%s%s", length > 0 ? "," : "",
                                       name);
    }
}

/* Nothing, or -p and policies or presets to compare; *runs grows by how many. */
static const char *draw_policies(struct drawing *drawing, char *text, size_t bytes)
{
    char list[300] = "";
    struct random *random = &drawing->random;
    uint64_t which = random_below(random, 8);
    *text = '\0';
    if (which < 4)
        return text;
    /* Presets are refused beside most keys of what they set. */
    draw_names(random, which == 4 ? &drawing->names->presets : &drawing->names->policies, list,
               sizeof list);
    drawing->script->runs *= 3.0;
    snprintf(text, bytes, "-p %s", list);
    return text;
}

/* Nothing, or -r and how many seeds: a trace has none to change. */
static const char *draw_seeds(struct drawing *drawing)
{
    static const char *const seeds[] = { "", "-r 2", "-r 3" };
    const char *trace = settings_value(drawing->settings, "trace");
    uint64_t which = trace != NULL && *trace != '\0' ? 0 : random_below(&drawing->random, 3);
    drawing->script->runs *= (double)(which + 1);
    return seeds[which];
}

struct rows {
    struct {
        char key[SETTING_KEY_BYTES];
        const struct config_row *row;
    } item[SETTINGS_MOST];
    uint32_t count;
};

static void note_row(const char *key, const struct config_row *row, void *context)
{
    struct rows *rows = context;
    if (rows->count == SETTINGS_MOST)
        abort();
    snprintf(rows->item[rows->count].key, SETTING_KEY_BYTES, "%s", key);
    rows->item[rows->count++].row = row;
}

/* Keys of which a value says how much work there is: their values are the experiment's. */
static bool makes_work(const char *key)
{
    static const char *const keys[] = { "trace",
                                        "import.",
                                        "max_turns",
                                        "warmup_turns",
                                        "workload.",
                                        "cluster.replicas",
                                        "engine.context_window",
                                        "placement.block_tokens" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(key, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

/* KEY=A,B of a random key; false: this one has no two values. */
static bool draw_axis(struct drawing *drawing, const struct rows *rows, char *text, size_t bytes)
{
    char value[2][CONFIG_TEXT_BYTES];
    uint64_t at = random_below(&drawing->random, rows->count);
    const char *key = rows->item[at].key;
    for (int i = 0; i < 2; i++)
        if (!draw_value(&drawing->random, drawing->names, drawing->settings, key,
                        rows->item[at].row, value[i]) ||
            strpbrk(value[i], " ,") != NULL || value[i][0] == '\0')
            return false;
    snprintf(text, bytes, "%s=%.250s,%.250s", key, value[0], value[1]);
    return !makes_work(key) && strcmp(value[0], value[1]) != 0;
}

/* One or two --vary. */
static void draw_axes(struct drawing *drawing, char *text, size_t bytes)
{
    struct rows rows = { .count = 0 };
    char axis[STEP_WORD_BYTES];
    settings_rows(note_row, &rows);
    uint64_t axes = 1 + random_below(&drawing->random, 2);
    size_t length = 0;
    for (int tries = 0; tries < 200 && axes > 0; tries++) {
        if (!draw_axis(drawing, &rows, axis, sizeof axis))
            continue;
        length += (size_t)snprintf(text + length, bytes - length, " --vary %s", axis);
        drawing->script->runs *= 2.0;
        axes--;
    }
}

/* ---- the kinds ---- */

/* Whether `trace gen` and `replay` take the key: one of the workload's shape, or of none. */
static bool is_of_shape(const char *key, const char *shape)
{
    static const char *const of_all[] = { "shape", "sessions_per_s", "concurrency", "seed" };
    static const char *const shapes[] = { "shared_prefix", "repeated_documents", "chat", "agents" };
    const char *name = key + strlen("workload.");
    if (strncmp(key, "workload.", strlen("workload.")) != 0)
        return true;
    for (size_t i = 0; i < sizeof of_all / sizeof *of_all; i++)
        if (strcmp(name, of_all[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strncmp(name, shapes[i], strlen(shapes[i])) == 0)
            return shape != NULL && strncmp(shape, name, 4) == 0;
    return shape == NULL || strcmp(shape, "sharegpt") == 0;
}

static void keep_shape(struct settings *settings)
{
    char shape[CONFIG_TEXT_BYTES];
    const char *set = settings_value(settings, "workload.shape");
    snprintf(shape, sizeof shape, "%s", set != NULL ? set : "");
    for (uint32_t i = 0; i < settings->count;)
        if (is_of_shape(settings->item[i].key, set != NULL ? shape : NULL))
            i++;
        else
            settings_remove(settings, settings->item[i].key);
}

static void draw_sim(struct drawing *drawing)
{
    char policies[320];
    struct script *script = drawing->script;
    const char *seeds = draw_seeds(drawing);
    draw_policies(drawing, policies, sizeof policies);
    struct step *step = with_settings(
        add_step(script, "sim --no-db --json -j " WORD_THREADS " %s %s", policies, seeds));
    step->says = SAYS_RUNS;
    with_settings(add_step(script, "sim --no-db -j " WORD_THREADS " %s %s", policies, seeds));
}

/* Rows, as JSON and as CSV, and the timeline of one run. */
static void draw_turns(struct drawing *drawing)
{
    struct script *script = drawing->script;
    struct step *step = with_settings(add_step(script, "sim --no-db --json --turns=t.jsonl"));
    step->says = SAYS_RUNS;
    step->file = "t.jsonl";
    step = with_settings(add_step(script, "sim --no-db --json --turns=t.csv --timeline=l.json"));
    step->says = SAYS_RUNS;
    step->file = "l.json";
    step->same_as = 0;
    script->has_turns = true;
}

/* A grid, as a whole, once more, and in parts that are merged; and its page. */
static void draw_sweep(struct drawing *drawing)
{
    char axes[STEP_WORD_BYTES * 3] = "";
    struct script *script = drawing->script;
    const char *seeds = draw_seeds(drawing);
    draw_axes(drawing, axes, sizeof axes);
    static const char *const places[] = { "whole.db -j " WORD_THREADS " --json", "whole.db --csv",
                                          "a.db -j " WORD_THREADS " --shard 1/2",
                                          "b.db -j " WORD_THREADS " --shard 2/2" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct step *step =
            with_settings(add_step(script, "sweep %s%s --db %s", seeds, axes, places[i]));
        step->says = i == 0 ? SAYS_JSON : i == 1 ? SAYS_IDS : SAYS_TEXT;
    }
    add_step(script, "db dump whole.db");
    add_step(script, "db merge all.db b.db a.db");
    add_step(script, "db dump all.db")->same_as = 4;
}

static void draw_size(struct drawing *drawing)
{
    static const char *const promises[] = { "ttft_p99=", "ttft_p50=", "e2e_p90=", "tbt_p99=" };
    struct random *random = &drawing->random;
    struct script *script = drawing->script;
    const char *promise = promises[random_below(random, sizeof promises / sizeof *promises)];
    uint64_t most_ms = draw_whole(random, 10.0, 1e6);
    script->runs *= 32.0;
    struct step *step = with_settings(add_step(
        script,
        "size --json --db z.db -j " WORD_THREADS " --slo %s%" PRIu64
        "ms --vary cluster.replicas=1,2 --vary gpus=1,2,4 --vary tiers.dram.capacity=0,64GB"
        " --vary ssd.drives=0",
        promise, most_ms));
    step->may_miss = true;
    step->says = SAYS_JSON;
}

/* Replay has no engine, whose window may have made contexts short: blocks of a token would be too
 * many. */
static void keep_blocks_few(struct settings *settings)
{
    const char *tokens = settings_value(settings, "placement.block_tokens");
    if (settings_value(settings, "engine.context_window") != NULL && tokens != NULL &&
        strlen(tokens) < 3)
        settings_set(settings, "placement.block_tokens", "100");
}

static void draw_replay(struct drawing *drawing)
{
    char policies[300] = "";
    struct random *random = &drawing->random;
    keep_shape(drawing->settings);
    keep_blocks_few(drawing->settings);
    draw_names(random, &drawing->names->policies, policies, sizeof policies);
    drawing->script->runs *= 8.0;
    static const char *const ways[] = { "", "--inclusive", "--write-through", "--leaf-only" };
    const char *way = ways[random_below(random, 4)];
    char ssd[40] = "";
    if (random_below(random, 2) == 0 || strcmp(way, "--inclusive") == 0 ||
        strcmp(way, "--write-through") == 0)
        snprintf(ssd, sizeof ssd, "--ssd-blocks %" PRIu64, draw_whole(random, 1.0, 1e5));
    struct step *step = with_settings(add_step(
        drawing->script,
        "replay --json -j " WORD_THREADS " -p %s --blocks %" PRIu64 ",%" PRIu64 " %s %s", policies,
        draw_whole(random, 1.0, 1000.0), draw_whole(random, 1000.0, 1e6), ssd, way));
    step->says = SAYS_JSON;
}

/* A turn's story is the same from its row and from the run once more; and a page of the run. */
static void draw_explain(struct drawing *drawing)
{
    struct script *script = drawing->script;
    uint64_t turn = 1 + random_below(&drawing->random, 30);
    with_settings(add_step(script, "sim --db kept.db --keep-turns"));
    with_settings(add_step(script, "sim --db none.db"))->same_as = 0;
    add_step(script, "explain --db kept.db");
    add_step(script, "explain --db kept.db 1 %" PRIu64, turn);
    add_step(script, "explain --db none.db 1 %" PRIu64, turn)->same_as = 3;
}

/* GNUPLOT draws none: pictures are tested elsewhere, and take longer than all else here. */
static void draw_report(struct drawing *drawing)
{
    char policies[320], axes[STEP_WORD_BYTES * 3] = "";
    struct script *script = drawing->script;
    draw_policies(drawing, policies, sizeof policies);
    with_settings(add_step(script, "sim --db r.db -j " WORD_THREADS " %s", policies));
    add_step(script, "report --db r.db -o r.html")->file = "r.html";
    draw_axes(drawing, axes, sizeof axes);
    with_settings(add_step(script, "sweep --db s.db -j " WORD_THREADS "%s", axes));
    add_step(script, "report --db s.db --live -o s.html")->file = "s.html";
}

/* What was written, read and written once more is the same file. */
static void draw_trace(struct drawing *drawing)
{
    static const char *const formats[] = { "mooncake", "session-csv", "agentic", "azure" };
    struct random *random = &drawing->random;
    struct script *script = drawing->script;
    const char *format = formats[random_below(random, 4)],
               *other = formats[random_below(random, 4)];
    const char *trace = settings_value(drawing->settings, "trace");
    if (trace != NULL && *trace != '\0') {
        char from[CONFIG_TEXT_BYTES];
        snprintf(from, sizeof from, "%s", trace);
        settings_remove(drawing->settings, "trace"); /* --set trace= and a file are two */
        with_settings(add_step(script, "trace convert %s a --lossy --to %s", from, format));
    } else {
        keep_shape(drawing->settings);
        with_settings(add_step(script, "trace gen a --to %s", format));
    }
    add_step(script, "trace info a --json")->says = SAYS_JSON;
    /* What counts its times from the first request does so from here on. */
    add_step(script, "trace convert a b --to %s", format);
    struct step *step = add_step(script, "trace convert b c --to %s", format);
    step->file = "b";
    step->same_file = "c";
    add_step(script, "trace convert b x --lossy --to %s", other);
    add_step(script, "trace info x --json")->says = SAYS_JSON;
    step = add_step(script, "trace scale b d --rate 1 --sessions 1");
    step->file = "b";
    step->same_file = "d";
    add_step(script, "trace scale a e --rate 2 --sessions 1.5 --lossy")->file = "e";
    add_step(script, "trace info e --json")->says = SAYS_JSON;
}

/* A workload that was made smaller has fewer turns than a long warm-up: refused, mostly. */
static void shorten_warmup(struct drawing *drawing)
{
    const char *warmup = settings_value(drawing->settings, "warmup_turns");
    if (warmup != NULL && strlen(warmup) > 1 && random_below(&drawing->random, 10) > 0)
        settings_set(drawing->settings, "warmup_turns", "3");
}

static const struct kind {
    const char *name;
    void (*draw)(struct drawing *drawing);
    uint32_t share;
} kinds[] = {
    { "sim", draw_sim, 3 },       { "turns", draw_turns, 2 },   { "sweep", draw_sweep, 2 },
    { "size", draw_size, 1 },     { "replay", draw_replay, 2 }, { "explain", draw_explain, 2 },
    { "report", draw_report, 1 }, { "trace", draw_trace, 2 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

void script_draw(uint64_t seed, struct settings *settings, const struct names *names,
                 struct script *script)
{
    const uint64_t stream = 7919; /* none of draw.c's, which are hashes of keys */
    memset(script, 0, sizeof *script);
    script->runs = 1.0;
    struct drawing drawing = { random_from(seed, stream), names, settings, script };
    uint32_t shares = 0;
    for (int i = 0; i < KINDS; i++)
        shares += kinds[i].share;
    uint64_t at = random_below(&drawing.random, shares);
    int kind = 0;
    while (at >= kinds[kind].share)
        at -= kinds[kind++].share;
    script->kind = kinds[kind].name;
    shorten_warmup(&drawing);
    kinds[kind].draw(&drawing);
}

void script_print(FILE *out, const struct script *script, const struct settings *settings)
{
    for (uint32_t i = 0; i < script->steps; i++) {
        const struct step *step = &script->step[i];
        fputs(i > 0 ? "\n    reprise" : "reprise", out);
        for (uint32_t k = 0; k < step->words; k++)
            fprintf(out, " %s", strcmp(step->word[k], WORD_THREADS) == 0 ? "1" : step->word[k]);
        for (uint32_t k = 0; step->has_settings && k < settings->count; k++)
            fprintf(out, " --set '%s=%s'", settings->item[k].key, settings->item[k].value);
    }
}
