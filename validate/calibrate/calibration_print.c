/* validate/calibrate/calibration_print.c - a calibration for people. */
#include "base/shown.h"
#include "validate/calibrate/calibration.h"

#include <stdio.h>
#include <string.h>

/* The value of the last fit of that name; 0: none. */
static double value_of(const struct calibration_fits *fits, const char *what)
{
    double value = 0.0;
    for (uint32_t i = 0; i < fits->count; i++)
        if (strcmp(fits->fit[i].what, what) == 0)
            value = fits->fit[i].value;
    return value;
}

/* What the simulator leaves out: a prefill takes as long whether links are busy or not, and whether
 * anything ran before it or not; and what it puts together of prefill and decode. */
static void print_beside(FILE *out, const struct calibration_fits *fits)
{
    double alone_ns = value_of(fits, "prefill_alone");
    double beside_ns = value_of(fits, "prefill_beside_copies");
    double decode_ns = value_of(fits, "prefill_behind_decode");
    double pause_ns = value_of(fits, "prefill_behind_pause");
    if (alone_ns > 0.0 && beside_ns > 0.0)
        fprintf(out, "a layer of prefill while both links copy takes %+.1f %%\n",
                100.0 * (beside_ns / alone_ns - 1.0));
    if (decode_ns > 0.0 && pause_ns > 0.0)
        fprintf(out,
                "a prefill behind a pause of 50 ms takes %.3f ms, behind a decode iteration %.3f\n",
                pause_ns / 1e6, decode_ns / 1e6);
    if (fits->mixed > 0)
        fprintf(
            out,
            "a layer that prefills and decodes in one launch takes %.1f us besides; then %+.1f to "
            "%+.1f %% longer than the simulator says (%+.1f in the mean of %u)\n",
            fits->measured.mixed_layer_ns / 1e3, 100.0 * fits->mixed_least,
            100.0 * fits->mixed_greatest, 100.0 * fits->mixed_mean, fits->mixed);
    if (fits->both_bytes_per_s > 0.0)
        fprintf(out, "both directions of the link together move %.3g GB/s, of %.3g alone\n",
                fits->both_bytes_per_s / 1e9,
                (fits->h2d_bytes_per_s + fits->d2h_bytes_per_s) / 1e9);
    if (fits->ssd_both_bytes_per_s > 0.0)
        fprintf(out, "reads and writes of the disk together move %.3g GB/s, of %.3g alone\n",
                fits->ssd_both_bytes_per_s / 1e9,
                (fits->ssd_read_bytes_per_s + fits->ssd_write_bytes_per_s) / 1e9);
}

void calibration_print(FILE *out, const struct calibration_samples *samples,
                       const struct calibration_fits *fits)
{
    double worst = 0.0;
    shown_put(out, samples->device);
    fputs("; SSD: ", out);
    shown_put(out, samples->ssd);
    fprintf(out, "; %u samples\n\n%-18s %-14s %12s %25s %9s %8s\n", samples->count, "what",
            "parameter", "value", "95 % interval", "residual", "samples");
    for (uint32_t i = 0; i < fits->count; i++) {
        const struct store_fit *fit = &fits->fit[i];
        if (fit->x > 0.0) {
            worst = fit->residual > worst ? fit->residual : worst;
            continue;
        }
        fprintf(out, "%-18s %-14s %12.4g %12.4g %12.4g %8.1f%% %8u\n", fit->what, fit->parameter,
                fit->value, fit->low, fit->high, 100.0 * fit->residual, fit->samples);
    }
    fprintf(out,
            "\n%u points of prefill on a grid of %u by %u; a product attains %.3g GFLOP/s; "
            "largest spread of a point's repeats: %.0f %%\n",
            fits->measured.points, fits->measured.news, fits->measured.cacheds,
            fits->flop_per_s / 1e9, 100.0 * worst);
    print_beside(out, fits);
}
