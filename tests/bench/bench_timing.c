/* tests/bench/bench_timing.c - what one evaluation of the timing model costs: the simulator asks
 * once per prefill, per change of the batch, and per iteration that does both. Goal: 100 ns. Run:
 * build/tests/bench/bench_timing (no arguments). */
#include "models/models.h"
#include "tests/bench/memory_probe.h"

#include <inttypes.h>

#define CALLS UINT32_C(2000000)

/* The sums are printed, so that no call can be left out. */
static void bench(const char *model_name, const char *hardware_name, uint32_t ranks)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    if (model_load(model_name, &model, &err) != STATUS_OK ||
        hardware_load(hardware_name, &hardware, &err) != STATUS_OK) {
        error_print(stderr, &err);
        return;
    }
    struct timing timing = timing_new(&model, &hardware, ranks);
    uint64_t prefill_sum_ns = 0;
    double decode_sum_ns = 0;
    double start_s = bench_cpu_s();
    for (uint32_t i = 0; i < CALLS; i++)
        prefill_sum_ns += timing_prefill(&timing, 1 + i % 4096, i % 8192).layer_ns;
    double between_s = bench_cpu_s();
    for (uint32_t i = 0; i < CALLS; i++)
        decode_sum_ns += timing_decode(&timing, 1 + i % 256, 0, 0).base_ns;
    double decoded_s = bench_cpu_s();
    uint64_t mixed_sum_ns = 0;
    for (uint32_t i = 0; i < CALLS; i++) {
        struct timing_work work = { .prefills = 1,
                                    .decodes = 1 + i % 256,
                                    .prefill_new = 2 + i % 2048,
                                    .prefill_cached = i % 8192,
                                    .decode_context = (1 + i % 256) * UINT64_C(1500),
                                    .decode_window = (1 + i % 256) * UINT64_C(128) };
        mixed_sum_ns += timing_mixed(&timing, &work).layer_ns;
    }
    double end_s = bench_cpu_s();
    printf("%-13s prefill %5.1f ns, decode %5.1f ns, both %5.1f ns a call (sums %" PRIu64
           ", %.0f, %" PRIu64 ")\n",
           model_name, (between_s - start_s) * 1e9 / CALLS, (decoded_s - between_s) * 1e9 / CALLS,
           (end_s - decoded_s) * 1e9 / CALLS, prefill_sum_ns, decode_sum_ns, mixed_sum_ns);
}

int main(void)
{
    bench("llama-13b", "paper-4xa100", 2);
    bench("llama-2-70b", "paper-4xa100", 4);
    bench("deepseek-v3", "h200", 8);
    bench("gpt-oss-20b", "h100", 1);
    bench("nemotron-h-8b", "h100", 1);
    return 0;
}
