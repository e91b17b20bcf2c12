/* sim/engine/metrics.h - the one table of what a run measures. The store, the JSON, the reports and
 * docs/metrics.md expand it: a new metric is one row here, its value in the collector and its case in
 * tests/sim/test_metrics.c. A meaning can be understood without the rows around it.
 * Measuring begins when the first turn after the warm-up starts; measured turns are those that start
 * from then on. What is not said of them is of all that happens from then on, the warm-up's last turns
 * included. */
#ifndef REPRISE_SIM_ENGINE_METRICS_H
#define REPRISE_SIM_ENGINE_METRICS_H

#include <stddef.h>

/* X(name, unit, title, meaning): name is the JSON key and the store's metric name; the value is a double.
 * title: what tables and pages for people call it, without its unit.
 * unit: "ns", "bytes", "tokens", "1" (a share or count), "tokens/s", "bytes/s", "usd". */
#define METRICS(X)                                                                                   \
    X(turns, "1", "turns",                                                                           \
      "measured turns, which started after the warm-up, whose reply has ended")                      \
    X(elapsed_ns, "ns", "time measured",                                                             \
      "from the start of the first measured turn's prefill to the end of the last measured "         \
      "turn's reply")                                                                                \
    X(ttft_mean_ns, "ns", "TTFT mean",                                                               \
      "mean time to first token of measured turns: from being asked to the prefill's end, "          \
      "queueing included")                                                                           \
    X(ttft_p50_ns, "ns", "TTFT P50",                                                                 \
      "median time to first token of measured turns, queueing included")                             \
    X(ttft_p90_ns, "ns", "TTFT P90",                                                                 \
      "90th percentile of measured turns' time to first token, queueing included")                   \
    X(ttft_p95_ns, "ns", "TTFT P95",                                                                 \
      "95th percentile of measured turns' time to first token, queueing included")                   \
    X(ttft_p99_ns, "ns", "TTFT P99",                                                                 \
      "99th percentile of measured turns' time to first token, queueing included")                   \
    X(ttft_first_turn_ns, "ns", "TTFT of first turns",                                               \
      "mean time to first token of measured turns that are their session's first")                   \
    X(ttft_urgent_mean_ns, "ns", "TTFT of urgent turns",                                             \
      "mean time to first token of measured turns of urgent sessions (engine.urgent_share)")         \
    X(ttft_outside_mean_ns, "ns", "of TTFT: outside the scheduler",                                  \
      "mean part of the time to first token outside the scheduler: the API server, tokenising, "     \
      "streaming (engine.request_cpu, engine.reply_cpu)")                                            \
    X(queueing_mean_ns, "ns", "queueing mean",                                                       \
      "mean time from a measured turn's reaching its server, in the warm-up too, to its "            \
      "prefill's start")                                                                             \
    X(queueing_p50_ns, "ns", "queueing P50",                                                         \
      "median time from a measured turn's reaching its server to its prefill's start")               \
    X(queueing_p99_ns, "ns", "queueing P99",                                                         \
      "99th percentile of the time from a measured turn's reaching its server to its prefill's "     \
      "start")                                                                                       \
    X(queueing_before_ns, "ns", "queueing before measuring",                                         \
      "sum of measured turns' queueing that passed before measuring began")                          \
    X(prefill_mean_ns, "ns", "prefill mean",                                                         \
      "mean time of measured turns' prefills, waiting for KV included, queueing not: the "           \
      "paper's TTFT")                                                                                \
    X(prefill_p50_ns, "ns", "prefill P50",                                                           \
      "median time of measured turns' prefills, waiting for KV included, queueing not")              \
    X(prefill_p99_ns, "ns", "prefill P99",                                                           \
      "99th percentile of measured turns' prefill times, waiting for KV included, queueing not")     \
    X(tbt_mean_ns, "ns", "TBT mean",                                                                 \
      "mean time between two tokens of a reply, of every token made after the warm-up, pauses "      \
      "included")                                                                                    \
    X(tbt_p50_ns, "ns", "TBT P50",                                                                   \
      "median time between two tokens of a reply, of every token made after the warm-up")            \
    X(tbt_p90_ns, "ns", "TBT P90",                                                                   \
      "90th percentile of the time between two tokens of a reply, of every token made after the "    \
      "warm-up")                                                                                     \
    X(tbt_p99_ns, "ns", "TBT P99",                                                                   \
      "99th percentile of the time between two tokens of a reply, of every token made after the "    \
      "warm-up")                                                                                     \
    X(e2e_mean_ns, "ns", "E2E mean",                                                                 \
      "mean end-to-end latency of measured turns: from being asked to the last token, queueing "     \
      "included")                                                                                    \
    X(e2e_p50_ns, "ns", "E2E P50",                                                                   \
      "median end-to-end latency of measured turns, from being asked to the last token")             \
    X(e2e_p90_ns, "ns", "E2E P90",                                                                   \
      "90th percentile of measured turns' end-to-end latency, from being asked to the last "         \
      "token")                                                                                       \
    X(e2e_p95_ns, "ns", "E2E P95",                                                                   \
      "95th percentile of measured turns' end-to-end latency, from being asked to the last "         \
      "token")                                                                                       \
    X(e2e_p99_ns, "ns", "E2E P99",                                                                   \
      "99th percentile of measured turns' end-to-end latency, from being asked to the last "         \
      "token")                                                                                       \
    X(tpot_mean_ns, "ns", "TPOT mean",                                                               \
      "time per output token as benchmarks report it: the mean, over measured turns with more "      \
      "than one reply token, of (end-to-end latency - time to first token) / (reply tokens - 1)")    \
    X(tpot_p50_ns, "ns", "TPOT P50",                                                                 \
      "median over measured turns of a turn's own mean time per output token behind the first")      \
    X(tpot_p90_ns, "ns", "TPOT P90",                                                                 \
      "90th percentile over measured turns of a turn's own mean time per output token behind "       \
      "the first")                                                                                   \
    X(tpot_p99_ns, "ns", "TPOT P99",                                                                 \
      "99th percentile over measured turns of a turn's own mean time per output token behind "       \
      "the first")                                                                                   \
    X(prefill_tokens_per_s, "tokens/s", "prefill tokens a second",                                   \
      "history and prompt tokens of measured turns, loaded or computed, per second of "              \
      "gpu_prefill_ns")                                                                              \
    X(reply_tokens_per_s, "tokens/s", "reply tokens a second",                                       \
      "reply_tokens per second of elapsed_ns")                                                       \
    X(turns_per_s, "1/s", "turns a second",                                                          \
      "turns per second of elapsed_ns")                                                              \
    X(goodput_turns_per_s, "1/s", "turns a second within the SLO",                                   \
      "measured turns that kept both promises (slo.ttft, slo.tbt) per second of elapsed_ns")         \
    X(slo_attainment, "1", "turns within the SLO",                                                   \
      "share of the measured turns that ended which kept both promises (slo.ttft, slo.tbt)")         \
    X(gpu_busy_ns, "ns", "GPU time, busy",                                                           \
      "time of iterations and stalls between the warm-up and the last turn's end, waiting in "       \
      "them included, all servers")                                                                  \
    X(gpu_prefill_ns, "ns", "GPUs prefilling",                                                       \
      "of gpu_busy_ns: prefilling; of an iteration that also decodes, what decoding alone would "    \
      "not take")                                                                                    \
    X(gpu_decode_ns, "ns", "GPUs decoding",                                                          \
      "of gpu_busy_ns: decoding; of an iteration that also prefills, what decoding alone would "     \
      "take")                                                                                        \
    X(gpu_load_wait_ns, "ns", "GPUs waiting for KV",                                                 \
      "of gpu_prefill_ns: layers waiting for their KV")                                              \
    X(gpu_save_wait_ns, "ns", "GPUs waiting for saves",                                              \
      "of gpu_busy_ns: stalled in synchronous saving, or until HBM for growing replies is "          \
      "written back")                                                                                \
    X(gpu_utilisation, "1", "GPUs busy",                                                             \
      "gpu_busy_ns of the mean server over elapsed_ns")                                              \
    X(iterations, "1", "iterations",                                                                 \
      "iterations that ended after the warm-up: prefills, chunks of them, decode steps; one "        \
      "that mixes counts once")                                                                      \
    X(extrapolated_iterations, "1", "iterations beyond what was measured",                           \
      "of iterations: those beyond the range that times were fitted or measured on")                 \
    X(extrapolated_time_share, "1", "time beyond what was measured",                                 \
      "time of extrapolated_iterations over gpu_busy_ns")                                            \
    X(batch_mean, "1", "batch, mean",                                                                \
      "sequences in an iteration that decodes, weighted by its time")                                \
    X(queue_mean, "1", "turns waiting, mean",                                                        \
      "turns that were asked and have not started, all servers, mean over elapsed_ns")               \
    X(waiting_batch_ns, "ns", "waiting for a place in the batch",                                    \
      "of the turns' waiting after the warm-up (queue_mean times elapsed_ns), while the batch "      \
      "was full (engine.batch) and HBM had room for the next turn")                                  \
    X(waiting_hbm_ns, "ns", "waiting for room in HBM",                                               \
      "of the turns' waiting after the warm-up, while HBM had no room for the next turn")            \
    X(waiting_kv_ns, "ns", "waiting for KV",                                                         \
      "of the turns' waiting after the warm-up, while the next turn's KV was on its way, or KV "     \
      "that was still being saved held the last places of the batch")                                \
    X(waiting_gpu_ns, "ns", "waiting for the GPUs",                                                  \
      "of the turns' waiting after the warm-up, while nothing but the iteration under way and "      \
      "those before them kept the next turn from starting")                                          \
    X(hit_rate_tokens, "1", "hits, of all tokens",                                                   \
      "tokens that measured turns reused over wanted_tokens: first turns count against it")          \
    X(hit_rate_history_tokens, "1", "hits, of history tokens",                                       \
      "tokens that measured turns reused over history_tokens: first turns have none")                \
    X(hit_rate_found, "1", "found, of history tokens",                                               \
      "tokens that measured turns reused, or found and computed again, over history_tokens")         \
    X(hit_rate_blocks, "1", "hits, of blocks or sessions",                                           \
      "units (sessions or blocks) that measured turns found over those of the contexts they "        \
      "began with")                                                                                  \
    X(hit_rate_turns, "1", "turns with a hit",                                                       \
      "share of the measured turns that reuse something")                                            \
    X(hit_rate_later_turns, "1", "later turns with a hit",                                           \
      "share that reuses something of the measured turns that are not their session's first")        \
    X(hit_tokens_hbm, "tokens", "tokens from HBM",                                                   \
      "of the tokens that measured turns reused: found in HBM")                                      \
    X(hit_tokens_dram, "tokens", "tokens from DRAM",                                                 \
      "of the tokens that measured turns reused: found in DRAM and not in HBM")                      \
    X(hit_tokens_ssd, "tokens", "tokens from SSD",                                                   \
      "of the tokens that measured turns reused: found on SSD and in no faster tier")                \
    X(hit_tokens_remote, "tokens", "tokens from the remote pool",                                    \
      "of the tokens that measured turns reused: found in the remote pool and in no faster tier")    \
    X(passed_over_tokens, "tokens", "tokens found, but computed",                                    \
      "tokens that measured turns found in a tier but computed again: that was sooner than "         \
      "loading them (engine.reuse), or engine.fetch_* said so")                                      \
    X(passed_over_tokens_dram, "tokens", "found in DRAM, but computed",                              \
      "of the tokens that measured turns found but computed again: found in DRAM and not in "        \
      "HBM, or in HBM behind some that were not loaded")                                             \
    X(passed_over_tokens_ssd, "tokens", "found on SSD, but computed",                                \
      "of the tokens that measured turns found but computed again: found on SSD and in no "          \
      "faster tier")                                                                                 \
    X(passed_over_tokens_remote, "tokens", "found in the remote pool, but computed",                 \
      "of the tokens that measured turns found but computed again: found in the remote pool and "    \
      "in no faster tier")                                                                           \
    X(wanted_tokens, "tokens", "history and prompt tokens",                                          \
      "history and prompt tokens of measured turns, of those whose prefill ended")                   \
    X(history_tokens, "tokens", "history tokens",                                                    \
      "history tokens of measured turns, after the window's cut; open loop: 0, all are prompt")      \
    X(computed_tokens, "tokens", "tokens computed",                                                  \
      "history and prompt tokens of measured turns that they did not reuse; not what preemption "    \
      "adds")                                                                                        \
    X(reply_tokens, "tokens", "reply tokens",                                                        \
      "reply tokens of the measured turns that ended")                                               \
    X(overflows, "1", "turns whose history was cut",                                                 \
      "measured turns whose history the window cut")                                                 \
    X(clamped_turns, "1", "turns whose prompt or reply was cut",                                     \
      "measured turns whose prompt or reply alone did not fit the window and was cut")               \
    X(preemptions, "1", "times pushed out of HBM",                                                   \
      "times after the warm-up that a turn was pushed out of HBM, to be computed again")             \
    X(preempted_tokens, "tokens", "tokens pushed out of HBM",                                        \
      "context that a prefill had made ready when its turn was pushed out of HBM, after the "        \
      "warm-up")                                                                                     \
    X(prefilled_again_tokens, "tokens", "tokens prefilled again",                                    \
      "history, prompt and begun reply that turns pushed out of HBM computed once more after "       \
      "the warm-up")                                                                                 \
    X(router_imbalance, "1", "busiest server, times its share",                                      \
      "measured turns of the server with most over the mean of all that prefill")                    \
    X(load_dram_hbm_bytes, "bytes", "loaded, DRAM to HBM",                                           \
      "DRAM to HBM: loads for turns, ended after the warm-up")                                       \
    X(load_ssd_hbm_bytes, "bytes", "loaded, SSD to HBM",                                             \
      "SSD through DRAM to HBM: loads, ended after the warm-up, for turns that nobody fetched "      \
      "for")                                                                                         \
    X(fetch_ssd_dram_bytes, "bytes", "fetched ahead, SSD to DRAM",                                   \
      "SSD to DRAM, ended after the warm-up: fetched ahead of the turn")                             \
    X(fetched_unused_bytes, "bytes", "fetched, evicted unused",                                      \
      "KV fetched ahead after the warm-up that left DRAM before its turn used it: thrashing")        \
    X(save_hbm_dram_bytes, "bytes", "saved, HBM to DRAM",                                            \
      "HBM to DRAM, ended after the warm-up: new KV saved")                                          \
    X(save_hbm_ssd_bytes, "bytes", "saved, HBM to SSD",                                              \
      "HBM through DRAM to SSD, ended after the warm-up: new KV saved where DRAM had no room")       \
    X(demote_dram_ssd_bytes, "bytes", "given up, DRAM to SSD",                                       \
      "DRAM to SSD, ended after the warm-up: given up by DRAM")                                      \
    X(write_dram_ssd_bytes, "bytes", "written, DRAM to SSD",                                         \
      "DRAM to SSD, ended after the warm-up: written though DRAM keeps it (tiers.ssd.write)")        \
    X(load_remote_hbm_bytes, "bytes", "loaded, pool to HBM",                                         \
      "remote pool through DRAM to HBM: loads, ended after the warm-up, for turns that nobody "      \
      "fetched for")                                                                                 \
    X(fetch_remote_dram_bytes, "bytes", "fetched ahead, pool to DRAM",                               \
      "remote pool to DRAM, ended after the warm-up: fetched ahead of the turn")                     \
    X(write_dram_remote_bytes, "bytes", "written, DRAM to pool",                                     \
      "DRAM to remote pool, ended after the warm-up: written though DRAM keeps it "                  \
      "(tiers.remote.write)")                                                                        \
    X(demote_dram_remote_bytes, "bytes", "given up, DRAM to pool",                                   \
      "DRAM to remote pool, ended after the warm-up: given up by a server without SSD")              \
    X(demote_ssd_remote_bytes, "bytes", "given up, SSD to pool",                                     \
      "SSD to remote pool, ended after the warm-up: given up by the SSD")                            \
    X(remote_dropped_bytes, "bytes", "given up by the pool",                                         \
      "KV given up by the remote pool after the warm-up, whether servers have it or not")            \
    X(remote_expired_bytes, "bytes", "expired in the pool",                                          \
      "KV in the remote pool that outlived its time to live after the warm-up")                      \
    X(remote_invalidated_bytes, "bytes", "made useless in the pool",                                 \
      "KV in the remote pool that a context overflow made useless after the warm-up, as a server "   \
      "of its session reads or writes there again, whether servers have it or not")                  \
    X(refused_dram_bytes, "bytes", "kept out of DRAM",                                               \
      "KV that tiers.dram.admit_uses kept out of DRAM after the warm-up, at each turn's end")        \
    X(refused_ssd_bytes, "bytes", "kept off SSD",                                                    \
      "KV given up by DRAM after the warm-up that tiers.ssd.admit_* kept off the SSD")               \
    X(refused_remote_bytes, "bytes", "kept out of the remote pool",                                  \
      "KV given up by a server after the warm-up that tiers.remote.admit_uses kept out of the "      \
      "pool")                                                                                        \
    X(dropped_bytes, "bytes", "KV given up",                                                         \
      "KV whose last copy was given up after the warm-up")                                           \
    X(unsaved_bytes, "bytes", "KV nobody had room for",                                              \
      "new KV for which no tier had room, after the warm-up")                                        \
    X(expired_bytes, "bytes", "KV expired",                                                          \
      "KV whose last copy outlived its time to live after the warm-up")                              \
    X(invalidated_bytes, "bytes", "KV made useless",                                                 \
      "KV made useless by a context overflow after the warm-up, of what its server has")             \
    X(stored_bytes, "bytes", "KV stored",                                                            \
      "new KV stored in DRAM or SSD by saves that ended after the warm-up")                          \
    X(stored_never_loaded_bytes, "bytes", "stored, never loaded",                                    \
      "of stored_bytes: what nobody ever loaded, gone or left at the end")                           \
    X(ssd_written_bytes, "bytes", "SSD written",                                                     \
      "bytes to SSD of transfers that ended after the warm-up: the sum of their causes")             \
    X(ssd_read_bytes, "bytes", "SSD read",                                                           \
      "bytes from SSD of transfers that ended after the warm-up: the sum of their causes")           \
    X(ssd_written_per_day_bytes, "bytes", "SSD written a day",                                       \
      "ssd_written_bytes of all servers a day, at the pace at which offered_tokens come in "         \
      "offered_ns; of elapsed_ns where these are 0")                                                 \
    X(ssd_dwpd, "1", "drive writes a day",                                                           \
      "drive writes a day: ssd_written_per_day_bytes times ssd.write_amplification over the "        \
      "drives' capacity")                                                                            \
    X(ssd_years, "1", "years to rated writes",                                                       \
      "years of ssd_dwpd until the drives' rated writes are used up; 0: nothing was written")        \
    X(h2d_bytes, "bytes", "host to GPU",                                                             \
      "bytes from host to GPU of transfers that ended after the warm-up: the sum of their "          \
      "causes")                                                                                      \
    X(d2h_bytes, "bytes", "GPU to host",                                                             \
      "bytes from GPU to host of transfers that ended after the warm-up: the sum of their "          \
      "causes")                                                                                      \
    X(network_bytes, "bytes", "out over the network",                                                \
      "KV that left servers, to those that decode and to the remote pool, by transfers that "        \
      "ended after the warm-up")                                                                     \
    X(remote_read_bytes, "bytes", "read from the pool",                                              \
      "KV that came from the remote pool by transfers that ended after the warm-up")                 \
    X(peak_hbm_bytes, "bytes", "most KV in HBM",                                                     \
      "most KV in HBM at once after the warm-up, all that is booked for running turns included; "    \
      "sum of servers' peaks")                                                                       \
    X(peak_dram_bytes, "bytes", "most KV in DRAM",                                                   \
      "most KV in DRAM at once after the warm-up, booked for copies under way included; sum of "     \
      "servers' peaks")                                                                              \
    X(peak_ssd_bytes, "bytes", "most KV on SSD",                                                     \
      "most KV on SSD at once after the warm-up, booked for copies under way included; sum of "      \
      "servers' peaks")                                                                              \
    X(peak_remote_bytes, "bytes", "most KV in the remote pool",                                      \
      "most KV in the remote pool at once after the warm-up, booked for copies under way "           \
      "included")                                                                                    \
    X(cost_gpu_usd, "usd", "cost of GPUs",                                                           \
      "busy: hours of gpu_busy_ns at the rent of a server's GPUs")                                   \
    X(cost_dram_usd, "usd", "cost of DRAM",                                                          \
      "busy: hours of gpu_busy_ns at the rent of a server's DRAM for KV")                            \
    X(cost_ssd_usd, "usd", "cost of SSD",                                                            \
      "busy: hours of gpu_busy_ns at the rent of a server's SSD for KV")                             \
    X(cost_remote_usd, "usd", "cost of the remote pool",                                             \
      "busy: hours of the mean server's gpu_busy_ns at the rent of as much DRAM as the remote "      \
      "pool has")                                                                                    \
    X(cost_usd, "usd", "cost",                                                                       \
      "busy: cost_gpu_usd + cost_dram_usd + cost_ssd_usd + cost_remote_usd")                         \
    X(cost_usd_per_mtok, "usd", "cost of a million tokens",                                          \
      "busy: cost_usd per million of wanted_tokens and reply_tokens")                                \
    X(rented_usd_per_month, "usd", "rented, a month",                                                \
      "rent of all servers for 730.5 hours, used or not, by the server's prices; 0: these have "     \
      "none")                                                                                        \
    X(rented_usd_per_mtok, "usd", "rented, of a million tokens",                                     \
      "rented_usd_per_month per million tokens that would be offered in a month at the pace of "     \
      "offered_tokens over offered_ns")                                                              \
    X(owned_usd_per_month, "usd", "owned, a month",                                                  \
      "all servers bought and written off over years, with support, a place in a rack and "          \
      "electricity, for a month, by the server's prices; 0: these have none")                        \
    X(owned_usd_per_mtok, "usd", "owned, of a million tokens",                                       \
      "owned_usd_per_month per million tokens that would be offered in a month at the pace of "      \
      "offered_tokens over offered_ns")                                                              \
    X(offered_ns, "ns", "time of the load",                                                          \
      "time over which the load is offered, the warm-up included, whatever it takes to serve: "      \
      "from the first session's arrival to the last one's; to the last turn's, were replies "        \
      "instant, where the mean turn comes later in its session than sessions come; 0: all at "       \
      "once, or at a fixed concurrency")                                                             \
    X(offered_tokens, "tokens", "tokens of the load",                                                \
      "history, prompt and reply tokens that the sessions of offered_ns ask for in all, but the "    \
      "first one's")                                                                                 \
    X(offered_sessions, "1", "sessions of the load",                                                 \
      "sessions that arrive in offered_ns behind the first one (open loop: requests)")               \
    X(sessions, "1", "sessions",                                                                     \
      "measured turns that are their session's first (open loop: all)")                              \
    X(arriving_ns, "ns", "time of arrivals",                                                         \
      "from the measured part's beginning to the last session's arrival (open loop: request's); "    \
      "0: all had come. What is measured later is of sessions that end and no new ones")

#define METRIC_MEMBER(name, unit, title, meaning) double name;
struct metrics {
    METRICS(METRIC_MEMBER)
};

struct metric_row {
    const char *name, *unit, *title, *meaning;
};
#define METRIC_COUNT_ONE(name, unit, title, meaning) +1
enum { METRIC_COUNT = 0 METRICS(METRIC_COUNT_ONE) };

/* The table, in the order above. */
extern const struct metric_row metric_rows[METRIC_COUNT];
/* Metric i's value. */
double metric_value(const struct metrics *metrics, int i);
/* The value of the metric at that offset of struct metrics. */
double metric_at(const struct metrics *metrics, size_t offset);

#endif
