/* models/hf_fields.c - the fields of a config.json, one at a time: see hf_config.h. */
#include "models/hf_config.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE_MOST INT64_C(0x7fffffff)
#define SHOWN_MOST 160 /* of a value that is refused */

void hf_refuse(struct hf *hf, const char *field, const char *expected, const json_t *found)
{
    if (hf->status != STATUS_OK)
        return;
    char *text = found != NULL ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text != NULL && strlen(text) > SHOWN_MOST)
        memcpy(text + SHOWN_MOST - 3, "...", 4);
    hf->status =
        error_input(hf->err, hf->path, 0, field, expected, text != NULL ? text : "no such field");
    free(text);
}

static const json_t *find(struct hf *hf, const json_t *object, const char *field)
{
    const char *dot = strchr(field, '.');
    char outer[64];
    if (dot != NULL) {
        snprintf(outer, sizeof outer, "%.*s", (int)(dot - field), field);
        json_object_set_new(hf->read, outer, json_true());
        object = json_object_get(object, outer);
        field = dot + 1;
    } else {
        json_object_set_new(hf->read, field, json_true());
    }
    const json_t *value = json_object_get(object, field);
    return json_is_null(value) ? NULL : value;
}

const json_t *hf_field(struct hf *hf, const char *field)
{
    return find(hf, hf->object, field);
}

const json_t *hf_either(struct hf *hf, const char *field)
{
    const json_t *value = find(hf, hf->object, field);
    return value != NULL ? value : find(hf, hf->outer, field);
}

/* All of them are one thing, so that all count as read. */
const char *hf_name(struct hf *hf, const char *const *names)
{
    const char *first = NULL;
    for (const char *const *name = names; *name != NULL; name++)
        if (hf_field(hf, *name) != NULL && first == NULL)
            first = *name;
    return first != NULL ? first : names[0];
}

bool hf_has(struct hf *hf, const char *const *names)
{
    return hf_field(hf, hf_name(hf, names)) != NULL;
}

/* A list with an entry for each layer, all of them equal, is that entry. */
static const json_t *one_of(const json_t *value)
{
    const json_t *first = json_array_get(value, 0);
    for (size_t i = 1; i < json_array_size(value); i++)
        if (!json_equal(json_array_get(value, i), first))
            return value;
    return first != NULL ? first : value;
}

static uint32_t whole_of(struct hf *hf, const char *field, const json_t *value)
{
    const json_t *one = one_of(value);
    json_int_t number = json_integer_value(one);
    if (json_is_real(one) && json_real_value(one) == (double)(int32_t)json_real_value(one))
        number = (json_int_t)json_real_value(one); /* 4096.0 */
    else if (!json_is_integer(one))
        number = -1;
    if (number >= 0 && number <= WHOLE_MOST)
        return (uint32_t)number;
    hf_refuse(hf, field, "a whole number from 0 to 2147483647", value);
    return 0;
}

uint32_t hf_whole(struct hf *hf, const char *field)
{
    return whole_of(hf, field, hf_field(hf, field));
}

uint32_t hf_whole_or(struct hf *hf, const char *field, uint32_t standard)
{
    const json_t *value = hf_field(hf, field);
    return value != NULL ? whole_of(hf, field, value) : standard;
}

bool hf_flag_or(struct hf *hf, const char *field, bool standard)
{
    const json_t *value = hf_field(hf, field);
    if (value != NULL && !json_is_boolean(value))
        hf_refuse(hf, field, "true or false", value);
    return value != NULL ? json_is_true(value) : standard;
}

/* ---- into the model, with notes ---- */

/* What is noted again was read again, by a family that knows better. */
void hf_note(struct hf *hf, const void *member, const char *text)
{
    size_t offset = (size_t)((const char *)member - (const char *)hf->model);
    uint32_t at = 0;
    while (at < hf->notes && hf->note[at].offset != offset)
        at++;
    if (at == HF_NOTES_MOST)
        return;
    hf->notes += at == hf->notes;
    hf->note[at].offset = offset;
    snprintf(hf->note[at].text, sizeof hf->note[at].text, "%s", text);
}

static void note_field(struct hf *hf, const void *member, const char *field)
{
    char text[HF_NOTE_BYTES];
    snprintf(text, sizeof text, hf_field(hf, field) != NULL ? "%s" : "no %s; transformers' default",
             field);
    hf_note(hf, member, text);
}

void hf_take(struct hf *hf, uint32_t *member, const char *field)
{
    *member = hf_whole(hf, field);
    note_field(hf, member, field);
}

void hf_take_or(struct hf *hf, uint32_t *member, const char *field, uint32_t standard)
{
    *member = hf_whole_or(hf, field, standard);
    note_field(hf, member, field);
}

void hf_take_named(struct hf *hf, uint32_t *member, const char *const *names, uint32_t standard)
{
    const char *field = hf_name(hf, names);
    if (standard > 0)
        hf_take_or(hf, member, field, standard);
    else
        hf_take(hf, member, field);
}

void hf_take_flag_or(struct hf *hf, bool *member, const char *field, bool standard)
{
    *member = hf_flag_or(hf, field, standard);
    note_field(hf, member, field);
}

void hf_derive(struct hf *hf, uint32_t *member, uint32_t value, const char *text)
{
    *member = value;
    hf_note(hf, member, text);
}

void hf_say(struct hf *hf, const char *text)
{
    char *notes = hf->model->notes;
    size_t used = strlen(notes), room = sizeof hf->model->notes - used;
    snprintf(notes + used, room, "%s%s", used > 0 ? "; " : "", text);
}
