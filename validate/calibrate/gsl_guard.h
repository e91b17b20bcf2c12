/* validate/calibrate/gsl_guard.h - what GSL does where it fails: by itself it would abort(). Private to its folder. */
#ifndef REPRISE_VALIDATE_CALIBRATE_GSL_GUARD_H
#define REPRISE_VALIDATE_CALIBRATE_GSL_GUARD_H

/* From here on the end of memory is memory_exhausted(), and any other failure a status that its caller gets. */
void gsl_guard(void);

#endif
