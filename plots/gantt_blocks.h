/* plots/gantt_blocks.h - what the picture of a turn's prefill shows: blocks in three lanes (load, compute, save), the
 * words above them, the range of time, the colours. gantt.gp draws them, and so does the page of `reprise explore`. */
#ifndef REPRISE_PLOTS_GANTT_BLOCKS_H
#define REPRISE_PLOTS_GANTT_BLOCKS_H

#include "plots/timeline_turn.h"

/* X(lane, name, colours of its layers: those with odd numbers, the others): Okabe and Ito's, and lighter ones. */
#define GANTT_LANES(X)                          \
    X(GANTT_LOAD, "load KV", "#0072B2", "#79BDE8")    \
    X(GANTT_COMPUTE, "compute", "#D55E00", "#F2B07A") \
    X(GANTT_SAVE, "save KV", "#009E73", "#8AD4BC")
#define GANTT_LANE(lane, name, dark, light) lane,
enum gantt_lane { GANTT_LANES(GANTT_LANE) GANTT_LANE_COUNT };
#undef GANTT_LANE
struct gantt_lane_look {
    const char *name, *dark, *light;
};
extern const struct gantt_lane_look gantt_lanes[GANTT_LANE_COUNT];

/* What a block shows: a layer, GPUs that stand still, GPUs that compute something else; and layers without a gap
 * between them, over which those with odd numbers are then drawn: half as large a picture. */
enum gantt_kind { GANTT_LAYER, GANTT_WAIT, GANTT_OTHER, GANTT_RUN };
#define GANTT_WAIT_COLOUR "#5A5A5A"
#define GANTT_OTHER_COLOUR "#E4E4E4"

struct gantt_block {
    enum gantt_lane lane;
    enum gantt_kind kind;
    double begin_ms, end_ms; /* since the turn's prefill began */
    uint32_t layer;          /* of GANTT_LAYER, from 0 on as everywhere; else 0 */
};

/* What is drawn of several turns on one scale, since the prefill of each began: up to half as long before it as what
 * follows, since KV that was read long before would leave no room for the rest. */
struct gantt_range {
    double least_ms, most_ms;
};
struct gantt_range gantt_range(const struct timeline_turn *const *turn, uint32_t turns);

/* Tells the turn's blocks within the range, in the order in which they are drawn. */
void gantt_blocks(const struct timeline_turn *turn, struct gantt_range range,
                  void (*tell)(void *context, const struct gantt_block *block), void *context);

double gantt_first_token_ms(const struct timeline_turn *turn);

#define GANTT_TEXT_BYTES 192
/* "lru: session 12's turn 3, 900 tokens reused and 210 computed". Returns out, of GANTT_TEXT_BYTES, as the next do. */
char *gantt_title(const struct timeline_turn *turn, char *out);
/* "prefill 112 ms, waiting for KV 3 ms", up to the first token, as the picture shows it. */
char *gantt_facts(const struct timeline_turn *turn, char *out);
/* "40 layers had come before", of those whose KV came before what is drawn; "": none. */
char *gantt_before(const struct timeline_turn *turn, struct gantt_range range, char *out);

#endif
