/* sim/engine/moved.c - see moved.h. */
#include "sim/engine/moved.h"

uint32_t moved_links(enum tier from, enum tier to)
{
    static const uint32_t crossed[TIER_KINDS][TIER_KINDS] = {
        [TIER_HBM] = { [TIER_DRAM] = LINK_BIT(LINK_D2H),
                       [TIER_SSD] = LINK_BIT(LINK_D2H) | LINK_BIT(LINK_SSD_WRITE) },
        [TIER_DRAM] = { [TIER_HBM] = LINK_BIT(LINK_H2D),
                        [TIER_SSD] = LINK_BIT(LINK_SSD_WRITE),
                        [TIER_REMOTE] = LINK_BIT(LINK_NETWORK) },
        [TIER_SSD] = { [TIER_HBM] = LINK_BIT(LINK_H2D) | LINK_BIT(LINK_SSD_READ),
                       [TIER_DRAM] = LINK_BIT(LINK_SSD_READ),
                       [TIER_REMOTE] = LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_NETWORK) },
        [TIER_REMOTE] = { [TIER_HBM] = LINK_BIT(LINK_H2D) | LINK_BIT(LINK_NETWORK_IN),
                          [TIER_DRAM] = LINK_BIT(LINK_NETWORK_IN) },
    };
    return crossed[from][to];
}

void moved_add(struct moved *moved, const struct action *copy)
{
    moved->bytes[copy->kind][copy->from][copy->to] += copy->size_bytes;
}

uint64_t moved_over(const struct moved *moved, enum link link)
{
    uint64_t sum = link == LINK_NETWORK ? moved->handed_over_bytes : 0;
    for (int kind = 0; kind <= ACTION_WRITE; kind++)
        for (int from = 0; from < TIER_KINDS; from++)
            for (int to = 0; to < TIER_KINDS; to++)
                if (moved_links((enum tier)from, (enum tier)to) & LINK_BIT(link))
                    sum += moved->bytes[kind][from][to];
    return sum;
}

static double over_since(const struct moved *moved, const struct moved *then, enum link link)
{
    return (double)(moved_over(moved, link) - moved_over(then, link));
}

static void add_links(const struct moved *moved, const struct moved *then, struct metrics *metrics)
{
    metrics->ssd_read_bytes += over_since(moved, then, LINK_SSD_READ);
    metrics->ssd_written_bytes += over_since(moved, then, LINK_SSD_WRITE);
    metrics->h2d_bytes += over_since(moved, then, LINK_H2D);
    metrics->d2h_bytes += over_since(moved, then, LINK_D2H);
    metrics->network_bytes += over_since(moved, then, LINK_NETWORK);
    metrics->remote_read_bytes += over_since(moved, then, LINK_NETWORK_IN);
}

void moved_add_metrics(const struct moved *moved, const struct moved *then, struct metrics *metrics)
{
#define SINCE(metric, kind, from, to)                                                              \
    metrics->metric += (double)(moved->bytes[kind][from][to] - then->bytes[kind][from][to])
    SINCE(load_dram_hbm_bytes, ACTION_LOAD, TIER_DRAM, TIER_HBM);
    SINCE(load_ssd_hbm_bytes, ACTION_LOAD, TIER_SSD, TIER_HBM);
    SINCE(load_remote_hbm_bytes, ACTION_LOAD, TIER_REMOTE, TIER_HBM);
    SINCE(fetch_ssd_dram_bytes, ACTION_FETCH, TIER_SSD, TIER_DRAM);
    SINCE(fetch_remote_dram_bytes, ACTION_FETCH, TIER_REMOTE, TIER_DRAM);
    SINCE(save_hbm_dram_bytes, ACTION_SAVE, TIER_HBM, TIER_DRAM);
    SINCE(save_hbm_ssd_bytes, ACTION_SAVE, TIER_HBM, TIER_SSD);
    SINCE(demote_dram_ssd_bytes, ACTION_DEMOTE, TIER_DRAM, TIER_SSD);
    SINCE(demote_dram_remote_bytes, ACTION_DEMOTE, TIER_DRAM, TIER_REMOTE);
    SINCE(demote_ssd_remote_bytes, ACTION_DEMOTE, TIER_SSD, TIER_REMOTE);
    SINCE(write_dram_ssd_bytes, ACTION_WRITE, TIER_DRAM, TIER_SSD);
    SINCE(write_dram_remote_bytes, ACTION_WRITE, TIER_DRAM, TIER_REMOTE);
#undef SINCE
    add_links(moved, then, metrics);
}
