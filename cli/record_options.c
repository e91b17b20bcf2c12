/* cli/record_options.c - see record_options.h. */
#include "cli/record_options.h"

#include "base/path.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define SPAN_NS (10 * 60 * NS_PER_S)

static bool read_time(const char *text, uint64_t *time_ns)
{
    double value;
    if (!units_parse(text, UNIT_DURATION, &value) || value < 0.0 || value >= (double)TIME_END_NS)
        return false;
    *time_ns = (uint64_t)value;
    return true;
}

static bool read_span(const char *text, struct timeline_span *span)
{
    char from[64];
    const char *dots = strstr(text, "..");
    if (dots == NULL || (size_t)(dots - text) >= sizeof from)
        return false;
    snprintf(from, sizeof from, "%.*s", (int)(dots - text), text);
    return read_time(from, &span->from_ns) && read_time(dots + 2, &span->to_ns) &&
           span->from_ns < span->to_ns;
}

enum status record_options_check(const struct record_options *given, struct record_asked *asked,
                                 struct error *err)
{
    *asked = (struct record_asked){ .turns = given->turns,
                                    .timeline = given->timeline,
                                    .keep_turns = given->keep_turns,
                                    .span = { 0, SPAN_NS } };
    if (given->span != NULL && given->timeline == NULL)
        return error_input(err, NULL, 0, "--timeline-span", "--timeline FILE beside it", NULL);
    if (given->span != NULL && !read_span(given->span, &asked->span))
        return error_input(err, NULL, 0, "--timeline-span",
                           "two times, the later one last, such as 0s..2min", given->span);
    return STATUS_OK;
}

/* Where the name's ending begins: at the first dot behind its folder that does not begin it. */
static size_t ending_of(const char *path)
{
    const char *name = path_name(path);
    const char *dot = *name != '\0' ? strchr(name + 1, '.') : NULL;
    return dot != NULL ? (size_t)(dot - path) : strlen(path);
}

enum status record_options_path(const char *path, const char *name, uint32_t runs,
                                char out[RECORD_PATH_BYTES], struct error *err)
{
    size_t stem = ending_of(path);
    int length = runs <= 1 ? snprintf(out, RECORD_PATH_BYTES, "%s", path)
                           : snprintf(out, RECORD_PATH_BYTES, "%.*s-%s%s", (int)stem, path, name,
                                      path + stem);
    if (length < 0 || length >= RECORD_PATH_BYTES)
        return error_io(err, path, "create", "its name is too long");
    return STATUS_OK;
}

enum status record_options_open(const struct record_options *given,
                                const struct record_asked *asked, const char *policy,
                                const struct experiment *experiment, uint32_t runs,
                                struct record *record, struct error *err)
{
    char turns[RECORD_PATH_BYTES], timeline[RECORD_PATH_BYTES];
    struct record_asked here = *asked;
    enum status status = STATUS_OK;
    *record = (struct record){ 0 };
    if (given->turns != NULL)
        status = record_options_path(given->turns, policy, runs, turns, err);
    if (status == STATUS_OK && given->timeline != NULL)
        status = record_options_path(given->timeline, policy, runs, timeline, err);
    if (status != STATUS_OK)
        return status;
    here.turns = given->turns != NULL ? turns : NULL;
    here.timeline = given->timeline != NULL ? timeline : NULL;
    if (experiment_check_apart(experiment, "--turns", here.turns, err) ||
        experiment_check_apart(experiment, "--timeline", here.timeline, err))
        return err->status;
    return record_open(record, &here, policy, err);
}
