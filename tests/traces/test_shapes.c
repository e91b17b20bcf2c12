/* tests/traces/test_shapes.c - generated shapes have the published counts and lengths, share what
 * they say and nothing else, and are the same wherever they are drawn. */
#include "tests/traces/trace_text.h"
#include "traces/info.h"
#include "traces/shapes.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 16 };

struct shape_case {
    struct workload workload;
    struct workload_shape shape;
};

static struct shape_case case_of(enum shape shape)
{
    struct shape_case made;
    TRACE_DEFAULTS(workload_rows, &made.workload);
    TRACE_DEFAULTS(workload_shape_rows, &made.shape);
    made.shape.shape = (int)shape;
    return made;
}

static struct trace *generated(const struct shape_case *asked)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_msg(trace_generate_shape(&asked->workload, &asked->shape, NULL, BLOCK, &trace,
                                       &err) == STATUS_OK,
                  "%s: %s", err.key, err.expected);
    return trace;
}

static struct trace_info info_of(const struct shape_case *asked)
{
    struct trace_info info;
    struct error err = { 0 };
    struct trace *trace = generated(asked);
    ck_assert_int_eq(trace_info_read(trace, NULL, &info, &err), STATUS_OK);
    trace_close(trace);
    return info;
}

/* ---- all of them ---- */

/* Small, of each shape and each loop that it has. */
static const struct {
    enum shape shape;
    enum loop loop;
    uint64_t frozen;
} every[] = {
    { SHAPE_SHARED_PREFIX, LOOP_OF_SHAPE, UINT64_C(2010044611158920709) },
    { SHAPE_REPEATED_DOCUMENTS, LOOP_OPEN, UINT64_C(6858382704074397398) },
    { SHAPE_CHAT, LOOP_OPEN, UINT64_C(13480494388729333432) },
    { SHAPE_CHAT, LOOP_CLOSED, UINT64_C(3195924489616168801) },
    { SHAPE_AGENTS, LOOP_OF_SHAPE, UINT64_C(17505016374890173601) },
    { SHAPE_AGENTS, LOOP_CLOSED, UINT64_C(14074673759174444610) },
    { SHAPE_SHAREGPT, LOOP_OPEN, UINT64_C(17521399786529821112) },
};
enum { EVERY = sizeof every / sizeof *every };

static struct shape_case small_case(int i)
{
    struct shape_case made = case_of(every[i].shape);
    made.shape.loop = (int)every[i].loop;
    made.workload.sessions = 40;
    made.shape.agents.sessions = 12;
    made.shape.documents.document_tokens = (struct skewed){ 700, 0.5 };
    made.shape.shared_prefix.range_ratio = 0.25;
    return made;
}

static uint64_t text_hash(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

START_TEST(the_same_seed_gives_the_same_trace_everywhere)
{
    struct shape_case asked = small_case(_i);
    char *one = trace_text(generated(&asked)), *same = trace_text(generated(&asked));
    asked.workload.seed = 2;
    char *other = trace_text(generated(&asked));
    ck_assert_str_eq(one, same);
    ck_assert_str_ne(one, other);
    ck_assert_msg(text_hash(one) == every[_i].frozen, "case %d: %" PRIu64, _i, text_hash(one));
    free(one), free(same), free(other);
}
END_TEST

START_TEST(a_trace_says_which_shape_and_loop_it_is)
{
    struct shape_case asked = small_case(_i);
    struct trace_session session;
    struct error err = { 0 };
    struct trace *trace = generated(&asked);
    bool open = every[_i].loop != LOOP_CLOSED;
    struct trace_facts facts = trace_facts(trace);
    const char *name = every[_i].shape == SHAPE_SHAREGPT ? "sharegpt-like"
                                                         : trace_shape_about(every[_i].shape).name;
    ck_assert_str_eq(facts.format, name);
    ck_assert(facts.open_loop == open);
    ck_assert_uint_eq(facts.block_tokens, open ? BLOCK : 0);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        ck_assert((session.block_count > 0) == open);
        ck_assert(!open || session.turn_count == 1);
        uint64_t blocks = (session.turns[0].prompt_tokens + BLOCK - 1) / BLOCK;
        ck_assert(!open || session.block_count == blocks);
    }
    trace_close(trace);
}
END_TEST

START_TEST(nothing_grows_with_what_was_asked_for)
{
    struct shape_case asked = case_of(every[_i].shape);
    struct trace_session session;
    struct error err = { 0 };
    asked.shape.shared_prefix.groups = asked.shape.shared_prefix.prompts_per_group = 1000000000;
    asked.shape.documents.documents = asked.shape.documents.repeats = 1000000000;
    asked.shape.chat.sessions = asked.shape.agents.sessions = 1000000000;
    asked.workload.sessions = 1000000000;
    struct trace *trace = generated(&asked);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    trace_close(trace);
}
END_TEST

/* ---- shared prefixes ---- */

/* The group of each request, by its first key; and that what is behind its prefix is its own. */
START_TEST(each_group_has_its_prompts_and_its_own_prefix)
{
    enum { GROUPS = 7, PROMPTS = 5, SYSTEM = 100, QUESTION = 33, SHARED = SYSTEM / BLOCK };
    struct shape_case asked = case_of(SHAPE_SHARED_PREFIX);
    struct trace_session session;
    struct error err = { 0 };
    static uint64_t prefix[GROUPS][SHARED], own[GROUPS * PROMPTS];
    uint32_t groups = 0, requests = 0, asked_for[GROUPS] = { 0 };
    asked.shape.shared_prefix = (struct shared_prefix_shape){ .groups = GROUPS,
                                                              .prompts_per_group = PROMPTS,
                                                              .system_tokens = SYSTEM,
                                                              .question_tokens = QUESTION,
                                                              .reply_tokens = 3,
                                                              .range_ratio = 1 };
    struct trace *trace = generated(&asked);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        uint32_t group = 0;
        while (group < groups && prefix[group][0] != session.block_keys[0])
            group++;
        if (group == groups) {
            ck_assert_uint_lt(groups, GROUPS);
            memcpy(prefix[groups++], session.block_keys, sizeof prefix[0]);
        }
        asked_for[group]++;
        ck_assert_mem_eq(prefix[group], session.block_keys, sizeof prefix[0]);
        ck_assert_uint_eq(session.turns[0].prompt_tokens, SYSTEM + QUESTION);
        ck_assert_uint_eq(session.turns[0].reply_tokens, 3);
        for (uint32_t i = 0; i < requests; i++)
            ck_assert_uint_ne(own[i], session.block_keys[SHARED]);
        own[requests++] = session.block_keys[SHARED];
    }
    trace_close(trace);
    ck_assert_uint_eq(groups, GROUPS);
    for (uint32_t i = 0; i < GROUPS; i++)
        ck_assert_uint_eq(asked_for[i], PROMPTS);
}
END_TEST

/* SGLang's defaults: of each group all but the first request find its prefix. */
START_TEST(an_unlimited_cache_hits_all_prefixes_but_the_first)
{
    struct shape_case asked = case_of(SHAPE_SHARED_PREFIX);
    asked.shape.shared_prefix.order = _i;
    struct trace_info info = info_of(&asked);
    ck_assert_uint_eq(info.sessions, 64 * 16);
    ck_assert_uint_eq(info.prompt_tokens, 64 * 16 * (2048 + 128));
    ck_assert_uint_eq(info.reply_tokens, 64 * 16 * 256);
    ck_assert(info.reuse.unbounded_hits == 64.0 * 15 * 2048 / BLOCK);
    ck_assert(info.reuse.history_hits == 0.0);
}
END_TEST

/* Shuffled, the request before is of the same group as often as chance has it: (P - 1) / (GP - 1);
 * grouped, always but at a group's first. */
START_TEST(the_order_of_prompts_is_as_asked)
{
    for (int order = 0; order < 2; order++) {
        struct shape_case asked = case_of(SHAPE_SHARED_PREFIX);
        struct trace_session session;
        struct error err = { 0 };
        uint64_t before = 0, same = 0;
        asked.shape.shared_prefix.groups = 20;
        asked.shape.shared_prefix.prompts_per_group = 500;
        asked.shape.shared_prefix.order = order;
        struct trace *trace = generated(&asked);
        while (trace_next(trace, &session, &err) == TRACE_ITEM) {
            same += session.block_keys[0] == before;
            before = session.block_keys[0];
        }
        trace_close(trace);
        double chance = 9999.0 * 499 / 9999; /* five deviations: sqrt(499 * 0.95) each */
        ck_assert_double_eq_tol((double)same, order == PROMPTS_GROUPED ? 20.0 * 499 : chance,
                                order == PROMPTS_GROUPED ? 0.5 : 5.0 * sqrt(chance));
    }
}
END_TEST

START_TEST(lengths_are_drawn_from_their_range)
{
    struct shape_case asked = case_of(SHAPE_SHARED_PREFIX);
    struct shared_prefix_shape *shape = &asked.shape.shared_prefix;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t prompts = 0, n = 0;
    uint32_t least = UINT32_MAX, most = 0;
    shape->groups = 2000;
    shape->prompts_per_group = 2;
    shape->reply_tokens = 9;
    shape->range_ratio = 0.5; /* 4 to 9 */
    struct trace *trace = generated(&asked);
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; n++) {
        uint32_t reply = session.turns[0].reply_tokens;
        least = reply < least ? reply : least;
        most = reply > most ? reply : most;
        prompts += session.turns[0].prompt_tokens;
    }
    trace_close(trace);
    ck_assert_uint_eq(least, 4);
    ck_assert_uint_eq(most, 9);
    /* Uniform from half: 0.75 of the whole; the prefix is drawn once for two. */
    ck_assert_double_eq_tol((double)prompts / (double)n, 0.75 * (2048 + 128),
                            5.0 * 2048 / sqrt(12.0) / 2 / sqrt(2000));
}
END_TEST

/* ---- repeated documents ---- */

/* Which document each request asks for, in the order in which they first come. */
static char *documents_asked(enum repeat_mode order)
{
    struct shape_case asked = case_of(SHAPE_REPEATED_DOCUMENTS);
    struct trace_session session;
    struct error err = { 0 };
    uint64_t first[3];
    uint32_t known = 0, at = 0;
    static char text[10];
    asked.shape.documents.documents = 3;
    asked.shape.documents.repeats = 3;
    asked.shape.documents.order = (int)order;
    struct trace *trace = generated(&asked);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        uint32_t document = 0;
        while (document < known && first[document] != session.block_keys[0])
            document++;
        if (document == known)
            first[known++] = session.block_keys[0];
        text[at++] = (char)('a' + document);
    }
    trace_close(trace);
    return text;
}

START_TEST(documents_are_repeated_in_the_order_asked_for)
{
    ck_assert_str_eq(documents_asked(REPEATS_TILED), "abcabcabc");
    ck_assert_str_eq(documents_asked(REPEATS_INTERLEAVED), "aaabbbccc");
    const char *random = documents_asked(REPEATS_SHUFFLED);
    uint32_t count[3] = { 0 };
    for (int i = 0; i < 9; i++)
        count[random[i] - 'a']++;
    ck_assert(count[0] == 3 && count[1] == 3 && count[2] == 3);
    ck_assert(strcmp(random, "abcabcabc") != 0 && strcmp(random, "aaabbbccc") != 0);
}
END_TEST

/* vLLM's defaults, 8 documents of 20,000 tokens twice; without a question the partial block too is
 * found again, with one it is the question's. */
START_TEST(an_unlimited_cache_hits_documents_from_the_second_time_on)
{
    struct shape_case asked = case_of(SHAPE_REPEATED_DOCUMENTS);
    asked.shape.documents.document_tokens.mean = 20001;
    struct trace_info info = info_of(&asked);
    ck_assert_uint_eq(info.sessions, 16);
    ck_assert_uint_eq(info.prompt_tokens, 16 * 20001);
    ck_assert_uint_eq(info.reply_tokens, 16 * 10);
    ck_assert(info.reuse.unbounded_hits == 8.0 * 1251);
    asked.shape.documents.question_tokens = 20;
    ck_assert(info_of(&asked).reuse.unbounded_hits == 8.0 * 1250);
}
END_TEST

/* A log-normal's mean and median, to five standard errors (of the median: normal's sqrt(pi / 2)).
 */
START_TEST(a_documents_length_has_its_mean_and_median)
{
    struct shape_case asked = case_of(SHAPE_REPEATED_DOCUMENTS);
    struct trace_session session;
    struct error err = { 0 };
    double sum = 0.0, n = 20000, below = 0;
    asked.shape.documents.documents = 20000;
    asked.shape.documents.repeats = 1;
    asked.shape.documents.document_tokens = (struct skewed){ 4000, 0.6 };
    struct trace *trace = generated(&asked);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        sum += session.turns[0].prompt_tokens;
        below += session.turns[0].prompt_tokens < 2400;
    }
    trace_close(trace);
    double cv = sqrt(1.0 / 0.36 - 1.0);
    ck_assert_double_eq_tol(sum / n, 4000, 5.0 * 4000 * cv / sqrt(n));
    ck_assert_double_eq_tol(below / n, 0.5, 5.0 * 0.5 / sqrt(n) + 0.001);
}
END_TEST

/* ---- chat ---- */

/* vLLM's: 12 to 18 messages, uniform, are 6 to 9 rounds of which 6 are half as frequent. */
START_TEST(a_chat_has_the_published_rounds_and_lengths)
{
    struct shape_case asked = case_of(SHAPE_CHAT);
    struct trace_session session;
    struct error err = { 0 };
    double rounds[10] = { 0 }, n = 14000, first = 0.0, cut = 0, below = 0;
    asked.shape.chat.sessions = 14000;
    asked.shape.chat.history_tokens_most = 2500;
    asked.shape.loop = LOOP_CLOSED;
    struct trace *trace = generated(&asked);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        ck_assert(session.turn_count >= 6 && session.turn_count <= 9);
        rounds[session.turn_count]++;
        uint32_t prompt = session.turns[0].prompt_tokens;
        ck_assert(prompt > 500 + 120 && prompt <= 500 + 2500 + 160);
        first += prompt;
        below += prompt < 500 + 850 + 140;
        cut += prompt > 500 + 2500 + 119;
        for (uint32_t i = 0; i < session.turn_count; i++) {
            const struct trace_turn *turn = &session.turns[i];
            ck_assert(i == 0 || (turn->prompt_tokens >= 120 && turn->prompt_tokens <= 160));
            ck_assert(turn->reply_tokens >= 80 && turn->reply_tokens <= 120);
            ck_assert_uint_eq(turn->think_ns, i == 0 ? 0 : 20 * NS_PER_S);
        }
    }
    trace_close(trace);
    for (int i = 6; i <= 9; i++)
        ck_assert_double_eq_tol(rounds[i] / n, (i == 6 ? 1.0 : 2.0) / 7, 5.0 * 0.45 / sqrt(n));
    /* 850 is the median of what a session has of its own; of 1,000 in the mean the cut takes 9. */
    ck_assert_double_eq_tol(below / n, 0.5, 5.0 * 0.5 / sqrt(n) + 0.005);
    ck_assert_double_eq_tol(first / n, 500 + 1000 + 140 - 9, 5.0 * 620 / sqrt(n) + 2);
    ck_assert(cut > 0.01 * n && cut < 0.05 * n);
}
END_TEST

/* What hits in an unlimited cache, counted from the closed loop: of a later round the full blocks
 * of the prompt before, of a first one those of the system prompt, but for who comes first. */
START_TEST(sessions_share_their_system_prompt_and_nothing_else)
{
    struct shape_case asked = case_of(SHAPE_CHAT);
    struct trace_session session;
    struct error err = { 0 };
    double history = 0.0;
    asked.shape.loop = LOOP_CLOSED;
    struct trace *trace = generated(&asked);
    uint64_t sessions = 0;
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; sessions++) {
        uint64_t prompt = 0, reply = 0;
        for (uint32_t i = 0; i < session.turn_count; i++) {
            history += i > 0 ? (double)(prompt / BLOCK) : 0.0;
            prompt += reply + session.turns[i].prompt_tokens;
            reply = session.turns[i].reply_tokens;
        }
    }
    trace_close(trace);
    asked.shape.loop = LOOP_OPEN;
    struct trace_info info = info_of(&asked);
    ck_assert_uint_eq(sessions, 24);
    ck_assert(info.reuse.unbounded_hits == history + (double)((sessions - 1) * (500 / BLOCK)));
    asked.shape.chat.system_tokens = 15; /* less than a block: nothing is shared */
    ck_assert(info_of(&asked).reuse.shared_hits == 0.0);
}
END_TEST

/* ---- agents ---- */

struct drawn {
    double sessions, turns, requests, singles, replies, reply_below, tools, tool_below, tool_ns;
};

static struct drawn agents_drawn(uint64_t sessions)
{
    struct shape_case asked = case_of(SHAPE_AGENTS);
    struct trace_session session;
    struct error err = { 0 };
    struct drawn drawn = { 0 };
    asked.shape.loop = LOOP_CLOSED;
    asked.shape.agents.sessions = sessions;
    /* So that a person's waits are told from a tool's. */
    asked.shape.agents.think_ns = (struct skewed){ 1e15, 1 };
    struct trace *trace = generated(&asked);
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; drawn.sessions++) {
        double requests = 1;
        ck_assert_uint_gt(session.turns[0].prompt_tokens, 19000);
        for (uint32_t i = 0; i < session.turn_count; i++) {
            uint64_t wait_ns = session.turns[i].think_ns;
            drawn.replies += session.turns[i].reply_tokens;
            drawn.reply_below += session.turns[i].reply_tokens <= 214;
            if (wait_ns == 1000000 * NS_PER_S)
                requests++;
            else if (i > 0) {
                drawn.tools++;
                drawn.tool_ns += (double)wait_ns;
                drawn.tool_below += wait_ns < 300 * NS_PER_MS;
            }
        }
        drawn.turns += session.turn_count;
        drawn.requests += requests;
        drawn.singles += requests == 1;
    }
    trace_close(trace);
    return drawn;
}

/* TraceLab: 9.2 requests a session and 1 in the median, 8.8 steps a request, 83.7 steps a session;
 * replies of 523 tokens, 214 in the median; tools of 18.4 s, 0.3 s in the median. Of counts the
 * least is 1, which adds 0.3 and 0.2. Means of such tails come with wide errors. */
START_TEST(agents_have_the_published_counts_lengths_and_waits)
{
    struct drawn drawn = agents_drawn(30000);
    ck_assert_double_eq_tol(drawn.requests / drawn.sessions, 9.5, 5.0 * 84 / sqrt(30000));
    ck_assert_double_eq_tol(drawn.turns / drawn.requests, 9.0, 0.6);
    ck_assert_double_eq_tol(drawn.turns / drawn.sessions, 83.7, 25);
    /* Half are one request, and what rounds to it: below 1.5 lie 57.6 %. */
    ck_assert_double_eq_tol(drawn.singles / drawn.sessions, 0.576, 5.0 * 0.5 / sqrt(30000));
    ck_assert_double_eq_tol(drawn.replies / drawn.turns, 523, 5);
    ck_assert_double_eq_tol(drawn.reply_below / drawn.turns, 0.5, 0.002);
    ck_assert_double_eq_tol(drawn.tool_ns / drawn.tools / 1e9, 18.4, 2.5);
    ck_assert_double_eq_tol(drawn.tool_below / drawn.tools, 0.5, 0.002);
}
END_TEST

/* A context that would be too long is the system prompt, what is left, and what is new; it hits the
 * system prompt, and nothing of the session's past. */
START_TEST(a_context_that_is_too_long_is_compacted)
{
    enum { SYSTEM = 160, LEFT = 48, MOST = 1000, NEW = 64, REPLY = 32 };
    struct shape_case asked = case_of(SHAPE_AGENTS);
    struct trace_session session;
    struct error err = { 0 };
    asked.shape.agents = (struct agents_shape){ .sessions = 1,
                                                .requests = { 1, 1 },
                                                .steps = { 40, 1 },
                                                .system_tokens = SYSTEM,
                                                .prompt_tokens = { NEW, 1 },
                                                .reply_tokens = { REPLY, 1 },
                                                .tool_ns = { 1e9, 1 },
                                                .context_tokens_most = MOST,
                                                .compacted_tokens = LEFT };
    static uint64_t before[MOST / BLOCK + 1];
    uint32_t known = 0, prompt = 0, compactions = 0, steps = 0;
    struct trace *trace = generated(&asked);
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; steps++) {
        uint32_t expected = steps == 0 ? SYSTEM + NEW : prompt + REPLY + NEW, hits = 0;
        bool compacted = expected > MOST;
        compactions += compacted;
        expected = compacted ? SYSTEM + LEFT + NEW : expected;
        ck_assert_uint_eq(session.turns[0].prompt_tokens, expected);
        while (hits < known && hits < session.block_count &&
               before[hits] == session.block_keys[hits])
            hits++;
        ck_assert_uint_eq(hits, steps == 0 ? 0 : compacted ? SYSTEM / BLOCK : prompt / BLOCK);
        known = session.block_count;
        prompt = expected;
        memcpy(before, session.block_keys, known * sizeof *before);
    }
    trace_close(trace);
    ck_assert_uint_eq(steps, 40);
    ck_assert_uint_eq(compactions, 4); /* 224 and 8 times 96 is 992; then 272 and 7 times 96 */
}
END_TEST

/* ---- refusals ---- */

static void check_refused(const struct shape_case *asked, const char *key)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(
        trace_generate_shape(&asked->workload, &asked->shape, NULL, BLOCK, &trace, &err),
        STATUS_INPUT);
    ck_assert_str_eq(err.key, key);
}

START_TEST(what_contradicts_itself_is_refused_by_its_key)
{
    struct shape_case chat = case_of(SHAPE_CHAT), agents = case_of(SHAPE_AGENTS),
                      prefix = case_of(SHAPE_SHARED_PREFIX),
                      documents = case_of(SHAPE_REPEATED_DOCUMENTS),
                      paper = case_of(SHAPE_SHAREGPT);
    struct shape_case wrong = chat;
    wrong.shape.chat.messages_least = 19;
    check_refused(&wrong, "workload.chat.messages.least");
    wrong = chat;
    wrong.shape.chat.prompt_tokens_most = 119;
    check_refused(&wrong, "workload.chat.prompt_tokens.least");
    wrong = chat;
    wrong.shape.chat.reply_tokens_least = 121;
    check_refused(&wrong, "workload.chat.reply_tokens.least");
    wrong = agents;
    wrong.shape.agents.context_tokens_most = 29000;
    check_refused(&wrong, "workload.agents.context_most");
    prefix.shape.loop = documents.shape.loop = LOOP_CLOSED;
    check_refused(&prefix, "workload.loop");
    check_refused(&documents, "workload.loop");
    paper.workload.mean_turns = 1.1;
    check_refused(&paper, "workload.mean_turns");
    /* What another shape would refuse is nothing to this one. */
    agents.shape.chat.messages_least = 19;
    trace_close(generated(&agents));
}
END_TEST

START_TEST(each_key_is_of_its_shape_or_of_all)
{
    ck_assert(workload_key_is_of("workload.chat.sessions", SHAPE_CHAT));
    ck_assert(!workload_key_is_of("workload.chat.sessions", SHAPE_AGENTS));
    ck_assert(!workload_key_is_of("workload.chat.sessions", SHAPE_SHAREGPT));
    ck_assert(!workload_key_is_of("workload.sessions", SHAPE_CHAT));
    ck_assert(workload_key_is_of("workload.sessions", SHAPE_SHAREGPT));
    ck_assert(workload_key_is_of("engine.batch", SHAPE_CHAT));
    for (int i = 0; i < SHAPE_COUNT; i++) {
        ck_assert(workload_key_is_of("workload.sessions_per_s", (enum shape)i));
        ck_assert(workload_key_is_of("workload.loop", (enum shape)i));
    }
    /* And no key of the shapes' rows is of none. */
    for (const struct config_row *row = workload_shape_rows; row->key != NULL; row++) {
        char key[128];
        int shapes = 0;
        snprintf(key, sizeof key, "workload.%s", row->key);
        for (int i = 0; i < SHAPE_COUNT; i++)
            shapes += workload_key_is_of(key, (enum shape)i);
        ck_assert_msg(shapes == (strchr(row->key, '.') != NULL ? 1 : SHAPE_COUNT), "%s", key);
        ck_assert(strchr(row->key, '.') == NULL || !workload_key_is_of(key, SHAPE_SHAREGPT));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("shapes");
    TCase *tcase = tcase_create("shapes");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_same_seed_gives_the_same_trace_everywhere, 0, EVERY);
    tcase_add_loop_test(tcase, a_trace_says_which_shape_and_loop_it_is, 0, EVERY);
    tcase_add_loop_test(tcase, nothing_grows_with_what_was_asked_for, 0, EVERY);
    tcase_add_test(tcase, each_group_has_its_prompts_and_its_own_prefix);
    tcase_add_loop_test(tcase, an_unlimited_cache_hits_all_prefixes_but_the_first, 0, 2);
    tcase_add_test(tcase, the_order_of_prompts_is_as_asked);
    tcase_add_test(tcase, lengths_are_drawn_from_their_range);
    tcase_add_test(tcase, documents_are_repeated_in_the_order_asked_for);
    tcase_add_test(tcase, an_unlimited_cache_hits_documents_from_the_second_time_on);
    tcase_add_test(tcase, a_documents_length_has_its_mean_and_median);
    tcase_add_test(tcase, a_chat_has_the_published_rounds_and_lengths);
    tcase_add_test(tcase, sessions_share_their_system_prompt_and_nothing_else);
    tcase_add_test(tcase, agents_have_the_published_counts_lengths_and_waits);
    tcase_add_test(tcase, a_context_that_is_too_long_is_compacted);
    tcase_add_test(tcase, what_contradicts_itself_is_refused_by_its_key);
    tcase_add_test(tcase, each_key_is_of_its_shape_or_of_all);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
