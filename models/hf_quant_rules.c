/* models/hf_quant_rules.c - which rule a module's name falls under: hundreds of rules over
 * thousands of names, so most are found by their layer and not by trying.
 *
 * What a pattern means, as engines read it: vLLM's is_layer_skipped()
 * (quantization/utils/quant_utils.py, 01693a6: a whole name, or a part of it),
 * compressed_tensors/utils.py should_ignore_layer() (a whole name or re.match()), modelopt.py
 * is_layer_excluded() (fnmatch), gptq_utils.py get_dynamic_override() (re.match()); transformers'
 * should_convert_module(). One thing is told apart that vLLM does not: a name is matched by whole
 * parts between its dots. "gate" is a router and no gate_proj, "layers.1" not layer 10. That is
 * what the file holds. */
#include "models/hf_quant.h"

#include "base/memory.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 256
#define TRIES_MOST UINT64_C(8000000) /* some seconds */

/* What may stand before "layers.N." in the part for language, for patterns that are tried. */
static const char *const prefixes[] = {
    "model.",
    "model.language_model.",
    "language_model.model.",
    "language_model.",
    "backbone.",
    "",
    "transformer.",
    "model.decoder.",
    "gpt_neox.",
    "thinker.model.",
    "llm.model.",
    "model.text_model.",
    "model.llm.",
    "language_model.backbone.",
    "transformer.encoder.",
    "text_model.",
};
/* Of other parts: towers, and layers that are drafts. */
static const char *const towers[] = { "vision", "visual", "vit",       "image", "audio",
                                      "speech", "mtp",    "projector", "tower", "resampler",
                                      "talker", "eagle",  NULL };
#define PREFIXES (sizeof prefixes / sizeof *prefixes)
static const char *const layer_words[] = { "layers.", "h.", "blocks." };

struct rule {
    enum quant_pattern kind;
    const char *pattern;
    struct quant_format format;
    const char *tail; /* of one layer: what is behind "layers.N."; NULL: any layer's */
    uint32_t layer, next;
    bool digits; /* else it treats all layers of as many digits alike */
    bool compiled;
    regex_t regex;
    /* 0, or 1 + whether it matches: [names][4 numbers of digits], or, where digits matter, [names]
     * of the layer asked last. NULL: it tells experts apart, and is tried each time. */
    int8_t *known;
    uint32_t known_layer;
};

struct quant_rules {
    struct rule *rule;
    uint32_t count, capacity, names;
    json_t *exact;                       /* "layer|tail" to the rule's place */
    json_t *begins;                      /* what the tails of those begin with, as keys */
    uint32_t of_layer[MODEL_LAYERS_MAX]; /* lists of the wildcards of one layer, last first */
    uint32_t *general, generals, generals_capacity;
    bool by_expert;
    uint64_t tries; /* of regular expressions */
};

struct quant_rules *quant_rules_new(uint32_t names)
{
    struct quant_rules *rules = memory_new(1, sizeof *rules);
    rules->names = names;
    rules->exact = json_object();
    rules->begins = json_object();
    if (rules->exact == NULL || rules->begins == NULL)
        memory_exhausted();
    for (uint32_t i = 0; i < MODEL_LAYERS_MAX; i++)
        rules->of_layer[i] = UINT32_MAX;
    return rules;
}

void quant_rules_free(struct quant_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (rules->rule[i].compiled)
            regfree(&rules->rule[i].regex);
        free(rules->rule[i].known);
    }
    json_decref(rules->exact);
    json_decref(rules->begins);
    free(rules->general);
    free(rules->rule);
    free(rules);
}

/* ---- patterns of one layer ---- */

static bool is_of_tower(const char *pattern, size_t length)
{
    char prefix[NAME_BYTES];
    snprintf(prefix, sizeof prefix, "%.*s", (int)length, pattern);
    for (const char *const *tower = towers; *tower != NULL; tower++)
        if (strstr(prefix, *tower) != NULL)
            return true;
    return false;
}

/* Behind "PREFIXlayers.": where the number starts; NULL: it is not of the part for language. Any
 * prefix that names no tower is the language part's: families call theirs as they like. */
static const char *layer_number(const char *pattern)
{
    for (size_t j = 0; j < sizeof layer_words / sizeof *layer_words; j++) {
        size_t word = strlen(layer_words[j]);
        for (const char *at = strstr(pattern, layer_words[j]); at != NULL;
             at = strstr(at + 1, layer_words[j])) {
            bool begins = at == pattern || at[-1] == '.';
            if (begins && isdigit((unsigned char)at[word]))
                return is_of_tower(pattern, (size_t)(at - pattern)) ? NULL : at + word;
        }
    }
    return NULL;
}

/* Sets the layer and what is behind it of a pattern that names one. */
static void find_layer(struct rule *rule)
{
    const char *number = layer_number(rule->pattern);
    char *end;
    if (number == NULL)
        return;
    unsigned long layer = strtoul(number, &end, 10);
    if ((*end != '.' && *end != '\0') || layer >= QUANT_NO_LAYER)
        return; /* "layers.1*" */
    rule->layer = (uint32_t)layer;
    rule->tail = *end == '.' ? end + 1 : end;
}

/* Of another part of the model, by a numbered block of its own. */
static bool is_foreign(const struct rule *rule)
{
    if (rule->kind != QUANT_NAME || rule->tail != NULL)
        return false;
    for (const char *at = rule->pattern; (at = strchr(at, '.')) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789");
        bool whole = digits > 0 && (at[1 + digits] == '.' || at[1 + digits] == '\0');
        if (whole && !(at - rule->pattern >= 7 && strncmp(at - 7, "experts", 7) == 0))
            return true;
    }
    return false;
}

static bool tells_experts_apart(const char *pattern)
{
    const char *experts = strstr(pattern, "experts");
    return experts != NULL && isdigit((unsigned char)experts[7 + strspn(experts + 7, ".\\[(")]);
}

/* ---- adding ---- */

static void put_exact(struct quant_rules *rules, const struct rule *rule, uint32_t place)
{
    char key[NAME_BYTES];
    size_t length = strlen(rule->tail);
    if (length > 7 && strcmp(rule->tail + length - 7, ".weight") == 0)
        length -= 7;
    if (snprintf(key, sizeof key, "%" PRIu32 "|%.*s", rule->layer, (int)length, rule->tail) >=
        (int)sizeof key)
        return; /* longer than any name */
    if (json_object_get(rules->exact, key) != NULL)
        return; /* the first holds */
    json_object_set_new(rules->exact, key, json_integer(place));
    snprintf(key, sizeof key, "%.*s", (int)strcspn(rule->tail, "."), rule->tail);
    json_object_set_new(rules->begins, key, json_true());
}

/* Whether a rule of some layer may be of the name: most names that are tried are no file's. */
static bool may_be_exact(const struct quant_rules *rules, const char *tail)
{
    char begin[NAME_BYTES];
    snprintf(begin, sizeof begin, "%.*s", (int)strcspn(tail, "."), tail);
    return json_object_get(rules->begins, begin) != NULL ||
           json_object_get(rules->begins, "") != NULL;
}

static bool prepare(struct rule *rule)
{
    bool regex = rule->kind == QUANT_REGEX_MATCH || rule->kind == QUANT_REGEX_SEARCH;
    rule->layer = QUANT_NO_LAYER;
    rule->digits = strpbrk(rule->pattern, "0123456789") != NULL;
    if (!regex)
        find_layer(rule);
    if (regex)
        rule->compiled =
            quant_regex_compile(rule->pattern, rule->kind == QUANT_REGEX_MATCH, &rule->regex);
    return !regex || rule->compiled;
}

bool quant_rules_add(struct quant_rules *rules, enum quant_pattern kind, const char *pattern,
                     struct quant_format format)
{
    struct rule rule = { .kind = kind, .pattern = pattern, .format = format };
    if (!prepare(&rule))
        return false;
    uint32_t place = rules->count;
    memory_grow(&rules->rule, &rules->capacity, place + 1, sizeof *rules->rule);
    rules->by_expert |= tells_experts_apart(pattern);
    rules->count++;
    if (rule.tail == NULL && !is_foreign(&rule)) {
        memory_grow(&rules->general, &rules->generals_capacity, rules->generals + 1,
                    sizeof *rules->general);
        rules->general[rules->generals++] = place;
        rule.known_layer = QUANT_NO_LAYER;
        if (!tells_experts_apart(pattern))
            rule.known = memory_new(rules->names, rule.digits ? 1 : 4);
    } else if (rule.tail != NULL && rule.layer < MODEL_LAYERS_MAX) {
        if (kind == QUANT_NAME)
            put_exact(rules, &rule, place);
        else {
            rule.next = rules->of_layer[rule.layer];
            rules->of_layer[rule.layer] = place;
        }
    }
    rules->rule[place] = rule;
    return true;
}

struct quant_format quant_rules_format(const struct quant_rules *rules, uint32_t place)
{
    return rules->rule[place].format;
}

bool quant_rules_is_name(const struct quant_rules *rules, uint32_t place)
{
    return rules->rule[place].kind == QUANT_NAME;
}

bool quant_rules_tired(const struct quant_rules *rules)
{
    return rules->tries > TRIES_MOST;
}

bool quant_rules_by_expert(const struct quant_rules *rules)
{
    return rules->by_expert;
}

/* ---- matching ---- */

/* Whether the run's parts stand together somewhere in the name. Dots around the run say nothing. */
static bool has_run(const char *name, const char *run)
{
    size_t length;
    run += strspn(run, ".");
    length = strlen(run);
    while (length > 0 && run[length - 1] == '.')
        length--;
    if (length > 7 && strncmp(run + length - 7, ".weight", 7) == 0)
        length -= 7;
    if (length == 0)
        return false;
    for (const char *at = name; at != NULL; at = strchr(at, '.')) {
        at += *at == '.';
        if (strncmp(at, run, length) == 0 && (at[length] == '\0' || at[length] == '.'))
            return true;
    }
    return false;
}

/* Of the module, or of one above it. */
static bool fits_wildcard(const char *pattern, const char *name)
{
    char above[NAME_BYTES];
    if (strncmp(pattern, name, strcspn(pattern, "*?[")) != 0)
        return false;
    if (fnmatch(pattern, name, FNM_NOESCAPE) == 0)
        return true;
    int length = snprintf(above, sizeof above, "%s", name);
    while (length-- > 0)
        if (above[length] == '.') {
            above[length] = '\0';
            if (fnmatch(pattern, above, FNM_NOESCAPE) == 0)
                return true;
        }
    return false;
}

static bool matches_text(const struct rule *rule, const char *name)
{
    switch (rule->kind) {
    case QUANT_NAME:
        return has_run(name, rule->pattern);
    case QUANT_WILDCARD:
        return fits_wildcard(rule->pattern, name);
    default:
        return regexec(&rule->regex, name, 0, NULL, 0) == 0;
    }
}

/* A pattern that may begin with anything and names no part of what stands before the layers
 * matches behind all prefixes alike. */
static bool heeds_prefix(const char *pattern)
{
    bool open = pattern[0] == '*' || strncmp(pattern, ".*", 2) == 0;
    return !open || strstr(pattern, "model") != NULL || strstr(pattern, "backbone") != NULL ||
           strstr(pattern, "transformer") != NULL || strstr(pattern, "gpt_neox") != NULL;
}

static bool matches_behind(struct quant_rules *rules, const struct rule *rule,
                           const struct quant_name *name)
{
    char full[NAME_BYTES];
    rules->tries += rule->compiled ? PREFIXES : 0;
    if (quant_rules_tired(rules))
        return false;
    size_t count = rule->kind != QUANT_NAME && !heeds_prefix(rule->pattern) ? 1 : PREFIXES;
    for (size_t i = 0; i < count; i++) {
        if (name->layer == QUANT_NO_LAYER)
            snprintf(full, sizeof full, "%s%s", prefixes[i], name->tail);
        else
            snprintf(full, sizeof full, "%slayers.%" PRIu32 ".%s", prefixes[i], name->layer,
                     name->tail);
        if (matches_text(rule, full))
            return true;
    }
    if (name->layer == QUANT_NO_LAYER || strstr(rule->pattern, "h") == NULL)
        return false;
    snprintf(full, sizeof full, "transformer.h.%" PRIu32 ".%s", name->layer, name->tail);
    return matches_text(rule, full);
}

static int8_t *known_of(const struct quant_rules *rules, struct rule *rule,
                        const struct quant_name *name)
{
    if (!rule->digits) {
        uint32_t digits = name->layer == QUANT_NO_LAYER ? 0
                          : name->layer < 10            ? 1
                          : name->layer < 100           ? 2
                                                        : 3;
        return &rule->known[4 * (size_t)name->id + digits];
    }
    if (rule->known_layer != name->layer)
        memset(rule->known, 0, rules->names);
    rule->known_layer = name->layer;
    return &rule->known[name->id];
}

static bool matches(struct quant_rules *rules, struct rule *rule, const struct quant_name *name)
{
    if (rule->known == NULL)
        return matches_behind(rules, rule, name);
    int8_t *known = known_of(rules, rule, name);
    if (*known == 0)
        *known = (int8_t)(1 + matches_behind(rules, rule, name));
    return *known == 2;
}

/* Rules that name the layer: the module's, or one above it. */
static uint32_t find_exact(const struct quant_rules *rules, const struct quant_name *name)
{
    char key[NAME_BYTES];
    uint32_t first = UINT32_MAX;
    if (!may_be_exact(rules, name->tail))
        return first;
    int start = snprintf(key, sizeof key, "%" PRIu32 "|", name->layer);
    int length = start + snprintf(key + start, sizeof key - (size_t)start, "%s", name->tail);
    while (length >= start) {
        key[length] = '\0';
        const json_t *place = json_object_get(rules->exact, key);
        if (place != NULL && (uint32_t)json_integer_value(place) < first)
            first = (uint32_t)json_integer_value(place);
        if (length == start)
            break;
        do
            length--;
        while (length > start && key[length] != '.');
    }
    return first;
}

static uint32_t find_of_layer(const struct quant_rules *rules, const struct quant_name *name)
{
    uint32_t first = UINT32_MAX;
    if (name->layer >= MODEL_LAYERS_MAX)
        return first;
    for (uint32_t at = rules->of_layer[name->layer]; at != UINT32_MAX; at = rules->rule[at].next)
        if (at < first && fits_wildcard(rules->rule[at].tail, name->tail))
            first = at;
    uint32_t exact = find_exact(rules, name);
    return exact < first ? exact : first;
}

uint32_t quant_rules_find(struct quant_rules *rules, const struct quant_name *name)
{
    uint32_t first = find_of_layer(rules, name);
    for (uint32_t i = 0; i < rules->generals && rules->general[i] < first; i++)
        if (matches(rules, &rules->rule[rules->general[i]], name))
            return rules->general[i];
    return first;
}
