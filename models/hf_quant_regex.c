/* models/hf_quant_regex.c - Python's regular expressions in POSIX's words, as far as both know the
 * same. Sources: docs.python.org/3/library/re.html; regex(7). */
#include "models/hf_quant.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MOST 1024 /* characters of a pattern */
#define REPEATS_MOST 255  /* of {m,n}: POSIX's RE_DUP_MAX, and what compiles in bounded memory */

/* glibc writes a repeated part out as often as it is repeated ("+": twice), within each other; and
 * where what is repeated may be empty, it tries all ways through it. So what is written out is
 * counted, and a repeat of what may be empty, which says nothing more than the part itself, is
 * refused. */
#define PARTS_MOST 2048
#define GROUPS_MOST 64

/* Of a part of the expression: how much is written out, and whether it may be empty. */
struct part {
    uint64_t parts;
    bool empty;
};

/* A group that is open: all of it, its present alternative, and whether one before may be empty. */
struct group {
    struct part now;
    bool empty_before;
};

struct translation {
    const char *at;
    char text[4 * PATTERN_MOST];
    size_t used;
    bool in_class, failed;
    struct group group[GROUPS_MOST]; /* group[0]: the whole expression */
    uint32_t groups;                 /* open within the whole */
    struct part last;                /* what was put last, which may be repeated */
    bool last_empty_before;          /* whether the alternative could be empty without it */
    bool repeated;                   /* that is a repeat: another one is an error in Python */
};

static struct group *innermost(struct translation *to)
{
    return &to->group[to->groups];
}

/* A character, a class, a place between characters, or a group that is closed. */
static void count_part(struct translation *to, struct part part)
{
    struct part *now = &innermost(to)->now;
    to->last = part;
    to->last_empty_before = now->empty;
    to->repeated = false;
    now->parts += part.parts;
    now->empty = now->empty && part.empty;
    to->failed |= now->parts > PARTS_MOST;
}

/* What was put last is there from `least` on, written out so many times. */
static void count_repeat(struct translation *to, uint64_t least, uint64_t times)
{
    struct part *now = &innermost(to)->now;
    to->failed |= to->repeated || (to->last.empty && times != 1) || to->last.parts == 0;
    now->parts -= to->last.parts;
    now->empty = to->last_empty_before;
    count_part(to, (struct part){ to->last.parts * (times > 0 ? times : 1),
                                  to->last.empty || least == 0 });
    to->repeated = true;
}

static void count_open(struct translation *to)
{
    to->failed |= to->groups + 1 == GROUPS_MOST;
    to->groups += to->failed ? 0 : 1;
    *innermost(to) = (struct group){ .now = { .parts = 1, .empty = true } };
    to->last = (struct part){ 0 };
    to->repeated = false;
}

static void count_close(struct translation *to)
{
    to->failed |= to->groups == 0;
    if (to->failed)
        return;
    struct group closed = *innermost(to);
    to->groups--;
    count_part(to, (struct part){ closed.now.parts, closed.now.empty || closed.empty_before });
}

static void count_alternative(struct translation *to)
{
    struct group *group = innermost(to);
    group->empty_before = group->empty_before || group->now.empty;
    group->now.empty = true;
    to->last = (struct part){ 0 };
    to->repeated = false;
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
    uint64_t least = *to->at == '+', times = *to->at == '+' || *to->at == '*' ? 2 : 1;
    if (*to->at == '{') {
        char *end;
        unsigned long low = strtoul(to->at + 1, &end, 10), high = low;
        if (end == to->at + 1)
            low = 0, high = REPEATS_MOST + 1;
        else if (*end == ',')
            high = end[1] == '}' ? low : strtoul(end + 1, &end, 10);
        to->failed |= low > REPEATS_MOST || high > REPEATS_MOST;
        least = low;
        times = (low > high ? low : high) + 1;
        const char *close = strchr(to->at, '}');
        to->failed |= close == NULL;
        for (; !to->failed && to->at < close; to->at++)
            put_character(to, *to->at);
    }
    put_character(to, *to->at);
    count_repeat(to, least, times);
    if (to->at[0] != '\0' && to->at[1] == '?')
        to->at++;
}

/* "[." "[:" and "[=" begin a name there, which only POSIX knows: the class would end elsewhere. */
static void put_class_character(struct translation *to, bool first)
{
    char next = *to->at == '\\' ? to->at[1] : *to->at;
    to->failed |=
        !first && next != '\0' && strchr(".:=", next) != NULL && to->text[to->used - 1] == '[';
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
            count_part(to, (struct part){ 1, *to->at == '\0' || strchr("ZAbB", *to->at) != NULL });
        } else if (*to->at == '(')
            put_group(to);
        else if (strchr("*+?{", *to->at) != NULL)
            put_repeat(to);
        else {
            put_character(to, *to->at);
            first = to->in_class = *to->at == '[';
            if (*to->at == ')')
                count_close(to);
            else if (*to->at == '|')
                count_alternative(to);
            else
                count_part(to, (struct part){ 1, *to->at == '^' || *to->at == '$' });
        }
        if (*to->at == '\0')
            break;
    }
    to->failed |= to->in_class;
}

bool quant_regex_compile(const char *python, bool match, regex_t *regex)
{
    struct translation to = { .at = python, .group = { { .now = { .empty = true } } } };
    if (strlen(python) > PATTERN_MOST)
        return false;
    put(&to, match ? "^(" : "(");
    translate(&to);
    put(&to, ")");
    return !to.failed && regcomp(regex, to.text, REG_EXTENDED | REG_NOSUB) == 0;
}
