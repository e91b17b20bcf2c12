/* validate/paper/paper_tables.c - tables 1 and 2: truncated KV against computing the rest again.
 * Logits, not perplexity: nobody ships weights with reprise (validate/truncation.h). With one layer
 * nothing of what was cut is remembered, and decoupled truncation must be recomputing up to
 * rounding. */
#include "validate/paper/paper_plan.h"

static void truncation(struct paper *paper)
{
    static const uint32_t depths[] = { 1, 4 };
    paper_row(paper, "", paper_published(paper, "tables.decoupled_difference_most"), NAN,
              "perplexity: decoupled KV truncated, against recomputing (at most)");
    paper_row(paper, "", paper_published(paper, "tables.naive_least"), NAN,
              "perplexity: KV truncated with its positions (at least)");
    for (int i = 0; i < 2; i++) {
        struct paper_truncation errors = paper_request_truncation(paper, depths[i]);
        paper_row(paper, "%", NAN, 100.0 * errors.decoupled,
                  "logits off recomputing, decoupled KV truncated, layers: %u", depths[i]);
        paper_row(paper, "%", NAN, 100.0 * errors.naive,
                  "logits off recomputing, KV with positions truncated, layers: %u", depths[i]);
        if (depths[i] == 1)
            paper_check(paper, errors.decoupled < 1e-5 && errors.naive > 1e-2,
                        "one layer: decoupled truncation is recomputing, naive is not",
                        "logits off by %.1e and by %.1e of their length", errors.decoupled,
                        errors.naive);
        else
            paper_check(paper, errors.decoupled < errors.naive,
                        "more layers: decoupled truncation is nearer to recomputing than naive",
                        "logits off by %.2f and by %.2f of their length", errors.decoupled,
                        errors.naive);
    }
}

const struct paper_part paper_tables = {
    .name = "tables",
    .title = "Tables 1 and 2: truncated KV",
    .note = "On the runtime's own attention, a small model of random weights: its logits after the "
            "oldest half was cut off, against computing the rest again. Perplexity needs trained "
            "weights and was not run.",
    .work = truncation,
};
