/* tests/validate/store/store_alone.c - a program that only keeps results, for test_alone.sh, which
 * looks at what it had to link. */
#include "validate/store/store_measured.h"
#include "validate/store/store_sweep.h"

int main(int argc, char **argv)
{
    struct store *store = NULL;
    struct error err = { 0 };
    int64_t sweep = 0, first = 0;
    if (argc != 2 || store_open(argv[1], false, &store, &err) != STATUS_OK ||
        store_sweep_of(store, 0, &sweep, &err) != STATUS_OK ||
        store_put_runs(store, NULL, 0, &first, &err) != STATUS_OK ||
        store_put_calibration(store, &(struct store_calibration){ 0 }, &err) != STATUS_OK)
        error_print(stderr, &err);
    store_close(store);
    return (int)err.status;
}
