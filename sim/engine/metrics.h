/* sim/engine/metrics.h - the one table of what a run measures. The store, the JSON, the reports and
 * docs/metrics.md expand it: a new metric is one row here and its value in the collector.
 * All are over the measured part of a run (after the warm-up turns). */
#ifndef REPRISE_SIM_ENGINE_METRICS_H
#define REPRISE_SIM_ENGINE_METRICS_H

/* X(name, unit, meaning): name is the JSON key and the store's metric name; the value is a double.
 * unit: "ns", "bytes", "tokens", "1" (a share or count), "tokens/s", "bytes/s", "usd". */
#define METRICS(X)                                                                                   \
    X(turns, "1", "measured turns that ended")                                                       \
    X(elapsed_ns, "ns", "from the first measured turn's start to the last one's end")                \
    X(ttft_mean_ns, "ns", "time to first token: turn asked to end of its prefill, queueing included") \
    X(ttft_p50_ns, "ns", "median of it")                                                             \
    X(ttft_p90_ns, "ns", "90th percentile of it")                                                    \
    X(ttft_p99_ns, "ns", "99th percentile of it")                                                    \
    X(ttft_first_turn_ns, "ns", "mean TTFT of sessions' first turns, which have no history")          \
    X(ttft_urgent_mean_ns, "ns", "mean TTFT of urgent sessions' turns (engine.urgent_share)")         \
    X(queueing_mean_ns, "ns", "turn asked to its prefill's start")                                   \
    X(queueing_p50_ns, "ns", "median of it")                                                         \
    X(queueing_p99_ns, "ns", "99th percentile of it")                                                \
    X(queueing_before_ns, "ns", "of all measured turns' queueing: before the first of them started") \
    X(prefill_mean_ns, "ns", "a prefill's start to its end, waiting for KV included: the paper's TTFT") \
    X(prefill_p50_ns, "ns", "median of it")                                                          \
    X(prefill_p99_ns, "ns", "99th percentile of it")                                                 \
    X(tbt_mean_ns, "ns", "time between a reply's tokens")                                            \
    X(tbt_p50_ns, "ns", "median of it")                                                              \
    X(tbt_p90_ns, "ns", "90th percentile of it")                                                     \
    X(tbt_p99_ns, "ns", "99th percentile of it")                                                     \
    X(prefill_tokens_per_s, "tokens/s", "context and prompt tokens made ready per second of prefill") \
    X(reply_tokens_per_s, "tokens/s", "reply tokens per second of elapsed time")                     \
    X(turns_per_s, "1/s", "turns per second of elapsed time")                                        \
    X(goodput_turns_per_s, "1/s", "turns that kept both promises (slo.ttft, slo.tbt) per second")     \
    X(slo_attainment, "1", "their share of the turns that ended")                                    \
    X(gpu_busy_ns, "ns", "time in which the GPUs ran a prefill or decode iteration or waited in one") \
    X(gpu_prefill_ns, "ns", "of that: prefill")                                                      \
    X(gpu_decode_ns, "ns", "of that: decode")                                                        \
    X(gpu_load_wait_ns, "ns", "of the prefill time: layers waiting for their KV")                    \
    X(gpu_save_wait_ns, "ns", "of the busy time: stalled in synchronous saving or a full write buffer") \
    X(gpu_utilisation, "1", "busy over elapsed time")                                                \
    X(iterations, "1", "iterations of the GPUs: prefills, their chunks, decode steps")               \
    X(extrapolated_iterations, "1", "of them: beyond the range that times were fitted or measured on") \
    X(extrapolated_time_share, "1", "their time over the GPUs' busy time")                           \
    X(batch_mean, "1", "sequences in a decode iteration, weighted by time")                          \
    X(queue_mean, "1", "turns waiting, weighted by time")                                            \
    X(hit_rate_tokens, "1", "tokens reused over prompt and history tokens, all turns")               \
    X(hit_rate_history_tokens, "1", "tokens reused over history tokens: first turns have none")      \
    X(hit_rate_found, "1", "tokens reused or found and computed again, over history tokens")         \
    X(hit_rate_blocks, "1", "units (sessions or blocks) found over units wanted, all turns")         \
    X(hit_rate_turns, "1", "turns that reuse something over all turns")                              \
    X(hit_rate_later_turns, "1", "of turns that are not their session's first: the share that reuses something") \
    X(hit_tokens_hbm, "tokens", "reused from HBM")                                                   \
    X(hit_tokens_dram, "tokens", "reused from DRAM")                                                 \
    X(hit_tokens_ssd, "tokens", "reused from SSD")                                                   \
    X(hit_tokens_remote, "tokens", "reused from the remote pool")                                    \
    X(passed_over_tokens, "tokens", "found in a tier but computed again, since that was sooner")     \
    X(wanted_tokens, "tokens", "prompt and history tokens of all turns")                             \
    X(history_tokens, "tokens", "history tokens of all turns")                                       \
    X(computed_tokens, "tokens", "tokens whose KV was computed in prefill")                          \
    X(reply_tokens, "tokens", "tokens of replies")                                                   \
    X(overflows, "1", "turns whose context was truncated")                                           \
    X(clamped_turns, "1", "turns whose prompt or reply alone did not fit the window and was cut")    \
    X(preemptions, "1", "times that a turn was pushed out of HBM, to be computed again")              \
    X(preempted_tokens, "tokens", "context that was ready and was pushed out")                       \
    X(prefilled_again_tokens, "tokens", "of it, and of replies begun: computed again in prefill")     \
    X(router_imbalance, "1", "turns of the server with most over the mean of all servers")           \
    X(load_dram_hbm_bytes, "bytes", "DRAM to HBM: loads for jobs")                                   \
    X(load_ssd_hbm_bytes, "bytes", "SSD through DRAM to HBM: loads for jobs that nobody fetched")    \
    X(fetch_ssd_dram_bytes, "bytes", "SSD to DRAM: fetched ahead of the job")                        \
    X(fetched_unused_bytes, "bytes", "of it: gone from DRAM before its turn used it: thrashing")      \
    X(save_hbm_dram_bytes, "bytes", "HBM to DRAM: new KV saved")                                     \
    X(save_hbm_ssd_bytes, "bytes", "HBM through DRAM to SSD: new KV saved where DRAM had no room")   \
    X(demote_dram_ssd_bytes, "bytes", "DRAM to SSD: given up by DRAM")                               \
    X(write_dram_ssd_bytes, "bytes", "DRAM to SSD: written though DRAM keeps it (tiers.ssd.write)")  \
    X(load_remote_hbm_bytes, "bytes", "remote pool through DRAM to HBM: loads for jobs that nobody fetched") \
    X(fetch_remote_dram_bytes, "bytes", "remote pool to DRAM: fetched ahead of the job")             \
    X(write_dram_remote_bytes, "bytes", "DRAM to remote pool: written though DRAM keeps it (tiers.remote.write)") \
    X(demote_dram_remote_bytes, "bytes", "DRAM to remote pool: given up by a server without SSD")    \
    X(demote_ssd_remote_bytes, "bytes", "SSD to remote pool: given up by the SSD")                   \
    X(remote_dropped_bytes, "bytes", "KV given up by the remote pool, whether servers have it or not") \
    X(remote_expired_bytes, "bytes", "KV in the remote pool that outlived its time to live")         \
    X(refused_dram_bytes, "bytes", "KV that tiers.dram.admit_uses kept out of DRAM, at each turn's end") \
    X(refused_ssd_bytes, "bytes", "KV given up by DRAM that tiers.ssd.admit_* kept off the SSD")     \
    X(refused_remote_bytes, "bytes", "KV given up by a server that tiers.remote.admit_uses kept out") \
    X(dropped_bytes, "bytes", "KV whose last copy was given up")                                     \
    X(unsaved_bytes, "bytes", "new KV for which no tier had room")                                   \
    X(expired_bytes, "bytes", "KV whose last copy outlived its time to live")                        \
    X(invalidated_bytes, "bytes", "KV made useless by a context overflow")                           \
    X(stored_bytes, "bytes", "new KV stored in DRAM or SSD")                                         \
    X(stored_never_loaded_bytes, "bytes", "of it: gone, or left at the end, and never loaded")       \
    X(ssd_written_bytes, "bytes", "all bytes written to SSD")                                        \
    X(ssd_read_bytes, "bytes", "all bytes read from SSD")                                            \
    X(ssd_written_per_day_bytes, "bytes", "the same a day, at the measured part's pace, all servers") \
    X(ssd_dwpd, "1", "drive writes a day: that over the drives' capacity, times write amplification") \
    X(ssd_years, "1", "years until the drives' rated writes are used up; 0: nothing was written")     \
    X(h2d_bytes, "bytes", "all bytes host to GPU")                                                   \
    X(d2h_bytes, "bytes", "all bytes GPU to host")                                                   \
    X(network_bytes, "bytes", "KV sent by servers: to those that decode, and to the remote pool")     \
    X(remote_read_bytes, "bytes", "KV that servers read from the remote pool")                       \
    X(peak_hbm_bytes, "bytes", "most KV in HBM at once, reservations of running turns included")     \
    X(peak_dram_bytes, "bytes", "most KV in DRAM at once")                                           \
    X(peak_ssd_bytes, "bytes", "most KV on SSD at once")                                             \
    X(peak_remote_bytes, "bytes", "most KV in the remote pool at once")                              \
    X(cost_gpu_usd, "usd", "GPU-busy hours at the GPUs' price")                                      \
    X(cost_dram_usd, "usd", "the same hours at the DRAM's price")                                    \
    X(cost_ssd_usd, "usd", "the same hours at the SSD's price")                                      \
    X(cost_remote_usd, "usd", "the remote pool at the DRAM's price, for the hours of one server")    \
    X(cost_usd, "usd", "sum of the four")                                                            \
    X(cost_usd_per_mtok, "usd", "cost per million prompt, history and reply tokens served") \
    X(sessions, "1", "measured turns that are their session's first (open loop: every request)")

#define METRIC_MEMBER(name, unit, meaning) double name;
struct metrics {
    METRICS(METRIC_MEMBER)
};

struct metric_row {
    const char *name, *unit, *meaning;
};
#define METRIC_COUNT_ONE(name, unit, meaning) +1
enum { METRIC_COUNT = 0 METRICS(METRIC_COUNT_ONE) };

/* The table, in the order above. */
extern const struct metric_row metric_rows[METRIC_COUNT];
/* Metric i's value. */
double metric_value(const struct metrics *metrics, int i);

#endif
