/* tests/failures/commands.c - see commands.h. */
#include "tests/failures/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TINY " --set workload.sessions=6 --set warmup_turns=0"
#define SERVER                                                                                     \
    " -m @/calibration/here-model.yaml -H @/calibration/here.yaml -g 1 --set warmup_turns=0"       \
    " --set workload.sessions=2 --set workload.mean_turns=2 --set workload.prompt_tokens.mean=24"  \
    " --set workload.reply_tokens.mean=3 --set workload.think_time.mean=5ms --set "                \
    "engine.reuse=always"                                                                          \
    " --set workload.sessions_per_s=200 --set engine.batch=4 --set tiers.dram.capacity=64kB -p "   \
    "lru"
#define SMALL_MACHINE                                                                              \
    " --layers 1 --hidden 64 --vocabulary 64 --window 64 --batch 2 --h2d 200MB/s --d2h 200MB/s"    \
    " --ssd-read 100MB/s --ssd-write 100MB/s --hbm 4MB --dram 1MB --ssd 16MB"
#define AXES " -v policy=lru,none -v tiers.dram.capacity=0,64GB"
#define SEARCH                                                                                     \
    " -m llama-3-8b -H h100 --slo ttft_p99=10s --vary cluster.replicas=1 --vary gpus=1,2"          \
    " --vary tiers.dram.capacity=0 --vary ssd.drives=0 -j 2"

const struct stock_command stock_commands[] = {
    { "runs.db", "sim" TINY " -p lru,none --db runs.db --keep-turns" },
    { "timeline.json", "sim" TINY " -p lru --no-db --timeline timeline.json" },
    { "sweep.db", "sweep" TINY AXES " -j 2 --db sweep.db" },
    { "part1.db", "sweep" TINY AXES " --shard 1/2 --db part1.db" },
    { "part2.db", "sweep" TINY AXES " --shard 2/2 --db part2.db" },
    { "trace.jsonl.zst", "trace gen trace.jsonl.zst --documents --set documents.requests=40" },
    { "sessions.csv.gz", "trace gen sessions.csv.gz" TINY },
    { "calibration/",
      "calibrate --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 --repeats 2"
      " --h2d 200MB/s --d2h 200MB/s --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB"
      " --ssd 16MB --no-db" },
    { NULL, NULL },
};

const struct command commands[] = {
    { "sim", "sim" TINY " -p lru,none -j 2 --db r.db --turns t.csv --timeline l.json", NULL, "r.db",
      false, false, true },
    { "sim-kept", "sim" TINY " -p lru --db runs.db --keep-turns --json", "runs.db", "runs.db",
      false, false, false },
    { "sim-trace",
      "sim --no-db -t @/trace.jsonl.zst -m mistral-7b -g 1 --set warmup_turns=0 -p lru --turns "
      "t.jsonl",
      NULL, NULL, false, false, false },
    { "sweep", "sweep" TINY AXES " -j 2 --db s.db", NULL, "s.db", false, false, false },
    { "size", "size" TINY SEARCH " --db z.db --report z.html", NULL, "z.db", false, false, false },
    { "replay", "replay %/traces/samples/example.jsonl --blocks 50 -p lru,fifo -j 2 --turns t.csv",
      NULL, NULL, true, false, true },
    { "run", "run" SERVER " --db r.db --turns t.csv --iterations i.csv --compute-threads 2", NULL,
      "r.db", true, false, true },
    { "validate",
      "validate" SERVER " --loads 50 --repeats 1 --tolerance 1000000 --csv v.csv --db v.db", NULL,
      "v.db", true, false, true },
    { "calibrate", "calibrate" SMALL_MACHINE " --repeats 2 --db c.db", NULL, "c.db", true, false,
      true },
    { "profile", "calibrate --from-profile @/tables -H h100 -o fit.yaml", NULL, NULL, false, false,
      false },
    { "report", "report --db runs.db -o r.html", "runs.db", "runs.db", false, false, false },
    { "report-live", "report --db sweep.db --live -o r.html", "sweep.db", "sweep.db", false, false,
      false },
    { "plot", "plot --db runs.db -o out", "runs.db", "runs.db", false, false, true },
    { "plot-sweep", "plot --db sweep.db -o out", "sweep.db", "sweep.db", false, false, true },
    { "plot-timeline", "plot --timeline @/timeline.json -o out", NULL, NULL, false, false, true },
    { "explain", "explain --db runs.db lru 3", "runs.db", "runs.db", false, false, false },
    { "lesson", "lesson 1 -o l.svg", NULL, NULL, false, false, false },
    { "paper", "paper controls -o p -j 2", NULL, "p/paper.db", false, false, true },
    { "accuracy", "accuracy @/kernels --json", NULL, NULL, false, false, false },
    { "trace-gen", "trace gen g.jsonl.gz --documents --set documents.requests=40", NULL, NULL,
      false, false, false },
    { "trace-convert", "trace convert @/trace.jsonl.zst o.jsonl.zst --to mooncake", NULL, NULL,
      false, false, false },
    { "trace-scale", "trace scale @/sessions.csv.gz o.csv --rate 2 --sessions 1.5", NULL, NULL,
      false, false, false },
    { "trace-info", "trace info @/trace.jsonl.zst --lru 50 --json", NULL, NULL, false, false,
      false },
    { "trace-events", "trace info %/traces/samples/kv_events.msgpack", NULL, NULL, false, false,
      false },
    { "db-merge", "db merge m.db @/part1.db @/part2.db", NULL, "m.db", false, false, false },
    { "db-dump", "db dump sweep.db", "sweep.db", "sweep.db", false, false, false },
    { "db-list", "db list sweep.db", "sweep.db", "sweep.db", false, false, false },
    { "models", "models", NULL, NULL, false, false, false },
    { "models-show", "models show llama-65b -p roof.svg", NULL, NULL, false, false, false },
    { "models-import", "models import %/tests/models/configs/llama-3-8b.json -o m.yaml", NULL, NULL,
      false, false, false },
    { "doctor", "doctor", NULL, NULL, true, false, false },
    { "explore", "explore --no-browser" TINY, NULL, NULL, true, true, false },
    { "help", "sim --help", NULL, NULL, false, false, false },
    { "version", "--version", NULL, NULL, false, false, false },
};

const uint32_t command_count = sizeof commands / sizeof *commands;

/* With what @ and % stand for put in. */
static char *word_of(const char *begin, size_t length, const char *stock, const char *root)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 0; out != NULL && i < length; i++)
        if (begin[i] == '@' || (begin[i] == '%' && i == 0))
            fputs(begin[i] == '@' ? stock : root, out);
        else
            fputc(begin[i], out);
    if (out == NULL || fclose(out) != 0)
        abort();
    return text;
}

void words_split(const char *program, const char *words, const char *stock, const char *root,
                 char *argv[WORDS_MOST])
{
    uint32_t count = 0;
    argv[count++] = word_of(program, strlen(program), "@", "%");
    while (*words != '\0' && count < WORDS_MOST - 1) {
        words += strspn(words, " ");
        size_t length = strcspn(words, " ");
        if (length > 0)
            argv[count++] = word_of(words, length, stock, root);
        words += length;
    }
    argv[count] = NULL;
}

void words_free(char *argv[WORDS_MOST])
{
    for (uint32_t i = 0; argv[i] != NULL; i++)
        free(argv[i]);
}
