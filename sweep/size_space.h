/* sweep/size_space.h - what a search can choose from: a grid of experiments, each made when it is
 * first looked at, and of each the same servers without KV kept below HBM, and without any.
 *
 * A point is a number: its place on each axis, the last axis the fastest, and before them what is
 * kept of KV. Values of an axis that is a capacity or a number of servers are in their order, so
 * that the next place has more. */
#ifndef REPRISE_SWEEP_SIZE_SPACE_H
#define REPRISE_SWEEP_SIZE_SPACE_H

#include "sim/sim.h"
#include "sweep/axis.h"
#include "sweep/pricing.h"

#define SIZE_NONE UINT32_MAX /* no point */

/* Of KV of turns that have ended: what the experiment says; what stays in HBM, nothing below; none,
 * not even a prefix cache. */
enum size_kv { SIZE_KV_KEPT, SIZE_KV_HBM, SIZE_KV_NONE, SIZE_KVS };

enum axis_role {
    ROLE_SERVERS,  /* cluster.replicas */
    ROLE_CAPACITY, /* DRAM, SSD, pool, number of drives: more costs more and keeps more */
    ROLE_KEEPING,  /* how KV is kept below HBM otherwise: of no matter where none is */
    ROLE_OTHER
};

struct size_point {
    struct experiment experiment;
    struct bought bought;
    const struct prices *prices;
    enum billing billing;
    double usd_least; /* a month as `billing`, GPUs idle; busy: as rented */
};

struct size_space {
    struct axis *axes;
    enum axis_role *role;
    uint32_t axis_count;
    uint32_t grid;            /* points of one size_kv */
    uint32_t count;           /* of all */
    struct config_tree *tree; /* the experiment that the axes vary */
    struct pricing pricing;
    bool all_rented;           /* since one server's prices do not tell of owning */
    struct size_point **point; /* NULL: not looked at yet */
    struct size_server {
        struct hardware hardware;
        struct prices prices;
        enum billing billing;
        struct size_server *next;
    } * servers; /* those met */
};

/* tree is copied. STATUS_INPUT: an axis or one of its values is refused, the same key on two axes,
 * one of the workload, prices that do not tell what is asked, more than 10 million points. Whatever
 * is returned, *space is the caller's to size_space_free().
 */
enum status size_space_make(const struct config_tree *tree, const char *const *vary,
                            uint32_t vary_count, const struct pricing *pricing,
                            struct size_space *space, struct error *err);
void size_space_free(struct size_space *space);

/* The point, valid as long as the space. */
enum status size_space_point(struct size_space *space, uint32_t index,
                             const struct size_point **found, struct error *err);

/* Whether the key says what is asked, not of whom. */
bool size_space_is_workload(const char *key);

/* An experiment that is no point of the space, priced as if it were one. */
enum status size_space_foreign(struct size_space *space, const struct experiment *experiment,
                               struct size_point *point, struct error *err);

/* Of points that are the same servers the one that stands for all: where nothing is kept below HBM,
 * capacities and what else is said of keeping do not matter; nor does which drive, of none. */
enum status size_space_canonical(struct size_space *space, uint32_t index, uint32_t *canonical,
                                 struct error *err);

static inline enum size_kv size_space_kv(const struct size_space *space, uint32_t point)
{
    return (enum size_kv)(point / space->grid);
}
/* The point's place on an axis; the point that has another place there. */
uint32_t size_space_place(const struct size_space *space, uint32_t point, uint32_t axis);
uint32_t size_space_moved(const struct size_space *space, uint32_t point, uint32_t axis,
                          uint32_t place);
/* The axis of that key; SIZE_NONE: none. */
uint32_t size_space_axis(const struct size_space *space, const char *key);

/* "HBM only", "none": what is kept, for tables; "kept" where that is what the experiment says. */
const char *size_kv_name(enum size_kv kv);

#endif
