/* base/spread.c - see spread.h. */
#include "base/spread.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

enum { THREADS_MOST = 16 };

struct share {
    void (*part)(void *context, uint64_t begin, uint64_t end);
    void *context;
    uint64_t begin, end;
    pthread_t thread;
    bool started;
};

static void *run(void *argument)
{
    const struct share *share = argument;
    share->part(share->context, share->begin, share->end);
    return NULL;
}

static uint64_t thread_count(uint64_t count, uint64_t least)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = cores > 0 ? (uint64_t)cores : 1, wanted = count / (least > 0 ? least : 1);
    threads = threads < THREADS_MOST ? threads : THREADS_MOST;
    threads = threads < wanted ? threads : wanted;
    return threads > 0 ? threads : 1;
}

void spread(uint64_t count, uint64_t least,
            void (*part)(void *context, uint64_t begin, uint64_t end), void *context)
{
    struct share shares[THREADS_MOST];
    uint64_t threads = thread_count(count, least), each = (count + threads - 1) / threads;
    for (uint64_t i = 0; i < threads; i++) {
        uint64_t begin = i * each < count ? i * each : count;
        uint64_t end = count - begin < each ? count : begin + each;
        shares[i] = (struct share){ .part = part, .context = context, .begin = begin, .end = end };
        /* The last is the caller's own. */
        shares[i].started =
            i + 1 < threads && pthread_create(&shares[i].thread, NULL, run, &shares[i]) == 0;
        if (!shares[i].started && begin < end)
            run(&shares[i]);
    }
    for (uint64_t i = 0; i < threads; i++)
        if (shares[i].started)
            pthread_join(shares[i].thread, NULL);
}
