/* tests/sim/engines/slow_list.h - keys in an order, in an array that is searched and shifted: Python's OrderedDict
 * where engines keep one. */
#ifndef REPRISE_TESTS_SIM_ENGINES_SLOW_LIST_H
#define REPRISE_TESTS_SIM_ENGINES_SLOW_LIST_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOW_LIST_MOST = 2048 };

/* Zeroed: empty. key[0] is the oldest; no key is there twice. */
struct slow_list {
    uint64_t key[SLOW_LIST_MOST];
    uint32_t count;
};

bool slow_list_has(const struct slow_list *list, uint64_t key);
/* Out of the list; false: it was not there. */
bool slow_list_take(struct slow_list *list, uint64_t key);
uint64_t slow_list_take_first(struct slow_list *list);
void slow_list_push(struct slow_list *list, uint64_t key);
void slow_list_push_first(struct slow_list *list, uint64_t key);
/* Makes it the youngest, if it is there. */
bool slow_list_to_end(struct slow_list *list, uint64_t key);

#endif
