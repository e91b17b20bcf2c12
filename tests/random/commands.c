/* tests/random/commands.c - see commands.h. */
#include "tests/random/commands.h"

#include "base/memory.h"
#include "tests/random/asked.h"
#include "tests/random/ran.h"
#include "tests/random/said.h"
#include "tests/random/script.h"
#include "tests/random/work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { WORDS_MOST = STEP_WORDS_MOST + 2 * SETTINGS_MOST + 2 };

/* The first: as of a program that nobody told anything. */
static const struct surroundings plain = { "1", "C", "UTC0" };

void commands_open(struct commands *commands, const char *program, const struct names *names)
{
    *commands = (struct commands){ .program = program,
                                   .names = names,
                                   .root = REPRISE_ROOT,
                                   .folder = ran_folder(),
                                   .locales = ran_folder() };
    commands->comma_locale = ran_comma_locale(commands->locales);
}

void commands_close(struct commands *commands)
{
    ran_remove(commands->folder);
    ran_remove(commands->locales);
    free(commands->folder);
    free(commands->locales);
}

/* Threads, the decimal point and the clock's zone, all at once: what differs is found by hand. */
static struct surroundings other_of(const struct commands *commands, uint64_t seed)
{
    static const char *const zones[] = { "XXX-5:45", "CET-1CEST,M3.5.0,M10.5.0/3", "YYY+11" };
    return (struct surroundings){ .threads = seed % 2 == 0 ? "8" : "2",
                                  .locale =
                                      commands->comma_locale != NULL ? commands->comma_locale : "C",
                                  .zone = zones[seed % 3] };
}

/* ---- the settings ---- */

/* Files of the tree are named from its root; commands run elsewhere. */
static struct settings from_root(const struct settings *settings, const char *root)
{
    struct settings whole = *settings;
    for (uint32_t i = 0; i < whole.count; i++) {
        struct setting *setting = &whole.item[i];
        if (strcmp(setting->key, "trace") == 0 && setting->value[0] != '\0')
            snprintf(setting->value, sizeof setting->value, "%.120s/%.120s", root,
                     settings->item[i].value);
    }
    return whole;
}

/* 1: it is refused. */
static double steps_of(const struct settings *settings)
{
    struct experiment experiment;
    struct asked asked;
    struct error ignored = { 0 };
    if (settings_experiment(settings, &experiment, &ignored) != STATUS_OK ||
        asked_read(&experiment, &asked, &ignored) != STATUS_OK)
        return 1.0;
    return work_steps(&experiment, &asked);
}

/* ---- performing ---- */

/* A script as it was performed once. */
struct performance {
    struct ran ran[SCRIPT_STEPS_MOST];
    uint32_t steps; /* that ran: behind one that does not end well there are none */
    char *file[SCRIPT_STEPS_MOST], *same_file[SCRIPT_STEPS_MOST], *rows[2];
    uint64_t file_bytes[SCRIPT_STEPS_MOST], same_file_bytes[SCRIPT_STEPS_MOST], rows_bytes[2];
};

struct stage {
    const struct commands *commands;
    struct script script;
    struct settings settings; /* the script's, which took its own out of them */
    double bound_s;
    uint64_t bound_bytes;
};

static void set_stage(struct stage *stage, const struct commands *commands, uint64_t seed,
                      const struct settings *settings, double most_cpu_s)
{
    stage->commands = commands;
    stage->settings = from_root(settings, commands->root);
    double steps = steps_of(&stage->settings);
    script_draw(seed, &stage->settings, commands->names, &stage->script);
    trial_bounds(steps * stage->script.runs, &stage->bound_s, &stage->bound_bytes);
    if (most_cpu_s > 0.0 && most_cpu_s < stage->bound_s)
        stage->bound_s = most_cpu_s;
}

static struct ran perform_step(const struct stage *stage, const struct step *step,
                               const struct surroundings *around)
{
    static char assignment[SETTINGS_MOST][SETTING_KEY_BYTES + CONFIG_TEXT_BYTES];
    const char *words[WORDS_MOST] = { "reprise" };
    uint32_t count = 1;
    for (uint32_t i = 0; i < step->words; i++)
        words[count++] = strcmp(step->word[i], WORD_THREADS) == 0 ? around->threads : step->word[i];
    for (uint32_t i = 0; step->has_settings && i < stage->settings.count; i++) {
        const struct setting *setting = &stage->settings.item[i];
        snprintf(assignment[i], sizeof assignment[i], "%s=%s", setting->key, setting->value);
        words[count++] = "--set";
        words[count++] = assignment[i];
    }
    return ran_program(stage->commands->program, words, stage->commands->folder, around,
                       stage->bound_s);
}

/* Takes the first column out of the lines. */
static void strip_ids(struct ran *ran)
{
    char *to = ran->out;
    for (const char *line = ran->out; *line != '\0';) {
        size_t length = strcspn(line, "\n"), id = strcspn(line, ",\n");
        memmove(to, line + id, length - id + 1);
        to += length - id + (line[length] == '\n');
        line += length + (line[length] == '\n');
    }
    *to = '\0';
    ran->out_bytes = (uint64_t)(to - ran->out);
}

/* "40 % 12 runs, 10.0 s: ...": how far it is, told every ten seconds. */
static bool is_progress(const char *line)
{
    line += strspn(line, " ");
    size_t digits = strspn(line, "0123456789");
    return digits > 0 && strncmp(line + digits, " % ", 3) == 0;
}

/* What depends on how fast the machine is: no result does. */
static void strip_progress(struct ran *ran)
{
    char *to = ran->err;
    for (const char *line = ran->err; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        bool stays = !is_progress(line);
        memmove(to, line, stays ? length : 0);
        to += stays ? length : 0;
        line += length;
    }
    *to = '\0';
    ran->err_bytes = (uint64_t)(to - ran->err);
}

static bool went_well(const struct step *step, const struct ran *ran)
{
    return ran->code == 0 || (ran->code == 1 && step->may_miss);
}

static void perform(const struct stage *stage, const struct surroundings *around,
                    struct performance *performance)
{
    const struct script *script = &stage->script;
    const char *folder = stage->commands->folder;
    memset(performance, 0, sizeof *performance);
    ran_empty(folder);
    for (uint32_t i = 0; i < script->steps; i++) {
        const struct step *step = &script->step[i];
        performance->ran[i] = perform_step(stage, step, around);
        performance->steps++;
        strip_progress(&performance->ran[i]);
        if (step->says == SAYS_IDS)
            strip_ids(&performance->ran[i]);
        if (!went_well(step, &performance->ran[i]))
            return;
        if (step->file != NULL)
            performance->file[i] = ran_read(folder, step->file, &performance->file_bytes[i]);
        if (step->same_file != NULL)
            performance->same_file[i] =
                ran_read(folder, step->same_file, &performance->same_file_bytes[i]);
    }
    if (script->has_turns) {
        performance->rows[0] = ran_read(folder, "t.jsonl", &performance->rows_bytes[0]);
        performance->rows[1] = ran_read(folder, "t.csv", &performance->rows_bytes[1]);
    }
}

static void performance_free(struct performance *performance)
{
    for (uint32_t i = 0; i < performance->steps; i++) {
        ran_free(&performance->ran[i]);
        free(performance->file[i]);
        free(performance->same_file[i]);
    }
    free(performance->rows[0]);
    free(performance->rows[1]);
}

/* ---- what was wrong ---- */

static void add_fault(struct trial *trial, const struct script *script, uint32_t step,
                      const char *what, const char *detail)
{
    if (trial->faults == TRIAL_FAULTS_MOST)
        return;
    struct fault *fault = &trial->fault[trial->faults++];
    const char *verb = script->step[step].word[0];
    snprintf(fault->kind, sizeof fault->kind, "%.20s, %.20s: %.110s", script->kind, verb, what);
    snprintf(fault->detail, sizeof fault->detail, "step %" PRIu32 ": %.480s", step, detail);
}

static void judge_ending(struct trial *trial, const struct stage *stage, uint32_t i,
                         const struct ran *ran)
{
    char wrong[SAID_BYTES], what[SAID_BYTES];
    const struct step *step = &stage->script.step[i];
    if (ran->is_late)
        add_fault(trial, &stage->script, i, "no end", "");
    else if (trial_kind_of_heard(ran->err, what))
        add_fault(trial, &stage->script, i, what, ran->err);
    else if (ran->code == 2 && said_is_refusal(ran->out, ran->err, wrong))
        trial->is_refused = i == 0;
    else if (!went_well(step, ran)) {
        snprintf(what, sizeof what, ran->code < 0 ? "died: signal %d" : "exit %d",
                 ran->code < 0 ? -ran->code : ran->code);
        add_fault(trial, &stage->script, i, ran->code == 2 ? wrong : what, ran->err);
    }
    if (ran->peak_bytes > stage->bound_bytes) {
        snprintf(what, sizeof what, "%.1f MB", (double)ran->peak_bytes / 1e6);
        add_fault(trial, &stage->script, i, "memory", what);
    }
}

static bool is_same(const char *a, uint64_t a_bytes, const char *b, uint64_t b_bytes)
{
    return a != NULL && b != NULL && a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
}

/* The first line in which they differ, of the second. */
static const char *first_difference(const char *a, const char *b)
{
    const char *line = b;
    while (a != NULL && b != NULL && *a != '\0' && *a == *b) {
        line = *b == '\n' ? b + 1 : line;
        a++;
        b++;
    }
    return line != NULL ? line : "";
}

static void judge_step(struct trial *trial, const struct stage *stage, uint32_t i,
                       const struct performance *performance)
{
    const struct script *script = &stage->script;
    const struct step *step = &script->step[i];
    const struct ran *ran = &performance->ran[i];
    char wrong[SAID_BYTES];
    bool holds = step->says == SAYS_TEXT || step->says == SAYS_IDS
                     ? said_is_text(ran->out, false, wrong)
                     : said_is_json(ran->out, ran->out_bytes, step->says, wrong);
    if (!holds || !said_is_text(ran->err, false, wrong))
        add_fault(trial, script, i, wrong, ran->out);
    if (step->file != NULL &&
        (performance->file_bytes[i] == 0 || !said_is_text(performance->file[i], true, wrong)))
        add_fault(trial, script, i, performance->file_bytes[i] == 0 ? "no file" : wrong,
                  step->file);
    const struct ran *other = step->same_as >= 0 ? &performance->ran[step->same_as] : NULL;
    if (other != NULL && !is_same(ran->out, ran->out_bytes, other->out, other->out_bytes))
        add_fault(trial, script, i, "says another thing than before",
                  first_difference(other->out, ran->out));
    if (step->same_file != NULL &&
        !is_same(performance->file[i], performance->file_bytes[i], performance->same_file[i],
                 performance->same_file_bytes[i]))
        add_fault(trial, script, i, "writes another file than it read",
                  first_difference(performance->file[i], performance->same_file[i]));
}

static void judge(struct trial *trial, const struct stage *stage,
                  const struct performance *performance)
{
    const struct script *script = &stage->script;
    char wrong[SAID_BYTES];
    for (uint32_t i = 0; i < performance->steps; i++) {
        const struct ran *ran = &performance->ran[i];
        trial->cpu_s += ran->cpu_s;
        judge_ending(trial, stage, i, ran);
        if (went_well(&script->step[i], ran))
            judge_step(trial, stage, i, performance);
    }
    if (performance->rows[0] != NULL && performance->rows[1] != NULL &&
        !said_are_rows(performance->ran[0].out, performance->rows[0], performance->rows[1], wrong))
        add_fault(trial, script, 1, wrong, "");
}

/* Pages tell when their runs were made; all else is the same whenever. */
static bool tells_time(const struct step *step)
{
    return strcmp(step->word[0], "report") == 0;
}

static void compare(struct trial *trial, const struct stage *stage, const struct performance *a,
                    const struct performance *b)
{
    for (uint32_t i = 0; i < a->steps && i < b->steps; i++) {
        const struct step *step = &stage->script.step[i];
        const struct ran *one = &a->ran[i], *two = &b->ran[i];
        if (one->code != two->code)
            add_fault(trial, &stage->script, i, "ends otherwise elsewhere", two->err);
        else if (!is_same(one->out, one->out_bytes, two->out, two->out_bytes))
            add_fault(trial, &stage->script, i, "says another thing elsewhere",
                      first_difference(one->out, two->out));
        else if (!is_same(one->err, one->err_bytes, two->err, two->err_bytes))
            add_fault(trial, &stage->script, i, "warns of another thing elsewhere",
                      first_difference(one->err, two->err));
        else if (step->file != NULL && !tells_time(step) && a->file[i] != NULL &&
                 !is_same(a->file[i], a->file_bytes[i], b->file[i], b->file_bytes[i]))
            add_fault(trial, &stage->script, i, "writes another thing elsewhere",
                      first_difference(a->file[i], b->file[i]));
    }
}

/* ---- the trial ---- */

struct trial commands_trial(const struct commands *commands, uint64_t seed,
                            const struct settings *settings, double most_cpu_s)
{
    static struct stage stage;
    struct performance here, elsewhere;
    struct trial trial = { 0 };
    const struct surroundings other = other_of(commands, seed);
    set_stage(&stage, commands, seed, settings, most_cpu_s);
    perform(&stage, &plain, &here);
    judge(&trial, &stage, &here);
    if (trial.is_refused)
        snprintf(trial.refusal, sizeof trial.refusal, "%.600s", here.ran[here.steps - 1].err);
    if (trial.faults == 0) {
        perform(&stage, &other, &elsewhere);
        judge(&trial, &stage, &elsewhere);
        compare(&trial, &stage, &here, &elsewhere);
        performance_free(&elsewhere);
    }
    performance_free(&here);
    return trial;
}

uint64_t commands_digest(const struct commands *commands, uint64_t seed,
                         const struct settings *settings, const char **kind)
{
    static struct stage stage;
    struct performance performance;
    set_stage(&stage, commands, seed, settings, 0.0);
    perform(&stage, &plain, &performance);
    *kind = stage.script.kind;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < performance.steps; i++) {
        const struct ran *ran = &performance.ran[i];
        hash = XXH64(&ran->code, sizeof ran->code, hash);
        hash = XXH64(ran->out, ran->out_bytes, hash);
        hash = XXH64(ran->err, ran->err_bytes, hash);
        if (performance.file[i] != NULL && !tells_time(&stage.script.step[i]))
            hash = XXH64(performance.file[i], performance.file_bytes[i], hash);
    }
    performance_free(&performance);
    return hash;
}

void commands_print(FILE *out, const struct commands *commands, uint64_t seed,
                    const struct settings *settings)
{
    static struct stage stage;
    set_stage(&stage, commands, seed, settings, 0.0);
    script_print(out, &stage.script, &stage.settings);
}
