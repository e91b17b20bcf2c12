/* tests/base/stand_in_module.c - a module whose door is a number, for test_module.c; 0: a shared
 * library that is no module. */
#include "base/module.h"

#if STAND_IN > 0
static const int number = STAND_IN;

extern const struct module reprise_module;
const struct module reprise_module = { .stamp = "as built", .door = &number };
#else
extern const int something_else;
const int something_else = 1;
#endif
