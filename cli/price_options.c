/* cli/price_options.c - see price_options.h. */
#include "cli/price_options.h"

#include <stdlib.h>

struct pricing price_options_pricing(const struct price_options *given)
{
    return (struct pricing){ .name = given->prices,
                             .assignments = given->price.text,
                             .assignment_count = given->price.count,
                             .billing = given->billing };
}

void price_options_free(struct price_options *given)
{
    free(given->price.text);
}
