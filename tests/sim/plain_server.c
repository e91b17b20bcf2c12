/* tests/sim/plain_server.c - see plain_server.h. */
#include "tests/sim/plain_server.h"

#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL                                                                                      \
    "name: plain\nsource: made up\nlayers: 10\nhidden: 25\nheads: 1\nkv_heads: 1\nhead_dim: 25\n"  \
    "ffn: 100\nvocabulary: 100\ncontext_window_tokens: 4096\nweight_bytes_per_parameter: 2\n"      \
    "kv_bytes_per_value: 2\n"

#define HARDWARE HARDWARE_OVER("1GB/s")
#define HARDWARE_OVER(h2d)                                                                         \
    "name: plain\nsource: made up\ngpus: 4\n"                                                      \
    "gpu: {hbm_bytes: 1GB, hbm_bytes_per_s: 1TB/s, flop_per_s: 1TFLOP/s, gemm_efficiency: 1,"      \
    " attention_efficiency: 1, hbm_efficiency: 1, kernel_launch: 0}\n"                             \
    "allreduce: {bytes_per_s: 1TB/s, latency: 0}\n"                                                \
    "engine: {iteration_overhead: 0, hbm_utilisation: 1, hbm_reserved_bytes: 0}\n"                 \
    "pcie: {h2d_bytes_per_s: " h2d ", d2h_bytes_per_s: 1GB/s, h2d_bytes_per_s_per_gpu: 1GB/s,"     \
    " d2h_bytes_per_s_per_gpu: 1GB/s, latency: 0}\n"                                               \
    "dram: {bytes: 1GB}\n"                                                                         \
    "price: {usd_per_gpu_hour: 3.6, usd_per_dram_gb_hour: 3.6, usd_per_ssd_gb_hour: 0.36}\n"
#define SSD "ssd: {bytes: 1GB, read_bytes_per_s: 500MB/s, write_bytes_per_s: 250MB/s, latency: 0}\n"
#define BROKEN_SSD "ssd: {bytes: 1GB, read_bytes_per_s: 0, write_bytes_per_s: 0, latency: 0}\n"

/* Of a layer, a tenth of the whole. */
#define TIMES                                                                                      \
    "shape,10,25,1,1,25,100,100\n"                                                                 \
    "prefill,1,0,1000,100000\nprefill,1,4096,1000,100000\n"                                        \
    "prefill,1001,0,1001000,100000\nprefill,1001,4096,1001000,100000\n"

static const struct {
    const char *name, *content;
} files[] = {
    { "model.yaml", MODEL },
    { "plain.yaml", HARDWARE SSD "timing: {measured: plain.csv}\n" },
    { "plain.csv", TIMES "decode,1,1000000,0\ndecode,100,1000000,0\n" },
    { "context.yaml", HARDWARE SSD "timing: {measured: context.csv}\n" },
    { "context.csv", TIMES "decode,1,1000000,10000\ndecode,100,1000000,10000\n" },
    { "broken.yaml", HARDWARE BROKEN_SSD "timing: {measured: plain.csv}\n" },
    { "narrow.yaml", HARDWARE_OVER("50MB/s") SSD "timing: {measured: plain.csv}\n" },
    { "owned.yaml", HARDWARE SSD "timing: {measured: plain.csv}\nprices: ./prices.yaml\n" },
    { "prices.yaml", "name: plain\nsource: made up\ndate: today\n"
                     "owned: {usd_per_gpu: 4800, years: 4}\n" },
    { "drive.yaml", "name: plain\nsource: made up\ncapacity: 1GB\nendurance: 1TB\n"
                    "warranty_years: 5\n" },
    { "trace.csv", "" },
};
enum { FILES = sizeof files / sizeof *files };

static char folder[256], before[4096];

static void write_file(const char *name, const char *heading, const char *content)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s%s", heading, content);
    ck_assert_int_eq(fclose(file), 0);
}

void plain_server_write(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/reprise-plain-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(folder), 0);
    for (int i = 0; i < FILES; i++)
        write_file(files[i].name, "", files[i].content);
}

void plain_server_remove(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(files[i].name);
    ck_assert_int_eq(chdir(before), 0);
    rmdir(folder);
}

struct metrics plain_server_run(const char *turns, const char *settings)
{
    write_file("trace.csv", "session,arrival_s,think_s,prompt_tokens,reply_tokens\n", turns);
    return run_all("model: ./model.yaml\nhardware: ./plain.yaml\ngpus: 1\ntrace: ./trace.csv\n"
                   "warmup_turns: 0\npolicy: lru\nplacement.ttl: 0\nssd.drive: ./drive.yaml\n"
                   "engine: {preloading: none, reuse: always}\n"
                   "tiers: {dram: {capacity: 1GB, reserve: 0}, ssd: {capacity: 0},"
                   " remote: {latency: 0}}\n"
                   "cluster: {network_bytes_per_s: 1GB/s, network_latency: 0}\n",
                   settings);
}
