/* validate/comparison_print.c - a validation for people: points, differences, and a line on each
 * experiment. */
#include "base/shown.h"
#include "validate/comparison.h"

#include "validate/judge.h"

#include <math.h>
#include <string.h>

/* Times in ms, bytes in MB, shares in %: one column width for all. */
static double shown(const struct validated_metric *metric, double value)
{
    size_t length = strlen(metric->name);
    if (metric->unit == IN_POINTS)
        return 100.0 * value;
    if (length > 3 && strcmp(metric->name + length - 3, "_ns") == 0)
        return value / 1e6;
    return strstr(metric->name, "_bytes") != NULL ? value / 1e6 : value;
}

static const char *unit_text(enum validated_unit unit)
{
    return unit == IN_POINTS ? "pt" : "%";
}

/* "-": not known. */
static const char *width_text(const struct validated_metric *metric, double width, char text[32])
{
    if (isnan(width))
        return "-";
    snprintf(text, 32, "%.2f", shown(metric, width));
    return text;
}

/* ---- points ---- */

static const char *mark(const struct validated_metric *metric)
{
    return judge_within(metric, 1.0) ? "" : judge_unsettled(metric) ? " ~" : " *";
}

static void print_metric(FILE *out, const struct validated_metric *metric)
{
    char width[32], tolerance[48] = "";
    if (metric->sim == 0.0 && metric->run == 0.0)
        return; /* of a tier that there is not */
    if (metric->tolerance > 0.0)
        snprintf(tolerance, sizeof tolerance, "%7.0f %s%s", metric->tolerance,
                 unit_text(metric->unit), mark(metric));
    fprintf(out, "  %-18s %11.2f %9.2f %11.2f %9s %+8.1f %s%s\n", metric->label,
            shown(metric, metric->sim), shown(metric, metric->sim_half_range),
            shown(metric, metric->run), width_text(metric, metric->half_width, width),
            metric->error, unit_text(metric->unit), tolerance);
}

static void print_point(FILE *out, const struct validated_point *point)
{
    const struct validated_load *load = point->load;
    fprintf(out, "\n%s, load %.0f %% (rate %.7g; computing was busy %.0f %%), %u runs%s\n",
            point->name, load->percent, load->rate, point->utilisation_percent, point->repeats,
            load->percent > 100.0 ? "; oversubscribed: TTFT is not judged" : "");
    if (point->behind_percent >= 0.05)
        fprintf(out, "  for %.1f %% of the time the machine was behind its held rates\n",
                point->behind_percent);
    fprintf(out, "  %-18s %11s %9s %11s %9s %8s %10s\n", "metric", "sim", "+-", "run", "+-",
            "error", "tolerance");
    for (int i = 0; i < VALIDATED_COUNT; i++)
        print_metric(out, &point->metric[i]);
    iteration_totals_print(out, point->iterations);
}

static void print_unreached(FILE *out, const struct validation *validation)
{
    for (uint32_t i = 0; i < validation->load_count; i++) {
        const struct validated_load *load = &validation->load[i];
        if (load->reached)
            continue;
        fprintf(out,
                "\nload %.0f %%: not reached, and not run. Whatever %s is, computing is busy for "
                "%.1f to %.1f %% of the time",
                load->percent, validation->rate_key, load->least_percent, load->most_percent);
        fprintf(out, load->percent > 100.0 ? "; over 100 %% is a multiple of the rate of 85 %%\n"
                                           : "\n");
    }
}

/* ---- differences ---- */

static int longest_pair(const struct validation *validation)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < validation->difference_count; i++) {
        const struct validated_difference *difference = &validation->difference[i];
        size_t length = strlen(difference->name) + strlen(" - ") + strlen(difference->minus);
        longest = length > longest ? length : longest;
    }
    return (int)longest;
}

static void print_differences(FILE *out, const struct validation *validation)
{
    int column = longest_pair(validation);
    if (validation->difference_count == 0)
        return;
    fprintf(
        out,
        "\nWhat one has over another, at the same load (agrees: in sign, and in size to %d %%)\n"
        "  %-*s %5s %-17s %10s %8s %10s %8s %8s\n",
        (int)DIFFERENCE_TOLERANCE_PERCENT, column, "", "load", "", "sim", "+-", "run", "+-",
        "error");
    for (uint32_t i = 0; i < validation->difference_count; i++) {
        const struct validated_difference *difference = &validation->difference[i];
        char pair[2 * CONFIG_TEXT_BYTES + 8], width[32], error[32] = "-";
        snprintf(pair, sizeof pair, "%s - %s", difference->name, difference->minus);
        if (isfinite(difference->error_percent))
            snprintf(error, sizeof error, "%+.1f %%", difference->error_percent);
        fprintf(out, "  %-*s %3.0f %% %-17s %+10.2f %8.2f %+10.2f %8s %8s  %s\n", column, pair,
                difference->load->percent, difference->of->label,
                shown(difference->of, difference->sim),
                shown(difference->of, difference->sim_half_range),
                shown(difference->of, difference->run),
                width_text(difference->of, difference->half_width, width), error,
                judge_verdict_word(difference->verdict));
    }
}

/* ---- in a few lines ---- */

/* "; TTFT P99 at 85 %: -12.0 % (interval 37 %)" */
static void print_miss(FILE *out, const struct validated_point *point,
                       const struct validated_metric *metric)
{
    double width = metric->unit == IN_POINTS ? 100.0 * metric->half_width
                                             : 100.0 * metric->half_width / metric->run;
    fprintf(out, "; %s at %.0f %%: %+.1f %s", metric->label, point->load->percent, metric->error,
            unit_text(metric->unit));
    if (!isnan(width))
        fprintf(out, " (interval %.*f %s)", metric->unit == IN_POINTS ? 1 : 0, width,
                unit_text(metric->unit));
}

static void print_line(FILE *out, const struct validation *validation, const char *name)
{
    uint32_t points = 0, within = 0;
    for (uint32_t p = 0; p < validation->point_count; p++)
        if (strcmp(validation->point[p].name, name) == 0) {
            points++;
            within += judge_point_within(&validation->point[p], 1.0);
        }
    fprintf(out, "%s: %u of %u points within tolerance", name, within, points);
    for (uint32_t p = 0; p < validation->point_count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++)
            if (strcmp(validation->point[p].name, name) == 0 &&
                !judge_within(&validation->point[p].metric[i], 1.0))
                print_miss(out, &validation->point[p], &validation->point[p].metric[i]);
    fputc('\n', out);
}

static void print_verdicts(FILE *out, const struct validation *validation)
{
    uint32_t count[VERDICT_UNJUDGED + 1] = { 0 };
    for (uint32_t i = 0; i < validation->difference_count; i++)
        count[validation->difference[i].verdict]++;
    if (validation->difference_count == 0)
        return;
    fprintf(out, "differences:");
    for (int verdict = 0; verdict <= VERDICT_UNJUDGED; verdict++)
        if (count[verdict] > 0)
            fprintf(out, " %u %s,", count[verdict],
                    judge_verdict_word((enum validated_verdict)verdict));
    fprintf(out, " of %u\n", validation->difference_count);
}

static void print_summary(FILE *out, const struct validation *validation)
{
    fputc('\n', out);
    /* All experiments have a point at the first load that was reached. */
    for (uint32_t p = 0;
         p < validation->point_count && validation->point[p].load == validation->point[0].load; p++)
        print_line(out, validation, validation->point[p].name);
    print_verdicts(out, validation);
    for (uint32_t i = 0; i < validation->load_count; i++) {
        const struct validated_load *load = &validation->load[i];
        if (!load->reached)
            fprintf(out, "load %.0f %%: not reached\n", load->percent);
        else if (!judge_load_reached(load, 1.0))
            fprintf(out, "load %.0f %%: not reached by the runs, which were busy for %.0f %%\n",
                    load->percent, load->run_percent);
    }
}

void validation_print(FILE *out, const struct validation *validation)
{
    fprintf(out, "%s on %s", validation->model, validation->hardware);
    shown_line(out, validation->device[0] != '\0' ? ": " : "", validation->device);
    fprintf(out,
            "Times in ms, bytes in MB, hits in %%. sim: and how far it moves with %s by 1 %%; run: "
            "mean of\nrepeats and half of its 95 %% interval; * past its tolerance, ~ past it but "
            "within the runs' interval\n",
            validation->rate_key);
    for (uint32_t p = 0; p < validation->point_count; p++)
        print_point(out, &validation->point[p]);
    print_unreached(out, validation);
    print_differences(out, validation);
    print_summary(out, validation);
}
