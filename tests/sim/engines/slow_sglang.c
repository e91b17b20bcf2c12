/* tests/sim/engines/slow_sglang.c - SGLang's HiRadixCache: a radix tree of nodes with KV in HBM, in
 * host memory, or in both; and what a request asks of it. Source: SGLang
 * python/sglang/srt/mem_cache/hiradix_cache.py, evict_policy.py, common.py (evict_from_tree_cache),
 * allocation.py and managers/schedule_policy.py (PrefillAdder.add_one_req) as of 2026-08-20.
 * Functions have its names. Sets of leaves, which it keeps, are looked for here. */
#include "tests/sim/engines/slow_engine.h"
#include "tests/support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *parent, *child, *next; /* its first child; the next one of its parent */
    uint64_t key[REQUEST_BLOCKS_MOST];
    uint32_t blocks, locks, hits;
    uint64_t time; /* of its last use */
    bool in_hbm, in_host;
    bool is_read;     /* is to be loaded: this and the next are the engine's host_ref_counter */
    bool is_staged;   /* during evict(): is being copied to host memory */
    bool was_refused; /* during evict(): could not go */
};

struct slow_sglang {
    struct slow_engine door;
    enum slow_write write;
    enum slow_order order;
    uint32_t free_hbm, free_host;
    uint64_t clock;
    struct node root;
};

typedef bool (*is_wanted)(const struct node *node);

/* ---- the tree ---- */

static void link_child(struct node *parent, struct node *node)
{
    node->parent = parent;
    node->next = parent->child;
    parent->child = node;
}

static void unlink_child(struct node *node)
{
    struct node **at = &node->parent->child;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
}

static struct node *child_of(const struct node *node, uint64_t key)
{
    struct node *child = node->child;
    while (child != NULL && child->key[0] != key)
        child = child->next;
    return child;
}

static struct node *new_node(struct slow_sglang *tree, struct node *parent, const uint64_t *keys,
                             uint32_t blocks)
{
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL)
        ck_abort_msg("out of memory");
    memcpy(node->key, keys, blocks * sizeof *keys);
    node->blocks = blocks;
    node->time = ++tree->clock;
    link_child(parent, node);
    return node;
}

static void delete_node(struct node *node)
{
    unlink_child(node);
    free(node);
}

static uint32_t common_blocks(const struct node *node, const uint64_t *keys, uint32_t count)
{
    uint32_t common = 0;
    while (common < node->blocks && common < count && node->key[common] == keys[common])
        common++;
    return common;
}

/* _split_node(): returns the upper part, which is made last. */
static struct node *split(struct slow_sglang *tree, struct node *node, uint32_t blocks)
{
    struct node *upper = new_node(tree, node->parent, node->key, blocks);
    upper->locks = node->locks;
    upper->hits = node->hits;
    upper->in_hbm = node->in_hbm;
    upper->in_host = node->in_host;
    unlink_child(node);
    node->blocks -= blocks;
    memmove(node->key, node->key + blocks, node->blocks * sizeof *node->key);
    link_child(upper, node);
    return upper;
}

static bool has_child(const struct node *node, is_wanted is)
{
    for (const struct node *child = node->child; child != NULL; child = child->next)
        if (is(child))
            return true;
    return false;
}

static bool is_in_hbm(const struct node *node)
{
    return node->in_hbm;
}

static bool is_in_host(const struct node *node)
{
    return node->in_host;
}

static bool is_leaf(const struct node *node)
{
    return node->in_hbm && node->locks == 0 && !node->was_refused && !has_child(node, is_in_hbm);
}

static bool is_host_leaf(const struct node *node)
{
    return !node->in_hbm && node->in_host && node->locks == 0 && !node->is_read &&
           !node->is_staged && !has_child(node, is_in_host);
}

static void lock_path(struct slow_sglang *tree, struct node *node)
{
    for (; node != &tree->root; node = node->parent)
        node->locks++;
}

static void unlock_path(struct slow_sglang *tree, struct node *node)
{
    for (; node != &tree->root; node = node->parent)
        node->locks--;
}

/* ---- who goes ---- */

/* evict_policy.py: who goes first. */
static bool is_before(const struct slow_sglang *tree, const struct node *a, const struct node *b)
{
    uint32_t rank_a = tree->order == SLOW_LFU ? a->hits : 0;
    uint32_t rank_b = tree->order == SLOW_LFU ? b->hits : 0;
    if (tree->order == SLOW_SLRU) {
        rank_a = a->hits >= 2;
        rank_b = b->hits >= 2;
    }
    return rank_a != rank_b ? rank_a < rank_b : a->time < b->time;
}

static struct node *first_to_go(const struct slow_sglang *tree, struct node *node, is_wanted is,
                                struct node *best)
{
    for (struct node *child = node->child; child != NULL; child = child->next) {
        if (is(child) && (best == NULL || is_before(tree, child, best)))
            best = child;
        best = first_to_go(tree, child, is, best);
    }
    return best;
}

static void evict_host(struct slow_sglang *tree, uint32_t blocks)
{
    uint32_t done = 0;
    while (done < blocks) {
        struct node *node = first_to_go(tree, &tree->root, is_host_leaf, NULL);
        if (node == NULL)
            return;
        done += node->blocks;
        tree->free_host += node->blocks;
        delete_node(node);
    }
}

/* To host memory, if there is room when as much as all of the node takes was evicted. */
static bool write_backup(struct slow_sglang *tree, struct node *node)
{
    bool is_reachable = node->parent == &tree->root || node->parent->in_host;
    if (tree->write != SLOW_BACK && !is_reachable)
        return false;
    if (tree->free_host < node->blocks)
        evict_host(tree, node->blocks);
    if (tree->free_host < node->blocks)
        return false;
    tree->free_host -= node->blocks;
    node->in_host = true;
    return true;
}

static bool is_held(const struct node *node)
{
    return node->is_read || node->is_staged || has_child(node, is_held);
}

static void free_subtree(struct slow_sglang *tree, struct node *node)
{
    while (node->child != NULL)
        free_subtree(tree, node->child);
    tree->free_hbm += node->in_hbm ? node->blocks : 0;
    tree->free_host += node->in_host ? node->blocks : 0;
    delete_node(node);
}

/* The evictions' copies are waited for. */
static void end_staged(struct node *node)
{
    for (struct node *child = node->child; child != NULL; child = child->next) {
        child->is_staged = false;
        end_staged(child);
    }
}

static void forget_refusals(struct node *node)
{
    for (struct node *child = node->child; child != NULL; child = child->next) {
        child->was_refused = false;
        forget_refusals(child);
    }
}

/* _drop_subtree(): the leaf, for which host memory has no room, and what is below it there. Returns
 * the blocks that HBM gets. */
static uint32_t drop_subtree(struct slow_sglang *tree, struct node *node)
{
    uint32_t blocks = node->blocks;
    end_staged(&tree->root);
    node->was_refused = is_held(node);
    if (node->was_refused)
        return 0;
    free_subtree(tree, node);
    return blocks;
}

/* Returns the blocks that HBM gets. */
static uint32_t evict_leaf(struct slow_sglang *tree, struct node *node)
{
    uint32_t blocks = node->blocks;
    if (!node->in_host && tree->write == SLOW_BACK) {
        if (!write_backup(tree, node))
            return drop_subtree(tree, node);
        node->is_staged = true;
    }
    tree->free_hbm += blocks;
    node->in_hbm = false;
    if (!node->in_host)
        delete_node(node);
    return blocks;
}

static void evict(struct slow_sglang *tree, uint32_t tokens)
{
    for (uint32_t done = 0; done < tokens;) {
        struct node *node = first_to_go(tree, &tree->root, is_leaf, NULL);
        if (node == NULL)
            break;
        done += evict_leaf(tree, node) * BLOCK;
    }
    end_staged(&tree->root);
    forget_refusals(&tree->root);
}

/* evict_from_tree_cache(): what is lacking. */
static void make_room(struct slow_sglang *tree, uint32_t tokens)
{
    uint32_t free = tree->free_hbm * BLOCK;
    if (free < tokens)
        evict(tree, tokens - free);
}

/* ---- walks ---- */

/* Where a look-up ends; in_hbm: the last node on the way that HBM has, and the blocks up to there.
 */
struct match {
    struct node *last, *in_hbm;
    uint32_t hbm_blocks;
};

static struct match match_prefix(struct slow_sglang *tree, const uint64_t *keys, uint32_t count)
{
    struct match match = { &tree->root, &tree->root, 0 };
    bool ends = false;
    while (count > 0 && !ends) {
        struct node *node = child_of(match.last, keys[0]);
        if (node == NULL)
            break;
        node->time = ++tree->clock;
        uint32_t common = common_blocks(node, keys, count);
        ends = common < node->blocks;
        match.last = ends ? split(tree, node, common) : node;
        match.in_hbm = match.last->in_hbm ? match.last : match.in_hbm;
        match.hbm_blocks += match.last->in_hbm ? common : 0;
        keys += common;
        count -= common;
    }
    return match;
}

/* _inc_hit_count(). */
static void count_hit(struct slow_sglang *tree, struct node *node)
{
    uint32_t threshold = tree->write == SLOW_SELECTIVE ? 2 : 1;
    if (tree->write == SLOW_BACK)
        return;
    node->hits++;
    if (!node->in_host && node->hits >= threshold)
        write_backup(tree, node);
}

/* Returns the last node. *there: leading blocks that HBM had; computed again, they are freed. */
static struct node *insert(struct slow_sglang *tree, const uint64_t *keys, uint32_t count,
                           uint32_t *there)
{
    struct node *node = &tree->root, *child;
    *there = 0;
    while (count > 0 && (child = child_of(node, keys[0])) != NULL) {
        child->time = ++tree->clock;
        uint32_t common = common_blocks(child, keys, count);
        node = common < child->blocks ? split(tree, child, common) : child;
        if (node->in_hbm) {
            count_hit(tree, node);
            *there += common;
        }
        node->in_hbm = true; /* without a hit where it comes back */
        keys += common;
        count -= common;
    }
    if (count == 0)
        return node;
    node = new_node(tree, node, keys, count);
    node->in_hbm = true;
    count_hit(tree, node);
    return node;
}

/* load_back(): all that HBM lacks of the path, or nothing. Returns how many blocks. */
static uint32_t load_back(struct slow_sglang *tree, struct node *last, struct node *in_hbm)
{
    uint32_t blocks = 0;
    for (struct node *node = last; node != in_hbm; node = node->parent) {
        blocks += node->blocks;
        node->is_read = true;
    }
    if (tree->free_hbm < blocks)
        evict(tree, blocks * BLOCK);
    bool loads = tree->free_hbm >= blocks;
    for (struct node *node = last; node != in_hbm; node = node->parent) {
        node->is_read = false;
        node->in_hbm = loads;
    }
    tree->free_hbm -= loads ? blocks : 0;
    return loads ? blocks : 0;
}

/* ---- requests ---- */

/* Its KV is in the tree from now on; what it had of it beside the first `shared` blocks goes where
 * the tree had it. Returns the node that is locked in the place of `locked`. */
static struct node *cache_req(struct slow_sglang *tree, const struct request *request,
                              struct node *locked, uint32_t shared)
{
    uint32_t there;
    struct node *last = insert(tree, request->key, request->blocks, &there);
    tree->free_hbm += there > shared ? there - shared : 0;
    unlock_path(tree, locked);
    lock_path(tree, last);
    return last;
}

/* Tokens behind the first block up. */
static uint32_t blocks_of(uint32_t tokens)
{
    return (tokens + BLOCK - 1) / BLOCK;
}

static uint32_t take_blocks(struct slow_sglang *tree, uint32_t blocks)
{
    if (tree->free_hbm < blocks)
        ck_abort_msg("SGLang is out of memory");
    tree->free_hbm -= blocks;
    return blocks;
}

/* Each step asks for a block, and takes one where its token begins one. Returns what it took. */
static uint32_t decode(struct slow_sglang *tree, const struct request *request)
{
    uint32_t taken = 0;
    for (uint32_t token = 0; token + 1 < request->reply; token++) {
        make_room(tree, BLOCK);
        if ((request_prompt(request) + token) % BLOCK == 0)
            taken += take_blocks(tree, 1);
    }
    return taken;
}

static struct slow_hits sglang_request(struct slow_engine *engine, const struct request *request)
{
    struct slow_sglang *tree = (struct slow_sglang *)engine;
    uint32_t prompt = request_prompt(request);
    struct match match = match_prefix(tree, request->key, (prompt - 1) / BLOCK);
    struct slow_hits hits = { .hbm = match.hbm_blocks };
    lock_path(tree, match.in_hbm);
    if (match.last != match.in_hbm)
        hits.dram = load_back(tree, match.last, match.in_hbm);
    struct node *locked = hits.dram > 0 ? match.last : match.in_hbm;
    lock_path(tree, locked);
    unlock_path(tree, match.in_hbm);
    uint32_t shared = hits.hbm + hits.dram;
    make_room(tree, prompt - shared * BLOCK + BLOCK);
    uint32_t own = take_blocks(tree, blocks_of(prompt) - shared);
    if (request->reply > 1) { /* cache_unfinished_req() */
        locked = cache_req(tree, request, locked, shared);
        match_prefix(tree, request->key, request->blocks);
        own += decode(tree, request);
        shared = request->blocks;
    }
    locked = cache_req(tree, request, locked, shared);
    unlock_path(tree, locked);
    tree->free_hbm += own - (request->blocks - hits.hbm - hits.dram);
    return hits;
}

static void sglang_close(struct slow_engine *engine)
{
    struct slow_sglang *tree = (struct slow_sglang *)engine;
    while (tree->root.child != NULL)
        free_subtree(tree, tree->root.child);
    free(tree);
}

struct slow_engine *slow_sglang_open(enum slow_write write, enum slow_order order, uint32_t hbm,
                                     uint32_t dram)
{
    struct slow_sglang *tree = calloc(1, sizeof *tree);
    if (tree == NULL || (order != SLOW_LRU && order != SLOW_LFU && order != SLOW_SLRU))
        ck_abort_msg("no such SGLang");
    *tree =
        (struct slow_sglang){ { sglang_request, sglang_close }, write, order, hbm, dram, 0, { 0 } };
    return &tree->door;
}
