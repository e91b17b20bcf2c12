/* sim/placement/policy_keys.h - the keys of an experiment that policies follow. Their algorithms'
 * own constants are one list: the members here, the experiment's keys (placement.POLICY.NAME),
 * their defaults and docs/config.md expand it. A default is what the policy's source has.
 *
 * What is here is a number that another value could stand for. What an algorithm is made of is not:
 * ARC's directory of twice the tier, SIEVE's one bit, a unit's first use. */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_KEYS_H
#define REPRISE_SIM_PLACEMENT_POLICY_KEYS_H

#include <stdint.h>

/* policy, as in POLICIES; name; type; its CONFIG_ kind; its UNIT_; default, least and most; help.
 * Shares of a tier count units, and are one unit at least where they are more than 0. */
#define POLICY_CONSTANTS(X)                                                                        \
    X(scheduler_aware, eviction_window, double, DOUBLE, PLAIN, 1, 0, 1e6,                          \
      "what the first so many times (C_DRAM + C_SSD) / S_kv queued turns want is never dropped "   \
      "from the last tier; 0: it may be (CachedAttention: 1)")                                     \
    X(scheduler_aware, fetching_window, double, DOUBLE, PLAIN, 1, 0, 1e6,                          \
      "under any eviction's +scheduler-aware: SSD is read ahead for the first so many times "      \
      "C_DRAM / S_kv queued turns (CachedAttention: 1)")                                           \
    X(two_q, in_share, double, DOUBLE, PLAIN, 0.25, 0, 1,                                          \
      "2q: of a tier, from which on the queue of new units (A1in) gives up first (VLDB'94: Kin, "  \
      "25 %)")                                                                                     \
    X(two_q, out_share, double, DOUBLE, PLAIN, 0.5, 0, 100,                                        \
      "2q: as many units as fit into so much of a tier are remembered when they leave that queue " \
      "(VLDB'94: Kout, 50 %)")                                                                     \
    X(arc, step, double, DOUBLE, PLAIN, 1, 0, 1e6,                                                 \
      "arc: units by which a ghost asked again moves T1's target, times the ghost lists' ratio "   \
      "where that is above 1 (FAST'03: 1)")                                                        \
    X(arc, first_target, double, DOUBLE, PLAIN, 0, 0, 1,                                           \
      "arc: T1's target before any ghost was asked, of a tier (FAST'03: 0)")                       \
    X(s3_fifo, small_share, double, DOUBLE, PLAIN, 0.1, 0, 1,                                      \
      "s3-fifo: the small queue's share of a tier; main has the rest (SOSP'23: 10 %)")             \
    X(s3_fifo, ghost_share, double, DOUBLE, PLAIN, 1, 0, 100,                                      \
      "s3-fifo: units remembered when the small queue gave them up, to those that main holds "     \
      "(SOSP'23: as many)")                                                                        \
    X(s3_fifo, promote_uses, uint32_t, U32, PLAIN, 2, 1, 255,                                      \
      "s3-fifo: so many uses in the small queue, beyond the one that brought a unit there, take "  \
      "it to main; max_uses at most (SOSP'23: more than 1)")                                       \
    X(s3_fifo, max_uses, uint32_t, U32, PLAIN, 3, 1, 255,                                          \
      "s3-fifo: uses that are counted at most, each of which is another round in main (SOSP'23: "  \
      "2 bits, 3)")                                                                                \
    X(vllm_arc, step, double, DOUBLE, PLAIN, 1, 0, 1e6,                                            \
      "vllm-arc: as placement.arc.step (vLLM's arc.py: 1)")                                        \
    X(vllm_arc, first_target, double, DOUBLE, PLAIN, 0, 0, 1,                                      \
      "vllm-arc: as placement.arc.first_target (vLLM's target_t1_size: 0)")                        \
    X(vllm_arc, ghost_share, double, DOUBLE, PLAIN, 1, 0, 100,                                     \
      "vllm-arc: units that B1 and B2 remember each, to those of the tier (vLLM: as many)")        \
    X(priority_lru, standard_priority, uint32_t, U32, PLAIN, 35, 0, 100,                           \
      "priority-lru: of what does not begin in the first placement.retain_tokens of a context "    \
      "(TensorRT-LLM's kDefaultRetentionPriority: 35)")                                            \
    X(lease_lru, stored_lease, uint64_t, U64, DURATION, 0, 0, 1e18,                                \
      "lease-lru: what came into a tier and was not found yet is not given up for so long "        \
      "(Mooncake's PutEnd: 0)")                                                                    \
    X(radix_slru, protected_uses, uint32_t, U32, PLAIN, 2, 1, 65535,                               \
      "radix-slru: nodes that were inserted so often go after all others (SGLang's "               \
      "protected_threshold: 2)")                                                                   \
    X(multi_lru, second_uses, uint32_t, U32, PLAIN, 3, 1, 16,                                      \
      "multi-lru: blocks seen so often rest in the second queue (KVBM: 3; a count ends at 15)")    \
    X(multi_lru, third_uses, uint32_t, U32, PLAIN, 8, 1, 16, "multi-lru: in the third (KVBM: 8)")  \
    X(multi_lru, fourth_uses, uint32_t, U32, PLAIN, 15, 1, 16,                                     \
      "multi-lru: in the fourth (KVBM: 15)")

#define POLICY_CONSTANT_MEMBER(policy, name, type, kind, unit, standard, least, most, help)        \
    type policy##_##name;
struct policy_keys {
    uint64_t lease_ns;        /* lease-lru: how long what a job found is kept at least */
    uint64_t retain_tokens;   /* priority-lru: of each context, from its beginning... */
    uint32_t retain_priority; /* ...with this priority: 0 to 100 */
    POLICY_CONSTANTS(POLICY_CONSTANT_MEMBER)
};

/* For who has no experiment, as tests: struct policy_keys keys = POLICY_KEYS_STANDARD. */
#define POLICY_CONSTANT_STANDARD(policy, name, type, kind, unit, standard, least, most, help)      \
    .policy##_##name = standard,
#define POLICY_KEYS_STANDARD                                                                       \
    {                                                                                              \
        POLICY_CONSTANTS(POLICY_CONSTANT_STANDARD)                                                 \
    }

#endif
