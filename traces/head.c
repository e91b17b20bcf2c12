/* traces/head.c - see head.h. */
#include "traces/head.h"

#include <stdio.h>
#include <string.h>

struct head head_of(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    return (struct head){ text, length, newline != NULL ? (size_t)(newline - text) : length };
}

bool head_has(const struct head *head, const char *text)
{
    return strstr(head->text, text) != NULL;
}

bool head_line_has(const struct head *head, const char *text)
{
    const char *found = strstr(head->text, text);
    return found != NULL && (size_t)(found - head->text) < head->line_length;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t count_spaces(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_space(text[count]))
        count++;
    return count;
}

bool head_bytes_have(const struct head *head, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= head->length; i++)
        if (memcmp(head->text + i, text, length) == 0)
            return true;
    return false;
}

bool head_line(const struct head *head, size_t index, const char **line, size_t *length)
{
    size_t at = 0;
    while (true) {
        at += count_spaces(head->text + at, head->length - at);
        *line = head->text + at;
        const char *newline = memchr(*line, '\n', head->length - at);
        *length = newline != NULL ? (size_t)(newline - *line) : head->length - at;
        if (index-- == 0 || *length == 0)
            return *length > 0;
        at += *length;
    }
}

/* ---- keys ---- */

/* text[at ..) is not looked at yet; the keys wanted stand at depth `within`. */
struct key_scan {
    const char *text;
    size_t length, at;
    int depth, within;
};

/* The end of the string that begins at `at`, behind its quote; length: it is cut off. */
static size_t string_end(const struct key_scan *scan, size_t at)
{
    for (at++; at < scan->length && scan->text[at] != '"'; at++)
        at += scan->text[at] == '\\';
    return at < scan->length ? at + 1 : scan->length;
}

/* The next key of the object; false: it has no more, as far as the text goes. */
static bool next_key(struct key_scan *scan, const char **key, size_t *length)
{
    while (scan->at < scan->length) {
        char byte = scan->text[scan->at];
        if (byte == '{' || byte == '[')
            scan->depth++;
        if ((byte == '}' || byte == ']') && --scan->depth < scan->within)
            return false;
        if (byte != '"') {
            scan->at++;
            continue;
        }
        size_t begin = scan->at, after = string_end(scan, begin), colon = after;
        while (colon < scan->length && is_space(scan->text[colon]))
            colon++;
        scan->at = after;
        if (scan->depth == scan->within && colon < scan->length && scan->text[colon] == ':') {
            *key = scan->text + begin + 1;
            *length = after - begin - 2;
            return true;
        }
    }
    return false;
}

static struct key_scan scan_of(const char *text, size_t length)
{
    size_t at = count_spaces(text, length);
    return (struct key_scan){ text, length, at, 0, at < length && text[at] == '[' ? 2 : 1 };
}

bool json_text_has_key(const char *text, size_t length, const char *key)
{
    struct key_scan scan = scan_of(text, length);
    const char *found;
    size_t found_length;
    while (next_key(&scan, &found, &found_length))
        if (found_length == strlen(key) && memcmp(found, key, found_length) == 0)
            return true;
    return false;
}

/* ---- naming it ---- */

enum { NAMES_MOST = 16 };

/* Keys and columns that traces have, ours and others'. Any other name is not shown: of a log that
 * is damaged, or of no format, what stands where a name would may be what somebody wrote. */
static const char known_names[] =
    "|Elapsed time|GeneratedTokens|Log Type|Model|ContextTokens|Request tokens|"
    "Response tokens|Session ID|TIMESTAMP|Timestamp|Total tokens|agent_id|arrival|"
    "arrival_s|arrival_time|arrival_time_ns|arrived_at|block_hash|block_hashes|block_size|"
    "body|chat_id|choices|chunk_hashes|chunk_size|completion|completion_tokens|content|"
    "conversation|conversation_id|conversations|created|created_at|created_time|custom_id|"
    "data|data_parallel_rank|date|dataset_name|delay|delay_ms|dp_rank|duration|"
    "duration_ms|error|errors|event|event_id|events|from|generated_texts|hash_id_scope|"
    "hash_ids|id|in|index|input|input_ids|input_length|input_lens|input_tok_ids|"
    "input_tokens|input_toks|instructions|itls|language|llm_calls|messages|metadata|"
    "method|metrics|model|model_name|name|num_decode_tokens|num_prefill_tokens|out|output|"
    "output_length|output_lens|output_tokens|output_toks|parent_chat_id|parent_hash|"
    "parent_id|pd_ratio|prompt|prompt_tokens|question|reply|reply_tokens|request|"
    "request_id|requests|response|role|seq_len|server|session|session_id|shared_prefix|"
    "source|start_times|status|sub_requests|system|system_tokens|t|tenant|text|text_input|"
    "texts|think_s|think_time|time|timestamp|timestamps|tokens|tokens_hash|tool_s|"
    "tool_tokens|tools|total|total_tokens|ts|ttfts|turn|turn_id|turns|type|unit|url|usage|"
    "user|user_id|value|worker_id|";

static bool is_known(const char *name, size_t length)
{
    char wanted[40];
    if (length == 0 || length > sizeof wanted - 3 || memchr(name, '|', length) != NULL)
        return false;
    snprintf(wanted, sizeof wanted, "|%.*s|", (int)length, name);
    return strstr(known_names, wanted) != NULL;
}

/* Names as they come: the known ones, and how many others. */
struct naming {
    char *text;
    size_t text_bytes;
    int known, others;
};

static void add_name(struct naming *naming, const char *name, size_t length)
{
    size_t used = strlen(naming->text);
    if (!is_known(name, length))
        naming->others++;
    else if (naming->known++ < NAMES_MOST)
        snprintf(naming->text + used, naming->text_bytes - used, "%s%.*s",
                 naming->known > 1 ? ", " : "", (int)length, name);
}

static void end_names(const struct naming *naming)
{
    size_t used = strlen(naming->text);
    int others = naming->others + (naming->known > NAMES_MOST ? naming->known - NAMES_MOST : 0);
    if (others > 0)
        snprintf(naming->text + used, naming->text_bytes - used, "%s%d other%s",
                 naming->known > 0 ? " and " : "", others, others > 1 ? "s" : "");
}

static bool describe_json(const struct head *head, char *text, size_t text_bytes)
{
    struct key_scan scan = scan_of(head->text, head->length);
    struct naming naming = { text, text_bytes, 0, 0 };
    const char *key;
    size_t length;
    if (scan.at == head->length || (head->text[scan.at] != '{' && head->text[scan.at] != '['))
        return false;
    snprintf(text, text_bytes, "JSON with the keys ");
    while (next_key(&scan, &key, &length))
        add_name(&naming, key, length);
    end_names(&naming);
    if (naming.known + naming.others == 0)
        snprintf(text, text_bytes, "JSON without keys");
    return true;
}

/* A heading is names, two or more, one of them known: other words with commas are a sentence. */
static bool describe_columns(const struct head *head, char *text, size_t text_bytes)
{
    struct naming naming = { text, text_bytes, 0, 0 };
    size_t begin = 0, line = head->line_length;
    if (line > 0 && head->text[line - 1] == '\r')
        line--;
    snprintf(text, text_bytes, "the columns ");
    for (size_t at = 0; at <= line; at++) {
        if (at < line && head->text[at] != ',')
            continue;
        add_name(&naming, head->text + begin, at - begin);
        begin = at + 1;
    }
    end_names(&naming);
    return naming.known > 0 && naming.known + naming.others > 1;
}

static bool is_binary(const struct head *head)
{
    for (size_t i = 0; i < head->length; i++)
        if ((unsigned char)head->text[i] < ' ' && !is_space(head->text[i]))
            return true;
    return false;
}

void head_describe(const struct head *head, char *text, size_t text_bytes)
{
    if (is_binary(head))
        snprintf(text, text_bytes, "bytes that are no text");
    else if (!describe_json(head, text, text_bytes) && !describe_columns(head, text, text_bytes))
        snprintf(text, text_bytes, "text that is neither JSON nor columns with a heading");
}
