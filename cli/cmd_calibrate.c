/* cli/cmd_calibrate.c - `reprise calibrate`: measures, or takes measurements from a profile; fits,
 * writes. No arithmetic here. */
#include "base/shown.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/machine_options.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/profile_options.h"
#include "cli/progress.h"
#include "cli/results_store.h"
#include "cli/runtime_options.h"
#include "validate/calibrate/calibration.h"
#include "validate/store/store.h"

#include <stdio.h>
#include <stdlib.h>

struct calibrate_options {
    struct runtime_options runtime;
    struct machine_options machine;
    struct profile_options profile;
    const char *name, *out, *db;
    bool no_db;
};

static bool tell(void *context, double share)
{
    progress_draw(context, share, 0, "points");
    return !interrupt_asked();
}

static enum status fit_and_keep(const struct calibrate_options *given,
                                const struct calibration_config *config,
                                const struct calibration_samples *samples,
                                const uint64_t sizes[TIER_COUNT], struct store *store,
                                struct error *err)
{
    struct calibration_fits fits;
    struct calibration_files files;
    enum status status = calibration_fit(samples, &config->model, &fits, err);
    if (status != STATUS_OK)
        return status;
    status = calibration_write(given->out != NULL ? given->out : "calibration", given->name, config,
                               samples, &fits, sizes, &files, err);
    if (status == STATUS_OK && store != NULL)
        status = calibration_store(store, given->name, samples, &fits, err);
    if (status == STATUS_OK) {
        calibration_print(stdout, samples, &fits);
        shown_line(stdout, "\nwritten: ", files.model);
        shown_line(stdout, "         ", files.hardware);
        shown_line(stdout, "         ", files.times);
        fputs("use: reprise sim -m ", stdout);
        shown_put(stdout, files.model);
        fputs(" -H ", stdout);
        shown_put(stdout, files.hardware);
        puts(" -g 1");
    }
    free(fits.fit);
    return status;
}

static enum status run(const struct calibrate_options *given, struct error *err)
{
    struct calibration_config config = { 0 };
    struct calibration_samples samples = { 0 };
    struct store *store = NULL;
    struct progress progress;
    uint64_t sizes[TIER_COUNT];
    enum status status = runtime_options_config(&given->runtime, &config.serve, err);
    if (status == STATUS_OK)
        status = machine_options_config(&given->machine, &config, sizes, err);
    if (status == STATUS_OK)
        status = results_store_open(given->db, given->no_db, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        progress_start(&progress);
        status = calibrate(&config, tell, &progress, &samples, err);
        progress_end(&progress);
    }
    if (status == STATUS_OK)
        status = fit_and_keep(given, &config, &samples, sizes, store, err);
    free(samples.sample);
    store_close(store);
    return status;
}

int cmd_calibrate(int argc, const char **argv)
{
    struct calibrate_options given = {
        .runtime = RUNTIME_OPTIONS_DEFAULT,
        .machine = MACHINE_OPTIONS_DEFAULT,
        .profile = PROFILE_OPTIONS_DEFAULT,
        .name = "here",
        .db = STORE_DEFAULT_PATH,
    };
    const struct option table[] = {
        RUNTIME_OPTIONS(&given.runtime),
        MACHINE_OPTIONS(&given.machine),
        { "name", 'n', OPTION_TEXT, &given.name, "NAME", "of the profile (here)" },
        { "out", 'o', OPTION_WRITES, &given.out, "PATH",
          "the folder of its files (calibration); of a profile: the file of coefficients" },
        { "db", 0, OPTION_WRITES, &given.db, "FILE",
          "where samples and fits go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep them in no database" },
        PROFILE_OPTIONS(&given.profile),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise calibrate",
        .usage = "[OPTION...]",
        .summary =
            "Measures this machine: prefill, decode, products, attention, copies, SSD. Writes a "
            "model and a\nserver that `reprise sim`, `run` and `validate` take. With "
            "--from-profile: fits coefficients to\nwhat others measured on a GPU, told by the "
            "tables' "
            "headings (Vidur's, aiconfigurator's, a plain CSV;\nalso gzip'd), and prints, as "
            "markdown, "
            "how well it predicts what was left out of the fit.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (given.profile.path != NULL)
            profile_options_run(&given.profile, given.out, &err);
        else
            run(&given, &err);
    }
    options_free(&options);
    return output_exit(&err);
}
