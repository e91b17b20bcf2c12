/* models/hf_quant_regex.c - Python's regular expressions in POSIX's words, as far as both know the
 * same. Sources: docs.python.org/3/library/re.html; regex(7). */
#include "models/hf_quant.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MOST 1024 /* characters of a pattern */
#define REPEATS_MOST 255  /* of {m,n}: POSIX's RE_DUP_MAX, and what compiles in bounded memory */

/* glibc writes a repeated part out as often as it is repeated ("+": twice), within each other; how
 * far the parts then reach is kept for each of them. */
#define PARTS_MOST 2048
#define GROUPS_MOST 64

struct translation {
    const char *at;
    char text[4 * PATTERN_MOST];
    size_t used;
    bool in_class, failed;
    /* What is written out: of each group that is open, and of what was put last, which may be
     * repeated. */
    uint64_t parts[GROUPS_MOST], last;
    uint32_t group;
    bool repeated; /* what was put last is a repeat: another one is an error in Python */
};

/* A character, a class, or a group that is closed. */
static void count_part(struct translation *to, uint64_t parts)
{
    to->last = parts;
    to->repeated = false;
    to->parts[to->group] += parts;
    to->failed |= to->parts[to->group] > PARTS_MOST;
}

static void count_repeat(struct translation *to, uint64_t times)
{
    to->failed |= to->repeated;
    to->parts[to->group] -= to->last;
    count_part(to, to->last * (times > 0 ? times : 1));
    to->repeated = true;
}

static void count_open(struct translation *to)
{
    to->failed |= to->group + 1 == GROUPS_MOST;
    to->group += !to->failed;
    to->parts[to->group] = 1;
    to->last = 0;
    to->repeated = false;
}

static void count_close(struct translation *to)
{
    to->failed |= to->group == 0;
    if (to->failed)
        return;
    uint64_t parts = to->parts[to->group--];
    count_part(to, parts);
}

static void put(struct translation *to, const char *text)
{
    size_t length = strlen(text);
    if (to->used + length >= sizeof to->text) {
        to->failed = true;
        return;
    }
    memcpy(to->text + to->used, text, length + 1);
    to->used += length;
}

static void put_character(struct translation *to, char character)
{
    put(to, (char[2]){ character, '\0' });
}

/* What stands behind a backslash. In a class of characters POSIX has no escapes. */
static void put_escape(struct translation *to, char escape)
{
    static const struct {
        char letter;
        const char *plain, *in_class; /* NULL: not there */
    } escapes[] = {
        { 'd', "[0-9]", "0-9" },
        { 'D', "[^0-9]", NULL },
        { 'w', "[A-Za-z0-9_]", "A-Za-z0-9_" },
        { 'W', "[^A-Za-z0-9_]", NULL },
        { 's', "[[:space:]]", "[:space:]" },
        { 'S', "[^[:space:]]", NULL },
        { 'Z', "$", NULL },
        { 'A', "^", NULL },
        { 'b', "\\b", NULL }, /* glibc knows it */
        { 'B', "\\B", NULL },
    };
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (escapes[i].letter == escape) {
            const char *text = to->in_class ? escapes[i].in_class : escapes[i].plain;
            to->failed |= text == NULL;
            put(to, text != NULL ? text : "");
            return;
        }
    if (escape == '\0' || isalnum((unsigned char)escape)) {
        to->failed = true; /* \1, \n, \x41 */
        return;
    }
    if (!to->in_class)
        put_character(to, '\\');
    else if (strchr("]^-", escape) != NULL)
        to->failed = true; /* their place decides there */
    put_character(to, escape);
}

/* "(?:" and "(?P<name>" group as "(" does; all other "(?" mean what POSIX does not know. */
static void put_group(struct translation *to)
{
    put_character(to, '(');
    count_open(to);
    if (to->at[1] != '?')
        return;
    const char *end = to->at[2] == ':'                       ? to->at + 2
                      : to->at[2] == 'P' && to->at[3] == '<' ? strchr(to->at, '>')
                                                             : NULL;
    to->failed |= end == NULL;
    if (end != NULL)
        to->at = end;
}

/* "*?" finds the same as "*", only in another order. */
static void put_repeat(struct translation *to)
{
    uint64_t times = *to->at == '+' ? 2 : 1;
    if (*to->at == '{') {
        char *end;
        unsigned long low = strtoul(to->at + 1, &end, 10), high = low;
        if (end == to->at + 1)
            low = 0, high = REPEATS_MOST + 1;
        else if (*end == ',')
            high = end[1] == '}' ? low : strtoul(end + 1, &end, 10);
        to->failed |= low > REPEATS_MOST || high > REPEATS_MOST;
        times = (low > high ? low : high) + 1;
        const char *close = strchr(to->at, '}');
        to->failed |= close == NULL;
        for (; !to->failed && to->at < close; to->at++)
            put_character(to, *to->at);
    }
    put_character(to, *to->at);
    count_repeat(to, times);
    if (to->at[0] != '\0' && to->at[1] == '?')
        to->at++;
}

static void put_class_character(struct translation *to, bool first)
{
    if (*to->at == '\\')
        put_escape(to, *++to->at);
    else
        put_character(to, *to->at);
    to->in_class = first || *to->at != ']';
}

static void translate(struct translation *to)
{
    bool first = false; /* in a class: a ']' there is itself */
    for (; *to->at != '\0' && !to->failed; to->at++) {
        if (to->in_class) {
            bool escaped = *to->at == '\\', negates = first && *to->at == '^';
            put_class_character(to, first || escaped);
            first = negates;
        } else if (*to->at == '\\') {
            put_escape(to, *++to->at);
            count_part(to, 1);
        } else if (*to->at == '(')
            put_group(to);
        else if (strchr("*+?{", *to->at) != NULL)
            put_repeat(to);
        else {
            put_character(to, *to->at);
            first = to->in_class = *to->at == '[';
            if (*to->at == ')')
                count_close(to);
            else
                count_part(to, *to->at != '|');
        }
        if (*to->at == '\0')
            break;
    }
    to->failed |= to->in_class;
}

bool quant_regex_compile(const char *python, bool match, regex_t *regex)
{
    struct translation to = { .at = python };
    if (strlen(python) > PATTERN_MOST)
        return false;
    put(&to, match ? "^(" : "(");
    translate(&to);
    put(&to, ")");
    return !to.failed && regcomp(regex, to.text, REG_EXTENDED | REG_NOSUB) == 0;
}
