/* tests/sim/test_metrics.c - every metric's value in runs small enough to be worked out on paper,
 * on the plain server: 100 us and 10 us a token for a prefill, 1 ms for a decode step, 1 us a token
 * over PCIe each way. */
#include "tests/sim/plain_server.h"
#include "tests/support.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define US 1e3
#define MS 1e6
#define S 1e9
#define KV 1e3 /* bytes a token */
#define DAY (86400 * S)

enum { EXPECTED_MOST = 64, HUNDRED = 100 };

struct story {
    const char *name, *turns, *settings;
    struct {
        const char *metric;
        double value;
    } expected[EXPECTED_MOST];
};

/* Session a: 100 new tokens and 11 of reply, and 0.1 s after it the same again. The first turn
 * computes 100 tokens (1.1 ms) and decodes 10 steps: it ends at 11.1 ms. The second finds 111
 * tokens, loads them (111 us), computes 100 (1.1 ms), decodes 10 steps: from 111.1 to 122.311 ms.
 */
#define TWO_TURNS "a,0,,100,11\na,,0.1,100,11\n"
#define BUSY (22.311 * MS)
#define ELAPSED (122.311 * MS)

/* One turn each, a second apart; a session leaves 111 tokens behind. */
#define TWO "a,0,,100,11\nb,1,,100,11\n"
#define THREE TWO "c,2,,100,11\n"

/* While d's prompt is prefilled e is asked, which is next then, and after it a's second turn. */
#define BEHIND_ANOTHER(prompt)                                                                     \
    "a,0,,100,11\na,,2.9899,100,11\nb,1,,100,11\nc,2,,100,11\nd,3,," prompt ",11\n"                \
    "e,3.0005,,10,1\n"

#define SERVERS "cluster.replicas=2 cluster.router=round-robin "
#define WRITTEN_A_DAY (222 * KV / (ELAPSED + 111 * US) * DAY)

/* A hundred rows. */
static char at_once[3200], growing[3200];

static const struct story stories[] = {
    { .name = "two turns",
      .turns = TWO_TURNS,
      .settings = "slo.ttft=1.2ms engine.urgent_share=1",
      .expected = { { "turns", 2 },
                    { "elapsed_ns", ELAPSED },
                    { "ttft_mean_ns", (1.1 * MS + 1.211 * MS) / 2 },
                    { "ttft_first_turn_ns", 1.1 * MS },
                    { "ttft_urgent_mean_ns", (1.1 * MS + 1.211 * MS) / 2 },
                    { "queueing_mean_ns", 0 },
                    { "queueing_before_ns", 0 },
                    { "prefill_mean_ns", (1.1 * MS + 1.211 * MS) / 2 },
                    { "tbt_mean_ns", 1 * MS },
                    { "prefill_tokens_per_s", (100 + 211) / (2.311 * MS / S) },
                    { "reply_tokens_per_s", 22 / (ELAPSED / S) },
                    { "turns_per_s", 2 / (ELAPSED / S) },
                    { "goodput_turns_per_s", 1 / (ELAPSED / S) },
                    { "slo_attainment", 0.5 },
                    { "gpu_busy_ns", BUSY },
                    { "gpu_prefill_ns", 2.311 * MS },
                    { "gpu_decode_ns", 20 * MS },
                    { "gpu_load_wait_ns", 111 * US },
                    { "gpu_save_wait_ns", 0 },
                    { "gpu_utilisation", BUSY / ELAPSED },
                    { "iterations", 1 + 10 + 1 + 10 },
                    { "extrapolated_iterations", 0 },
                    { "batch_mean", 1 },
                    { "queue_mean", 0 },
                    { "hit_rate_tokens", 111.0 / (100 + 211) },
                    { "hit_rate_history_tokens", 1 },
                    { "hit_rate_found", 1 },
                    { "hit_rate_blocks", 1 },
                    { "hit_rate_turns", 0.5 },
                    { "hit_rate_later_turns", 1 },
                    { "hit_tokens_dram", 111 },
                    { "passed_over_tokens", 0 },
                    { "wanted_tokens", 100 + 211 },
                    { "history_tokens", 111 },
                    { "computed_tokens", 200 },
                    { "reply_tokens", 22 },
                    { "load_dram_hbm_bytes", 111 * KV },
                    { "save_hbm_dram_bytes", 222 * KV },
                    { "stored_bytes", 222 * KV },
                    { "stored_never_loaded_bytes", 111 * KV },
                    { "h2d_bytes", 111 * KV },
                    { "d2h_bytes", 222 * KV },
                    { "peak_hbm_bytes", 222 * KV },
                    { "peak_dram_bytes", 222 * KV },
                    { "cost_gpu_usd", BUSY * 1e-12 },
                    { "cost_dram_usd", BUSY * 1e-12 },
                    { "cost_ssd_usd", 0 },
                    { "cost_usd", 2 * BUSY * 1e-12 },
                    { "cost_usd_per_mtok", 2 * BUSY * 1e-12 / (100 + 211 + 22) * 1e6 },
                    { "sessions", 1 } } },

    { .name = "two turns, the first of them warm-up",
      .turns = TWO_TURNS,
      .settings = "warmup_turns=1 tiers.ssd.capacity=1GB tiers.ssd.write=through "
                  "tiers.remote.capacity=1GB",
      .expected = { { "turns", 1 },
                    { "elapsed_ns", 11.211 * MS },
                    { "ttft_mean_ns", 1.211 * MS },
                    { "ttft_first_turn_ns", 0 },
                    { "gpu_busy_ns", 11.211 * MS },
                    { "iterations", 11 },
                    { "hit_rate_turns", 1 },
                    { "computed_tokens", 100 },
                    { "reply_tokens", 11 },
                    { "save_hbm_dram_bytes", 111 * KV },
                    { "write_dram_ssd_bytes", 111 * KV },
                    { "write_dram_remote_bytes", 111 * KV },
                    { "stored_bytes", 111 * KV },
                    { "d2h_bytes", 111 * KV },
                    { "ssd_written_bytes", 111 * KV },
                    { "network_bytes", 111 * KV },
                    { "peak_hbm_bytes", 222 * KV },
                    { "sessions", 0 } } },

    /* What was larger and slower before is not measured. */
    { .name = "a long turn of the warm-up",
      .turns = "a,0,,300,2\nb,1,,200,2\n",
      .settings = "policy=none warmup_turns=1 hardware=./context.yaml",
      .expected = { { "tbt_mean_ns", 3.01 * MS },
                    { "gpu_decode_ns", 3.01 * MS },
                    { "peak_hbm_bytes", 202 * KV } } },

    { .name = "nobody is urgent, and decoding at 1 ms breaks its promise",
      .turns = TWO_TURNS,
      .settings = "engine.urgent_share=0 slo.tbt=999us",
      .expected = { { "ttft_urgent_mean_ns", 0 }, { "slo_attainment", 0 } } },

    /* All asked at 0, one at a time, 1 ms each and no decoding: turn i waits i - 1 ms. */
    { .name = "a hundred turns at once",
      .turns = at_once,
      .settings = "policy=none engine.batch=1",
      .expected = { { "turns", 100 },
                    { "elapsed_ns", 100 * MS },
                    { "ttft_mean_ns", 50.5 * MS },
                    { "ttft_p50_ns", 50 * MS },
                    { "ttft_p90_ns", 90 * MS },
                    { "ttft_p95_ns", 95 * MS },
                    { "ttft_p99_ns", 99 * MS },
                    { "e2e_mean_ns", 50.5 * MS },
                    { "tpot_mean_ns", 0 },
                    { "waiting_batch_ns", 4950 * MS },
                    { "waiting_gpu_ns", 0 },
                    { "queueing_mean_ns", 49.5 * MS },
                    { "queueing_p50_ns", 49 * MS },
                    { "queueing_p99_ns", 98 * MS },
                    { "prefill_mean_ns", 1 * MS },
                    { "prefill_p50_ns", 1 * MS },
                    { "prefill_p99_ns", 1 * MS },
                    { "queue_mean", 49.5 },
                    { "gpu_utilisation", 1 },
                    { "sessions", 100 } } },

    /* Measuring begins at 10 ms, when the eleventh starts: 90 turns have waited for 10 ms each, and
     * 89, 88, ... 0 wait for 1 ms. */
    { .name = "a hundred turns at once, ten of them warm-up",
      .turns = at_once,
      .settings = "policy=none engine.batch=1 warmup_turns=10",
      .expected = { { "turns", 90 },
                    { "arriving_ns", 0 },
                    { "elapsed_ns", 90 * MS },
                    { "queueing_mean_ns", 54.5 * MS },
                    { "queueing_before_ns", 900 * MS },
                    { "queue_mean", 44.5 },
                    { "waiting_batch_ns", 44.5 * 90 * MS },
                    { "iterations", 90 },
                    { "computed_tokens", 90 * 90 },
                    { "sessions", 90 } } },

    /* A session's turn of 10, 20, ... 1,000 new tokens each second: 0.1 ms + 0.1 ms for each ten of
     * them, and one step of 1 ms and 10 us for each token of context, the reply's first included.
     */
    { .name = "a hundred turns that grow",
      .turns = growing,
      .settings = "policy=none hardware=./context.yaml",
      .expected = { { "prefill_mean_ns", 5.15 * MS },
                    { "prefill_p50_ns", 5.1 * MS },
                    { "prefill_p99_ns", 10 * MS },
                    { "tbt_mean_ns", 6.06 * MS },
                    { "tbt_p50_ns", 6.01 * MS },
                    { "tbt_p90_ns", 10.01 * MS },
                    { "tbt_p99_ns", 10.91 * MS },
                    { "tpot_mean_ns", 6.06 * MS },
                    { "tpot_p50_ns", 6.01 * MS },
                    { "tpot_p90_ns", 10.01 * MS },
                    { "tpot_p99_ns", 10.91 * MS },
                    { "e2e_mean_ns", (5.15 + 6.06) * MS },
                    { "e2e_p50_ns", (5.1 + 6.01) * MS },
                    { "e2e_p90_ns", (9.1 + 10.01) * MS },
                    { "e2e_p95_ns", (9.6 + 10.51) * MS },
                    { "e2e_p99_ns", (10 + 10.91) * MS } } },

    /* 3 ms to the server and 2 back, which is not its busy time: the second is asked 0.1 s after.
     */
    { .name = "two turns from afar",
      .turns = TWO_TURNS,
      .settings = "engine.request_cpu=3ms engine.reply_cpu=2ms",
      .expected = { { "ttft_outside_mean_ns", 5 * MS },
                    { "ttft_mean_ns", (1.1 * MS + 1.211 * MS) / 2 + 5 * MS },
                    { "elapsed_ns", ELAPSED + 5 * MS },
                    { "gpu_busy_ns", BUSY } } },

    /* Both are asked at 0. Prefills until 2.2 ms, five steps of both, five of the first alone. The
     * first one's first gap holds the other's prefill: 2.1 ms. */
    { .name = "two in a batch",
      .turns = "a,0,,100,11\nb,0,,100,6\n",
      .settings = "policy=none",
      .expected = { { "batch_mean", (5 * 2 + 5 * 1) / 10.0 },
                    { "iterations", 2 + 10 },
                    { "queue_mean", 1.1 * MS / (12.2 * MS) },
                    { "tbt_mean_ns", (2.1 * MS + 9 * MS + 5 * MS) / 15 },
                    { "tpot_mean_ns", (11.1 * MS / 10 + 5 * MS / 5) / 2 },
                    { "e2e_mean_ns", (12.2 * MS + 7.2 * MS) / 2 },
                    { "waiting_gpu_ns", 1.1 * MS },
                    { "peak_hbm_bytes", (111 + 106) * KV } } },

    /* The batch has a place for b, and HBM none until a ends. */
    { .name = "two of which HBM holds one",
      .turns = "a,0,,100,11\nb,0,,100,6\n",
      .settings = "policy=none engine.hbm_tokens=150 engine.context_window=111",
      .expected = { { "waiting_hbm_ns", 11.1 * MS },
                    { "waiting_gpu_ns", 0 },
                    { "waiting_batch_ns", 0 },
                    { "e2e_mean_ns", (11.1 * MS + (11.1 + 1.1 + 5) * MS) / 2 } } },

    /* As two turns above; the second one starts when its 111 tokens have come. */
    { .name = "a turn that waits for its KV",
      .turns = TWO_TURNS,
      .settings = "engine.preloading=background",
      .expected = { { "waiting_kv_ns", 111 * US },
                    { "waiting_gpu_ns", 0 },
                    { "queueing_mean_ns", 111 * US / 2 } } },

    /* One in flight of three that are all asked at 0: each is asked when the one before has ended.
     */
    { .name = "three, one after the other",
      .turns = "a,0,,100,11\nb,0,,200,6\nc,0,,100,1\n",
      .settings = "policy=none workload.concurrency=1",
      .expected = { { "elapsed_ns", (11.1 + 7.1 + 1.1) * MS },
                    { "queueing_mean_ns", 0 },
                    { "queue_mean", 0 },
                    { "ttft_mean_ns", (1.1 + 2.1 + 1.1) * MS / 3 },
                    { "e2e_mean_ns", (11.1 + 7.1 + 1.1) * MS / 3 } } },

    /* Two in flight of sessions that would come a minute apart. Prefills of a and b until 2.2 ms, a
     * step of both until 3.2: a's user thinks for 2 ms and holds a place, b has ended and c is
     * asked; when it has, at 4.3, d. a asks again at 5.2, and waits for d until 5.4. */
    { .name = "two in flight",
      .turns = "a,0,,100,2\na,,0.002,100,1\nb,60,,100,2\nc,120,,100,1\nd,180,,100,1\n",
      .settings = "policy=none workload.concurrency=2",
      .expected = { { "turns", 5 },
                    { "sessions", 4 },
                    { "elapsed_ns", (5.4 + 2.12) * MS },
                    { "ttft_mean_ns", (1.1 + 2.2 + 1.1 + 1.1 + 2.32) * MS / 5 },
                    { "queueing_mean_ns", (1.1 + 0.2) * MS / 5 },
                    { "waiting_gpu_ns", (1.1 + 0.2) * MS },
                    { "e2e_mean_ns", (3.2 + 3.2 + 1.1 + 1.1 + 2.32) * MS / 5 },
                    { "tpot_mean_ns", (2.1 + 1.0) * MS / 2 } } },

    /* b comes at 5.05 ms, in a's fourth step. Then one iteration has b's chunk and a step of a, in
     * one launch of 101 tokens (1.11 ms, 1 of which is the step's), two of 1 ms have both, and a
     * has three more alone. */
    { .name = "a chunk beside a step",
      .turns = "a,0,,100,11\nb,0.00505,,100,3\n",
      .settings = "policy=none engine.scheduling=chunked",
      .expected = { { "gpu_prefill_ns", 1.21 * MS },
                    { "gpu_decode_ns", 10 * MS },
                    { "elapsed_ns", 11.21 * MS },
                    { "iterations", 1 + 4 + 1 + 2 + 3 },
                    { "batch_mean", (4 * 1 + 1.11 * 1 + 2 * 2 + 3 * 1) / (4 + 1.11 + 2 + 3) },
                    { "queue_mean", 0.05 * MS / (11.21 * MS) } } },

    /* 20.1 ms beyond the 1,001 tokens that were measured, and two steps within. */
    { .name = "a prompt that nobody measured",
      .turns = "a,0,,2000,3\n",
      .settings = "policy=none",
      .expected = { { "iterations", 3 },
                    { "extrapolated_iterations", 1 },
                    { "extrapolated_time_share", 20.1 / 22.1 } } },

    /* The GPUs wait for each prompt's 100 tokens and the first reply's 11; the last reply's are
     * saved when all is over. */
    { .name = "synchronous saving",
      .turns = TWO_TURNS,
      .settings = "engine.saving=synchronous",
      .expected = { { "gpu_save_wait_ns", 211 * US },
                    { "gpu_busy_ns", BUSY + 211 * US },
                    { "iterations", 22 } } },

    /* ---- where KV is found ---- */

    { .name = "HBM keeps a turn's KV",
      .turns = TWO_TURNS,
      .settings = "tiers.hbm.cache=1MB",
      .expected = { { "hit_tokens_hbm", 111 },
                    { "hit_rate_history_tokens", 1 },
                    { "prefill_mean_ns", 1.1 * MS },
                    { "h2d_bytes", 0 },
                    { "stored_never_loaded_bytes", 222 * KV },
                    { "peak_hbm_bytes", 222 * KV } } },

    /* 222 us to load. An SSD of 1 GB, whose writes count twice. */
    { .name = "SSD alone",
      .turns = TWO_TURNS,
      .settings = "tiers.dram.capacity=0 tiers.ssd.capacity=1GB ssd.write_amplification=2",
      .expected = { { "elapsed_ns", ELAPSED + 111 * US },
                    { "hit_tokens_ssd", 111 },
                    { "gpu_load_wait_ns", 222 * US },
                    { "load_ssd_hbm_bytes", 111 * KV },
                    { "save_hbm_ssd_bytes", 222 * KV },
                    { "ssd_written_bytes", 222 * KV },
                    { "ssd_read_bytes", 111 * KV },
                    { "h2d_bytes", 111 * KV },
                    { "d2h_bytes", 222 * KV },
                    { "peak_ssd_bytes", 222 * KV },
                    { "ssd_written_per_day_bytes", WRITTEN_A_DAY },
                    { "ssd_dwpd", 2 * WRITTEN_A_DAY / 1e9 },
                    { "ssd_years", 1e12 / (2 * WRITTEN_A_DAY) / 365.25 },
                    { "cost_ssd_usd", (BUSY + 111 * US) * 1e-13 },
                    { "cost_dram_usd", 0 },
                    { "cost_usd", (BUSY + 111 * US) * 1.1e-12 } } },

    { .name = "no tier at all",
      .turns = TWO_TURNS,
      .settings = "tiers.dram.capacity=0",
      .expected = { { "unsaved_bytes", (111 + 222) * KV },
                    { "hit_rate_history_tokens", 0 },
                    { "computed_tokens", 100 + 211 },
                    { "stored_bytes", 0 } } },

    /* DRAM holds two of three. b's second turn finds its KV and pushes c's out; a's finds nothing.
     */
    { .name = "one of two comes back in time",
      .turns = "a,0,,100,11\na,,3.9889,100,11\nb,1,,100,11\nb,,1.9889,100,11\nc,2,,100,11\n",
      .settings = "tiers.dram.capacity=250kB",
      .expected = { { "turns", 5 },
                    { "hit_rate_turns", 1.0 / 5 },
                    { "hit_rate_later_turns", 1.0 / 2 },
                    { "hit_rate_blocks", 1.0 / 2 },
                    { "hit_rate_history_tokens", 1.0 / 2 },
                    { "hit_rate_tokens", 111.0 / (3 * 100 + 2 * 211) },
                    { "sessions", 3 } } },

    /* A token takes 100 us over the network, and 10 to compute. */
    { .name = "what is computed sooner",
      .turns = TWO_TURNS,
      .settings = SERVERS "tiers.remote.capacity=1GB engine.reuse=if-faster "
                          "cluster.network_bytes_per_s=10MB/s",
      .expected = { { "passed_over_tokens", 111 },
                    { "passed_over_tokens_remote", 111 },
                    { "passed_over_tokens_dram", 0 },
                    { "hit_rate_found", 1 },
                    { "hit_rate_history_tokens", 0 },
                    { "computed_tokens", 100 + 211 } } },

    { .name = "what is computed sooner than loaded from DRAM",
      .turns = TWO_TURNS,
      .settings = "hardware=./narrow.yaml engine.reuse=if-faster",
      .expected = { { "passed_over_tokens", 111 },
                    { "passed_over_tokens_dram", 111 },
                    { "passed_over_tokens_ssd", 0 },
                    { "computed_tokens", 100 + 211 } } },

    { .name = "too little to be fetched",
      .turns = TWO_TURNS,
      .settings = "tiers.dram.capacity=0 tiers.ssd.capacity=1GB engine.fetch_min_tokens=112",
      .expected = { { "passed_over_tokens", 111 },
                    { "passed_over_tokens_ssd", 111 },
                    { "passed_over_tokens_dram", 0 },
                    { "computed_tokens", 100 + 211 } } },

    /* ---- what tiers give up ---- */

    /* c's prompt has no room beside a's and b's 111: a's goes. */
    { .name = "DRAM is full",
      .turns = THREE,
      .settings = "tiers.dram.capacity=250kB",
      .expected = { { "dropped_bytes", 111 * KV },
                    { "stored_bytes", 333 * KV },
                    { "stored_never_loaded_bytes", 333 * KV },
                    { "peak_dram_bytes", 222 * KV } } },
    { .name = "DRAM is full, SSD is not",
      .turns = THREE,
      .settings = "tiers.dram.capacity=250kB tiers.ssd.capacity=1GB",
      .expected = { { "demote_dram_ssd_bytes", 111 * KV },
                    { "ssd_written_bytes", 111 * KV },
                    { "peak_ssd_bytes", 111 * KV },
                    { "dropped_bytes", 0 } } },
    { .name = "DRAM is full, the pool is not",
      .turns = THREE,
      .settings = "tiers.dram.capacity=250kB tiers.remote.capacity=1GB tiers.remote.write=back",
      .expected = { { "demote_dram_remote_bytes", 111 * KV },
                    { "network_bytes", 111 * KV },
                    { "peak_remote_bytes", 111 * KV } } },
    /* DRAM gives a's up for c's, and b's for d's, for which SSD gives up a's. */
    { .name = "DRAM and SSD are full, the pool is not",
      .turns = THREE "d,3,,100,11\n",
      .settings = "tiers.dram.capacity=250kB tiers.ssd.capacity=120kB tiers.remote.capacity=1GB "
                  "tiers.remote.write=back",
      .expected = { { "demote_dram_ssd_bytes", 222 * KV },
                    { "demote_ssd_remote_bytes", 111 * KV },
                    { "ssd_read_bytes", 111 * KV },
                    { "network_bytes", 111 * KV },
                    { "peak_ssd_bytes", 111 * KV } } },
    { .name = "the pool is full",
      .turns = TWO,
      .settings = "tiers.remote.capacity=120kB",
      .expected = { { "write_dram_remote_bytes", 222 * KV },
                    { "remote_dropped_bytes", 111 * KV } } },
    { .name = "written through to SSD",
      .turns = TWO_TURNS,
      .settings = "tiers.ssd.capacity=1GB tiers.ssd.write=through",
      .expected = { { "write_dram_ssd_bytes", 222 * KV }, { "hit_tokens_dram", 111 } } },
    { .name = "used too seldom for DRAM",
      .turns = TWO_TURNS,
      .settings = "tiers.dram.admit_uses=2",
      .expected = { { "refused_dram_bytes", 111 * KV }, { "save_hbm_dram_bytes", 222 * KV } } },
    { .name = "used too seldom for SSD",
      .turns = THREE,
      .settings = "tiers.dram.capacity=250kB tiers.ssd.capacity=1GB tiers.ssd.admit_uses=2",
      .expected = { { "refused_ssd_bytes", 111 * KV }, { "dropped_bytes", 111 * KV } } },
    { .name = "used too seldom for the pool",
      .turns = THREE,
      .settings = "tiers.dram.capacity=250kB tiers.remote.capacity=1GB tiers.remote.write=back "
                  "tiers.remote.admit_uses=2",
      .expected = { { "refused_remote_bytes", 111 * KV }, { "dropped_bytes", 111 * KV } } },
    { .name = "the first turn's KV expires",
      .turns = TWO_TURNS,
      .settings = "placement.ttl=50ms",
      .expected = { { "expired_bytes", 111 * KV }, { "hit_tokens_dram", 0 } } },
    /* Whichever notices: the pool's copy and DRAM's outlive it together. */
    { .name = "in the pool too",
      .turns = TWO,
      .settings = "placement.ttl=50ms tiers.remote.capacity=1GB",
      .expected = { { "remote_expired_bytes", 111 * KV } } },

    /* ---- ahead of the turn ---- */

    /* a's KV was demoted for c's. It is fetched for the second turn while d's prompt is prefilled,
     * for which b's is demoted. d's own is too long for DRAM. */
    { .name = "fetched in time",
      .turns = BEHIND_ANOTHER("1000"),
      .settings = "policy=lru+scheduler-aware engine.batch=1 tiers.dram.capacity=250kB "
                  "tiers.ssd.capacity=1GB",
      .expected = { { "fetch_ssd_dram_bytes", 111 * KV },
                    { "hit_tokens_dram", 111 },
                    { "fetched_unused_bytes", 0 } } },
    /* Only blocks are: what a server does not know of a session's cuts is found out when it starts.
     */
    { .name = "fetched from the pool in time",
      .turns = BEHIND_ANOTHER("1000"),
      .settings = "policy=lru+scheduler-aware engine.batch=1 tiers.dram.capacity=250kB "
                  "tiers.remote.capacity=1GB placement.unit=block placement.block_tokens=111",
      .expected = { { "fetch_remote_dram_bytes", 111 * KV },
                    { "remote_read_bytes", 111 * KV },
                    { "hit_tokens_dram", 111 } } },
    /* Before a's turn comes, d's prompt needs the room of both c's KV and a's. */
    { .name = "fetched in vain",
      .turns = BEHIND_ANOTHER("189"),
      .settings = "policy=lru+scheduler-aware engine.batch=1 tiers.dram.capacity=250kB "
                  "tiers.ssd.capacity=1GB",
      .expected = { { "fetched_unused_bytes", 111 * KV } } },

    /* ---- several servers ---- */

    /* The second turn goes to the other server: 1 us a token from the pool, which crosses PCIe at
     * the same time. */
    { .name = "the pool passes KV on",
      .turns = TWO_TURNS,
      .settings = SERVERS "tiers.remote.capacity=1GB",
      .expected = { { "elapsed_ns", ELAPSED },
                    { "hit_tokens_remote", 111 },
                    { "load_remote_hbm_bytes", 111 * KV },
                    { "remote_read_bytes", 111 * KV },
                    { "write_dram_remote_bytes", 222 * KV },
                    { "network_bytes", 222 * KV },
                    { "peak_remote_bytes", 222 * KV },
                    { "peak_hbm_bytes", (111 + 222) * KV },
                    { "gpu_busy_ns", BUSY },
                    { "gpu_utilisation", BUSY / 2 / ELAPSED },
                    { "cost_remote_usd", BUSY / 2 * 1e-12 },
                    { "cost_usd", 2.5 * BUSY * 1e-12 } } },
    /* b finds a's server busy: it has four turns of five. */
    { .name = "a session stays where it is",
      .turns = TWO_TURNS "a,,0.1,100,11\na,,0.1,100,11\nb,0,,100,11\n",
      .settings = "cluster.replicas=2",
      .expected = { { "router_imbalance", 4.0 * 2 / 5 } } },
    { .name = "decoded elsewhere",
      .turns = "a,0,,100,11\n",
      .settings = "policy=none cluster.replicas=2 cluster.prefill_replicas=1",
      .expected = { { "network_bytes", 100 * KV }, { "tbt_mean_ns", (10 * MS + 100 * US) / 10 } } },

    /* ---- what is offered ---- */

    /* Three sessions of 111 tokens in two seconds: two behind the first. An hour of one GPU and 1
     * GB of DRAM is $7.20. */
    { .name = "a load and what it costs",
      .turns = THREE,
      .settings = "hardware=./owned.yaml",
      .expected = { { "offered_ns", 2 * S },
                    { "arriving_ns", 2 * S },
                    { "offered_sessions", 2 },
                    { "offered_tokens", 222 },
                    { "rented_usd_per_month", 7.2 * 730.5 },
                    { "rented_usd_per_mtok", 7.2 / 3600 * 2 / 222 * 1e6 },
                    { "owned_usd_per_month", 100 },
                    { "owned_usd_per_mtok", 100 / 730.5 / 3600 * 2 / 222 * 1e6 } } },
    { .name = "the same load, its first turn warm-up",
      .turns = THREE,
      .settings = "hardware=./owned.yaml warmup_turns=1",
      .expected = { { "arriving_ns", 1 * S } } },
    /* However long it takes to serve: two servers are offered what one is. */
    { .name = "the same load on two servers",
      .turns = THREE,
      .settings = "hardware=./owned.yaml cluster.replicas=2",
      .expected = { { "offered_tokens", 222 },
                    { "owned_usd_per_month", 200 },
                    { "owned_usd_per_mtok", 200 / 730.5 / 3600 * 2 / 222 * 1e6 } } },
    /* Two of b's turns 9 s after it, whose tokens are 111, 222 and 333: 4.5 s on average. */
    { .name = "sessions that outlast their arrivals",
      .turns = "a,0,,100,11\nb,1,,100,11\nb,,9,100,11\nb,,0,100,11\n",
      .settings = "",
      .expected = { { "offered_ns", 10 * S },
                    { "arriving_ns", 1 * S },
                    { "offered_tokens", 111 + 222 + 333 },
                    { "offered_sessions", 1 } } },
    /* One turn of six 9 s after it: 1.5 s on average, and sessions come for 4 s. */
    { .name = "a session that does",
      .turns = "a,0,,100,11\nb,1,,100,11\nb,,9,100,11\nc,2,,100,11\nd,3,,100,11\ne,4,,100,11\n",
      .settings = "",
      .expected = { { "offered_ns", 4 * S },
                    { "offered_tokens", 111 + 222 + 3 * 111 },
                    { "offered_sessions", 4 } } },

    /* ---- what does not fit ---- */

    /* The third turn's 222 tokens and 111 more are over the window of 250: half of it is cut off.
     */
    { .name = "history beyond the window",
      .turns = TWO_TURNS "a,,0.1,100,11\n",
      .settings = "engine.context_window=250",
      .expected = { { "overflows", 1 },
                    { "invalidated_bytes", 125 * KV },
                    { "history_tokens", 111 + 97 },
                    { "wanted_tokens", 100 + 211 + 197 },
                    { "hit_tokens_dram", 111 + 97 } } },
    /* The pool hears of it when the third turn's KV is written behind what is left. */
    { .name = "history beyond the window, in the pool too",
      .turns = TWO_TURNS "a,,0.1,100,11\n",
      .settings = "engine.context_window=250 tiers.remote.capacity=1GB",
      .expected = { { "remote_invalidated_bytes", 125 * KV },
                    { "invalidated_bytes", 125 * KV },
                    { "write_dram_remote_bytes", 333 * KV } } },
    { .name = "a prompt beyond the window",
      .turns = "a,0,,100,11\nb,1,,300,11\n",
      .settings = "engine.context_window=250",
      .expected = { { "clamped_turns", 1 }, { "overflows", 0 }, { "wanted_tokens", 100 + 239 } } },

    /* HBM for 200 tokens, by tens. After 20 steps a has 121 tokens and b 81: a's next ten push b
     * out, whose prompt of 60 was ready. When a has ended, b's 81 are computed. */
    { .name = "a reply that grows pushes another out",
      .turns = "a,0,,100,41\nb,0,,60,31\n",
      .settings = "policy=none engine.hbm_tokens=200 engine.context_window=150 "
                  "engine.allocation=grow engine.block_tokens=10",
      .expected = { { "preemptions", 1 },
                    { "preempted_tokens", 60 },
                    { "prefilled_again_tokens", 81 },
                    { "computed_tokens", 160 },
                    { "iterations", 2 + 40 + 1 + 9 },
                    { "gpu_prefill_ns", (1.1 + 0.7 + 0.91) * MS } } },
};
enum { STORIES = sizeof stories / sizeof *stories };

static void write_hundreds(void)
{
    size_t once = 0, grown = 0;
    for (int i = 1; i <= HUNDRED; i++) {
        once += (size_t)snprintf(at_once + once, sizeof at_once - once, "%d,0,,90,1\n", i);
        grown += (size_t)snprintf(growing + grown, sizeof growing - grown, "%d,%d,,%d,2\n", i, i,
                                  10 * i);
    }
}

static int metric_index(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (strcmp(metric_rows[i].name, name) == 0)
            return i;
    ck_abort_msg("no metric is called %s", name);
    return -1;
}

/* Quantiles are of buckets (base/histogram.h); all else is exact but for the last digits. */
static double tolerance_of(const char *metric)
{
    bool is_quantile = strstr(metric, "_p50_") != NULL || strstr(metric, "_p90_") != NULL ||
                       strstr(metric, "_p95_") != NULL || strstr(metric, "_p99_") != NULL;
    return is_quantile ? 0.002 : 1e-9;
}

START_TEST(a_story_comes_to_what_paper_says)
{
    const struct story *story = &stories[_i];
    write_hundreds();
    struct metrics metrics = plain_server_run(story->turns, story->settings);
    for (int i = 0; i < EXPECTED_MOST && story->expected[i].metric != NULL; i++) {
        const char *metric = story->expected[i].metric;
        double expected = story->expected[i].value;
        double found = metric_value(&metrics, metric_index(metric));
        ck_assert_msg(fabs(found - expected) <= tolerance_of(metric) * fabs(expected),
                      "%s: %s is %.12g, and %.12g on paper", story->name, metric, found, expected);
    }
}
END_TEST

/* That a metric is 0 where nothing happens says little. */
static bool is_worked_out(const char *metric)
{
    for (int s = 0; s < STORIES; s++)
        for (int i = 0; i < EXPECTED_MOST && stories[s].expected[i].metric != NULL; i++)
            if (strcmp(stories[s].expected[i].metric, metric) == 0 &&
                stories[s].expected[i].value > 0.0)
                return true;
    return false;
}

START_TEST(no_metric_is_without_a_story)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        ck_assert_msg(is_worked_out(metric_rows[i].name), "%s: no story has a value of it above 0",
                      metric_rows[i].name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("stories");
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_loop_test(tcase, a_story_comes_to_what_paper_says, 0, STORIES);
    tcase_add_test(tcase, no_metric_is_without_a_story);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
