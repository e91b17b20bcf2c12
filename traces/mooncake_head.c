/* traces/mooncake_head.c - tells Mooncake's family by how a file begins (mooncake_row.h). */
#include "traces/mooncake_keys.h"
#include "traces/mooncake_row.h"

static bool line_has(const char *line, size_t length, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_text_has_key(line, length, *names))
            return true;
    return false;
}

bool mooncake_line_is_text(const char *line, size_t length)
{
    return line_has(line, length, text_names) || json_text_has_key(line, length, "messages");
}

bool mooncake_line_is_request(const char *line, size_t length)
{
    return line_has(line, length, prompt_names) || json_text_has_key(line, length, "hash_ids") ||
           mooncake_line_is_text(line, length);
}

bool mooncake_first_request(const struct head *head, const char **line, size_t *length)
{
    enum { LEADING_MOST = 16 };
    for (size_t i = 0; i < LEADING_MOST && head_line(head, i, line, length); i++)
        if (**line == '{' && mooncake_line_is_request(*line, *length))
            return true;
    return false;
}

/* Bailian's, Weka's; a log of chats, which tells a reply's length otherwise. */
static bool is_of_others(const char *line, size_t length)
{
    static const char *const others[] = { "chat_id", "requests", NULL };
    static const char *const logs[] = { "usage", "choices", "response", NULL };
    return line_has(line, length, others) ||
           (json_text_has_key(line, length, "messages") &&
            (!line_has(line, length, reply_names) || line_has(line, length, logs)));
}

bool mooncake_rows_probe(const struct head *head)
{
    const char *line;
    size_t length;
    return head->text[0] == '{' && mooncake_first_request(head, &line, &length) &&
           !is_of_others(line, length);
}

bool mooncake_rows_wait(const struct head *head)
{
    const char *line;
    size_t length;
    if (!mooncake_first_request(head, &line, &length) ||
        !json_text_has_key(line, length, "session_id"))
        return false;
    if (!line_has(line, length, time_names))
        return true;
    for (size_t i = 0; head_line(head, i, &line, &length); i++)
        if (line_has(line, length, delay_names))
            return true;
    return false;
}
