/* sweep/run_words.c - see run_words.h. */
#include "sweep/run_words.h"

#include "base/units.h"
#include "sweep/sentence.h"

#include <stdbool.h>
#include <stdio.h>

static void say_time(struct sentence *sentence, double ns)
{
    char text[32];
    say(sentence, "%s", units_format(ns, UNIT_DURATION, text, sizeof text));
}

/* "98 % of the history was reused: 39 % from HBM, 43 % from DRAM, 16 % from SSD". */
static void say_reused(struct sentence *sentence, const struct metrics *metrics)
{
    const struct {
        const char *tier;
        double tokens;
    } tiers[] = { { "HBM", metrics->hit_tokens_hbm },
                  { "DRAM", metrics->hit_tokens_dram },
                  { "SSD", metrics->hit_tokens_ssd },
                  { "the remote pool", metrics->hit_tokens_remote } };
    bool told = metrics->history_tokens > 0.0; /* an open loop does not tell history from prompt */
    double whole = told ? metrics->history_tokens : metrics->wanted_tokens, reused = 0.0;
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        reused += tiers[i].tokens;
    if (reused == 0.0 || whole <= 0.0) {
        say(sentence, "none of the %s was reused", told ? "history" : "prompts");
        return;
    }
    say(sentence, "%.0f %% of the %s was reused", 100.0 * reused / whole,
        told ? "history" : "prompts");
    const char *between = ": ";
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (tiers[i].tokens >= 0.005 * whole) { /* less is 0 % */
            say(sentence, "%s%.0f %% from %s", between, 100.0 * tiers[i].tokens / whole,
                tiers[i].tier);
            between = ", ";
        }
}

char *run_words(const struct metrics *metrics, char *out)
{
    struct sentence sentence = sentence_in(out, RUN_WORDS_BYTES);
    say(&sentence, "the first token comes after ");
    say_time(&sentence, metrics->ttft_mean_ns);
    say(&sentence, " (mean; P99 ");
    say_time(&sentence, metrics->ttft_p99_ns);
    say(&sentence, "); ");
    say_reused(&sentence, metrics);
    say(&sentence, "; a million tokens cost $%.3f of busy server", metrics->cost_usd_per_mtok);
    if (metrics->rented_usd_per_mtok > 0.0) /* else the prices do not tell */
        say(&sentence, ", $%.3f of a rented one", metrics->rented_usd_per_mtok);
    say(&sentence, ".");
    return out;
}
