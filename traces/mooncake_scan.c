/* traces/mooncake_scan.c - a regular row of Mooncake's family (mooncake_row.h), read by
 * json_scan.h: lengths, and an id for each block where the file has ids, behind a request that the
 * general reader has read. That one settles for the file what its first request settles; what is
 * left are rows that change nothing but the row. */
#include "traces/mooncake_keys.h"
#include "traces/mooncake_row.h"

enum row_slot {
    SLOT_TIME,
    SLOT_PROMPT,
    SLOT_REPLY,
    SLOT_IDS,
    SLOT_SESSION,
    SLOT_DELAY,
    SLOT_TENANT,
    SLOT_BLOCK
};

void mooncake_scan_open(struct scan_form *form)
{
    static const char *const ids[] = { "hash_ids", NULL },
                             *const session[] = { "session_id", NULL },
                             *const tenant[] = { "tenant", NULL };
    scan_form_add(form, time_names, SCAN_NUMBER, SLOT_TIME);
    scan_form_add(form, prompt_names, SCAN_WHOLE, SLOT_PROMPT);
    scan_form_add(form, reply_names, SCAN_WHOLE, SLOT_REPLY);
    scan_form_add(form, ids, SCAN_IDS, SLOT_IDS);
    scan_form_add(form, session, SCAN_ID, SLOT_SESSION);
    scan_form_add(form, delay_names, SCAN_NUMBER, SLOT_DELAY);
    scan_form_add(form, tenant, SCAN_TEXT, SLOT_TENANT);
    scan_form_add(form, block_names, SCAN_WHOLE, SLOT_BLOCK);
}

static bool take_time(const struct scan *scan, uint32_t slot, bool *has, uint64_t *ns)
{
    *has = scan_has(scan, slot);
    return !*has || record_time(scan->value[slot].number, NS_PER_MS, ns);
}

static bool take_lengths(const struct scan *scan, struct trace_turn *turn)
{
    int64_t prompt = scan->value[SLOT_PROMPT].whole, reply = scan->value[SLOT_REPLY].whole;
    if (!scan_has(scan, SLOT_PROMPT) || prompt < 1 || prompt > RECORD_TOKENS_MOST ||
        !scan_has(scan, SLOT_REPLY) || reply < 1 || reply > RECORD_TOKENS_MOST)
        return false;
    turn->prompt_tokens = (uint32_t)prompt;
    turn->reply_tokens = (uint32_t)reply;
    return true;
}

static bool take_tenant(const struct mooncake_rows *rows, uint8_t *tenant)
{
    const union scan_value *name = &rows->scan.value[SLOT_TENANT];
    if (!scan_has(&rows->scan, SLOT_TENANT))
        return rows->tenants.tenants.count == 0;
    return tenant_known(&rows->tenants, name->text.bytes, name->text.length, tenant);
}

/* Every block has its id, and no two are one. */
static bool take_blocks(struct mooncake_rows *rows, struct mooncake_row *row)
{
    const struct scan *scan = &rows->scan;
    uint32_t size = rows->block_tokens, blocks = 0;
    uint64_t repeated;
    row->has_ids = scan_has(scan, SLOT_IDS);
    if (row->has_ids != (size > 0) ||
        (scan_has(scan, SLOT_BLOCK) &&
         (size == 0 || scan->value[SLOT_BLOCK].whole != (int64_t)size)))
        return false;
    if (size == 0)
        return true;
    blocks = (row->turn.prompt_tokens + size - 1) / size;
    row->keys = scan->ids;
    row->block_count = scan->id_count;
    return scan->id_count == blocks &&
           (scan->ids_ascend || !id_repeats(&rows->repeat, scan->ids, blocks, &repeated));
}

bool mooncake_row_scan(struct mooncake_rows *rows, const char *line, size_t length,
                       struct mooncake_row *row)
{
    struct scan *scan = &rows->scan;
    if (!rows->begun || rows->texts != NULL || !json_scan(&rows->form, line, length, scan))
        return false;
    *row = (struct mooncake_row){ .is_request = true, .has_session = scan_has(scan, SLOT_SESSION) };
    if (row->has_session)
        row->session = scan->value[SLOT_SESSION].id;
    return take_lengths(scan, &row->turn) &&
           take_time(scan, SLOT_TIME, &row->has_time, &row->time_ns) &&
           take_time(scan, SLOT_DELAY, &row->has_delay, &row->delay_ns) &&
           take_tenant(rows, &row->tenant) && take_blocks(rows, row);
}
