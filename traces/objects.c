/* traces/objects.c - see objects.h. */
#include "traces/objects.h"

#include <string.h>

/* An object a line: the first line begins with a brace, and ends with one or is longer than what is
 * seen of it. Objects over several lines begin with a short line. */
static enum lines_step begin(struct objects *objects, struct lines *lines, struct error *err)
{
    const char *head;
    size_t length;
    enum lines_step step = lines_peek(lines, &head, &length, err);
    if (step != LINES_LINE)
        return step;
    const char *newline = memchr(head, '\n', length);
    size_t end = newline != NULL ? (size_t)(newline - head) : length;
    while (end > 0 && (head[end - 1] == ' ' || head[end - 1] == '\r' || head[end - 1] == '\t'))
        end--;
    objects->by_line = head[0] == '{' && end > 0 && (newline == NULL || head[end - 1] == '}');
    objects->begun = true;
    return LINES_LINE;
}

static enum lines_step next_of_lines(struct lines *lines, struct json_record *record,
                                     struct error *err)
{
    char *line;
    size_t length;
    json_t *object;
    do {
        enum lines_step step = lines_next(lines, &line, &length, err);
        if (step != LINES_LINE)
            return step;
    } while (strspn(line, " \t\r") == length);
    if (json_record_parse(lines, line, length, &object, err) != STATUS_OK)
        return LINES_ERROR;
    *record = (struct json_record){ lines, lines_number(lines), object };
    return LINES_LINE;
}

enum lines_step objects_next(struct objects *objects, struct lines *lines,
                             struct json_record *record, struct error *err)
{
    json_t *object;
    enum lines_step step = objects->begun ? LINES_LINE : begin(objects, lines, err);
    if (step != LINES_LINE)
        return step;
    if (objects->by_line)
        return next_of_lines(lines, record, err);
    step = json_items_next(&objects->items, lines, &object, err);
    if (step == LINES_LINE)
        *record = (struct json_record){ lines, objects->items.line, object };
    return step;
}

void objects_done(struct json_record *record)
{
    json_decref((json_t *)record->object);
    record->object = NULL;
}

void objects_free(struct objects *objects)
{
    json_items_free(&objects->items);
}
