/* validate/load.c - see load.h. */
#include "validate/load.h"

#include <math.h>

/* In sessions a second, and as a factor of a trace's arrivals. */
static const double RATE_LEAST = 1e-3;
/* Multiples of this one's rate oversubscribe. */
static const double HIGH_PERCENT = 85.0;
static const double NEAR_POINTS = 1.0, EXACT_POINTS = 1e-3;

static bool is_of_trace(const struct experiment *experiment)
{
    return experiment->trace[0] != '\0';
}

static bool is_closed(const struct experiment *experiment)
{
    return experiment->workload.concurrency > 0;
}

const char *load_rate_key(const struct experiment *experiment)
{
    if (is_closed(experiment))
        return "workload.concurrency";
    return is_of_trace(experiment) ? "import.rate" : "workload.sessions_per_s";
}

void load_set_rate(struct experiment *experiment, double rate)
{
    if (is_closed(experiment))
        experiment->workload.concurrency = (uint32_t)fmax(1.0, round(rate));
    else if (is_of_trace(experiment))
        experiment->import.rate = rate;
    else
        experiment->workload.sessions_per_s = rate;
}

static double step_rate(double step)
{
    return RATE_LEAST * pow(10.0, step / 4.0);
}

static enum status busy_at(const struct experiment *experiment, double rate, double *percent,
                           struct error *err)
{
    struct experiment trial = *experiment;
    struct sim_result result;
    load_set_rate(&trial, rate);
    enum status status = sim_run(&trial, NULL, &result, err);
    if (status != STATUS_OK)
        return status;
    *percent = 100.0 * result.metrics.gpu_utilisation;
    sim_result_free(&result);
    return STATUS_OK;
}

enum status load_search_begin(struct load_search *search, const struct experiment *experiment,
                              struct error *err)
{
    search->experiment = experiment;
    for (int i = 0; i < LOAD_STEPS; i++)
        if (busy_at(experiment, step_rate(i), &search->busy_percent[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* The first step at which computing is at least so busy, with a step before it at which it is less;
 * 0: there is none. Where all sessions come at once, the last ones' think times are idle again, so
 * that the highest rate need not be the busiest. */
static int first_step_above(const struct load_search *search, double percent)
{
    for (int i = 1; i < LOAD_STEPS; i++)
        if (search->busy_percent[i - 1] < percent && search->busy_percent[i] >= percent)
            return i;
    return 0;
}

/* Bisection over the rate's logarithm. */
static enum status bisect(const struct load_search *search, double percent,
                          struct validated_load *load, struct error *err)
{
    int above = first_step_above(search, percent);
    double low = above - 1, high = above, busy = 0.0;
    if (above == 0)
        return STATUS_OK;
    for (int i = 0; i < 40 && fabs(busy - percent) > EXACT_POINTS; i++) {
        double middle = (low + high) / 2.0;
        load->rate = step_rate(middle);
        if (busy_at(search->experiment, load->rate, &busy, err) != STATUS_OK)
            return err->status;
        *(busy < percent ? &low : &high) = middle;
    }
    load->reached = fabs(busy - percent) <= NEAR_POINTS; /* else it jumps there */
    return STATUS_OK;
}

enum status load_find(const struct load_search *search, double percent, struct validated_load *load,
                      struct error *err)
{
    bool over = percent > 100.0;
    *load = (struct validated_load){ .percent = percent, .least_percent = HUGE_VAL };
    for (int i = 0; i < LOAD_STEPS; i++) {
        load->least_percent = fmin(load->least_percent, search->busy_percent[i]);
        load->most_percent = fmax(load->most_percent, search->busy_percent[i]);
    }
    if (bisect(search, over ? HIGH_PERCENT : percent, load, err) != STATUS_OK)
        return err->status;
    if (over)
        load->rate *= percent / HIGH_PERCENT;
    return STATUS_OK;
}

enum status load_of_concurrency(const struct experiment *experiment, struct validated_load *load,
                                struct error *err)
{
    double rate = experiment->workload.concurrency;
    *load = (struct validated_load){ .rate = rate, .reached = true };
    enum status status = busy_at(experiment, rate, &load->percent, err);
    load->least_percent = load->most_percent = load->percent;
    return status;
}
