/* sweep/size_columns.h - kinds of servers: what a search asks "how many of these?". A column is all
 * points that differ in the number of servers and in storage only, with as much of KV kept.
 * Private to sweep/. */
#ifndef REPRISE_SWEEP_SIZE_COLUMNS_H
#define REPRISE_SWEEP_SIZE_COLUMNS_H

#include "sweep/size_runs.h"

/* Of places on the axis of servers, with the most storage: those below `breaks` are known to break
 * a promise, `keeps` is the least known to keep them all, whatever becomes of its SSDs. The same on
 * a part of the workload, where tails are short: more than a little must be missed. */
struct column {
    uint32_t base; /* its point with the fewest servers and no storage */
    enum size_kv kv;
    uint32_t group; /* hardware and kv: who competes with whom */
    uint32_t part_breaks, part_keeps;
    uint32_t part_far; /* those below miss by so much on the part that the whole cannot keep them */
    uint32_t breaks, keeps; /* keeps: the axis' count: none is known */
    bool closed;            /* it is known, or dearer than what is known */
};

struct columns {
    const struct size_space *space;
    struct column *column;
    uint32_t count, capacity;
    uint32_t servers;  /* places on the axis of servers; 1 without such an axis */
    uint32_t storages; /* combinations of places on the axes of storage */
    bool whole_only;   /* nothing is run on a part */
};

enum status columns_make(struct size_runs *runs, struct columns *columns, struct error *err);
void columns_free(struct columns *columns);

/* The column's point with so many servers (a place) and the storage of that number; SIZE_NONE:
 * there are no such servers. The last storage is the most of each. */
uint32_t column_point(const struct columns *columns, uint32_t column, uint32_t servers,
                      uint32_t storage);

/* What to try next on the part; false: nothing. Then heeds what came of it. */
bool column_next_part(const struct columns *columns, uint32_t index, uint32_t *point);
void column_heed_part(const struct size_runs *runs, struct columns *columns, uint32_t index);

/* The same on the whole workload, of a column that is open. */
uint32_t column_next_whole(const struct columns *columns, uint32_t index);
void column_heed_whole(const struct size_runs *runs, struct columns *columns, uint32_t index);

/* Open columns that may cost less than the best of their group, the cheapest first; closes the
 * others. Returns how many, at most `most`; fewer also where *err says why. */
uint32_t columns_cheapest_open(struct size_runs *runs, struct columns *columns, uint32_t *chosen,
                               uint32_t most, struct error *err);
/* Columns of which nothing was run: the fewest of their servers without storage cost no less than what is found. */
uint32_t columns_not_run(const struct columns *columns);
/* Columns of which a number of servers keeps the promises, the cheapest without storage first. */
uint32_t columns_by_price(const struct size_runs *runs, const struct columns *columns,
                          uint32_t *order);
/* The cheapest point that keeps the promises of those that compete; SIZE_NONE. */
uint32_t columns_best(const struct size_runs *runs, const struct columns *columns, uint32_t group);

#endif
