/* tests/runtime/formats.h - the number formats that KV is stored in, as their definitions read, in
 * double and by search: what every conversion is held against. */
#ifndef REPRISE_TESTS_RUNTIME_FORMATS_H
#define REPRISE_TESTS_RUNTIME_FORMATS_H

#include <stdint.h>

/* OCP 8-bit floating point, E4M3: what a code says; NaN for 0x7f and 0xff. */
double fp8_value(uint8_t code);
/* The code of the value nearest to x, of two the one with an even code; above 448: 448's. x: no
 * NaN. */
uint8_t fp8_nearest(double x);
/* The nearest of the numbers with 8 significant bits, of two the even one; x: a bf16's range,
 * without subnormals. */
double bf16_nearest(double x);

#endif
