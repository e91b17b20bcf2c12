/* cli/explore/jobs.h - runs that people wait for. A job belongs to a page (a tab of the browser, which names
 * itself) and there to a slot, such as the left of two configurations that are compared: whoever asks for
 * another one there does not want the older any more, which then stops. Calls come from any thread; a job
 * runs in its caller's. */
#ifndef REPRISE_CLI_EXPLORE_JOBS_H
#define REPRISE_CLI_EXPLORE_JOBS_H

#include "base/choice.h"
#include "sim/sim.h"
#include "sweep/turn_log.h"

#include <stdbool.h>

/* a and b are set side by side; words compare them; turn is one turn's picture; cost is a map's next point; report is a
 * page to keep. */
#define JOB_SLOTS(X)                                                                               \
    X(SLOT_A, "a") X(SLOT_B, "b") X(SLOT_WORDS, "words") X(SLOT_TURN, "turn") X(SLOT_COST, "cost") X(SLOT_REPORT, "report")
enum job_slot { JOB_SLOTS(CHOICE_MEMBER) JOB_SLOT_COUNT };
extern const char *const job_slot_words[JOB_SLOT_COUNT + 1]; /* ended by NULL */

enum job_end {
    JOB_DONE,
    JOB_FAILED, /* err says why */
    JOB_STOPPED /* by a newer one, jobs_cancel() or jobs_stop(); or who asked for it has gone */
};

struct job_progress {
    bool running;
    uint64_t turns; /* so far */
    double share;   /* of the work, in [0, 1], as far as is known */
};

/* Whose job: the page's name is cut to JOB_PAGE_BYTES, its end included. */
enum { JOB_PAGE_BYTES = 24 };
struct job_place {
    char page[JOB_PAGE_BYTES];
    enum job_slot slot;
    bool (*is_gone)(const void *asker); /* whether nobody waits for it any more; NULL: cannot be told */
    const void *asker;
};

struct jobs;

struct jobs *jobs_new(void);
void jobs_free(struct jobs *jobs); /* no job is running; NULL is fine */

/* What is heard of a run beside its result; NULL members: nothing. */
struct job_heard {
    const struct watch *watch;
    struct turn_log *log; /* its measured turns */
};

/* Runs the experiment there; heard may be NULL. With JOB_DONE *result is the
 * caller's to sim_result_free(). */
enum job_end jobs_run(struct jobs *jobs, const struct job_place *place,
                      const struct experiment *experiment, const struct job_heard *heard,
                      struct sim_result *result, struct error *err);

/* Stops the job there, if there is one. */
void jobs_cancel(struct jobs *jobs, const struct job_place *place);
/* Stops all, and whatever is asked for from now on. */
void jobs_stop(struct jobs *jobs);

/* The newest job there. */
struct job_progress jobs_progress(struct jobs *jobs, const struct job_place *place);

#endif
