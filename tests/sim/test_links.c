/* tests/sim/test_links.c - bandwidth sharing: known answers, conservation, and a slow reference. */
#include "sim/links.h"

#include "base/random.h"
#include "tests/support.h"

#include <math.h>
#include <string.h>

#define GB UINT64_C(1000000000)

static struct links links_of(double read, double write, double h2d, double d2h, uint64_t latency_ns)
{
    struct links links;
    const double rates[LINK_COUNT] = { read, write, h2d, d2h };
    const uint64_t latencies[LINK_COUNT] = { latency_ns, latency_ns, latency_ns, latency_ns };
    links_init(&links, rates, latencies);
    return links;
}

/* Runs to the next end; returns its time, *user is who ended. UINT64_MAX: nothing ever ends. */
static uint64_t next_end(struct links *links, uint32_t *user)
{
    for (;;) {
        uint64_t now_ns = links_next_ns(links);
        if (now_ns == UINT64_MAX || links_step(links, now_ns, user))
            return now_ns;
    }
}

START_TEST(one_flow_takes_its_size_over_the_rate_after_the_latency)
{
    struct links links = links_of(5e9, 3e9, 26e9, 26e9, 1000);
    uint32_t user;
    links_start(&links, 500, LINK_BIT(LINK_H2D), 26 * GB, 7);
    ck_assert_uint_eq(next_end(&links, &user), 1000001500);
    ck_assert_uint_eq(user, 7);
    ck_assert_uint_eq(links_next_ns(&links), UINT64_MAX);
    ck_assert_double_eq(links_moved_bytes(&links, 1000001500, LINK_H2D), 26e9);
    links_free(&links);
}
END_TEST

START_TEST(two_flows_on_a_link_share_it_equally)
{
    struct links links = links_of(5e9, 3e9, 10e9, 10e9, 0);
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_H2D), 10 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_H2D), 20 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB); /* 10 GB each at 5 GB/s */
    ck_assert_uint_eq(user, 1);
    ck_assert_uint_eq(next_end(&links, &user), 3 * GB); /* the other 10 GB at 10 GB/s */
    ck_assert_uint_eq(user, 2);
    links_free(&links);
}
END_TEST

/* Two flows at a time for most of a year, so that their class is never empty: every third of a
 * flow's size one ends and another begins. The work served by then is more than a double tells to a
 * byte. */
START_TEST(a_link_that_never_rests_is_as_exact_at_the_end)
{
    struct links links = links_of(5e9, 3e9, 3e9, 10e9, 0);
    const uint64_t size_bytes = 3000 * GB + 6, between_ns = size_bytes / 3;
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_H2D), size_bytes / 2, 1);
    links_start(&links, 0, LINK_BIT(LINK_H2D), size_bytes, 2);
    for (uint64_t end = 1; end <= 30000; end++) {
        ck_assert_uint_eq(next_end(&links, &user), end * between_ns);
        ck_assert_uint_eq(user, end);
        links_start(&links, end * between_ns, LINK_BIT(LINK_H2D), size_bytes, (uint32_t)end + 2);
    }
    links_free(&links);
}
END_TEST

START_TEST(opposite_directions_do_not_disturb_each_other)
{
    struct links links = links_of(5e9, 3e9, 10e9, 10e9, 0);
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_H2D), 10 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_D2H), 10 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    links_free(&links);
}
END_TEST

/* 50 a way, 80 together: 40 each while both are busy, then 50 for what is left of the longer. */
START_TEST(directions_that_share_a_total_have_half_of_it_each_while_both_are_busy)
{
    struct links links = links_of(5e9, 3e9, 50e9, 50e9, 0);
    uint32_t user;
    links_share(&links, PAIR_PCIE, 80e9);
    links_start(&links, 0, LINK_BIT(LINK_H2D), 40 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_D2H), 90 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 1);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    links_free(&links);
}
END_TEST

/* Saves over SSD are held to 10 by it; the load has all that they leave of 50: 40 of its own 45. */
START_TEST(what_one_direction_does_not_use_of_the_total_is_the_others)
{
    struct links links = links_of(5e9, 10e9, 45e9, 45e9, 0);
    uint32_t user;
    links_share(&links, PAIR_PCIE, 50e9);
    links_start(&links, 0, LINK_BIT(LINK_D2H) | LINK_BIT(LINK_SSD_WRITE), 20 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_H2D), 40 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 2);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    links_free(&links);
}
END_TEST

/* A disk of 3 each way and 4 together: 2 each, and 3 for what is left to read. */
START_TEST(reads_and_writes_of_a_disk_share_what_it_moves_together)
{
    struct links links = links_of(3e9, 3e9, 50e9, 50e9, 0);
    uint32_t user;
    links_share(&links, PAIR_SSD, 4e9);
    links_start(&links, 0, LINK_BIT(LINK_SSD_WRITE), 2 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ), 5 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 1);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    links_free(&links);
}
END_TEST

/* A disk that reads 2 or writes 4, and 3 in all when it does both: 1.5 each for the 3 that are
 * read, which takes 2 s; before and after, what is written has all of its 4. */
START_TEST(a_total_below_one_directions_own_rate_holds_only_while_both_move)
{
    struct links links = links_of(2e9, 4e9, 50e9, 50e9, 0);
    uint32_t user;
    links_share(&links, PAIR_SSD, 3e9);
    links_start(&links, 0, LINK_BIT(LINK_SSD_WRITE), 4 * GB, 1);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    links_start(&links, 1 * GB, LINK_BIT(LINK_SSD_WRITE), 7 * GB, 2);
    links_start(&links, 1 * GB, LINK_BIT(LINK_SSD_READ), 3 * GB, 3);
    ck_assert_uint_eq(next_end(&links, &user), 3 * GB);
    ck_assert_uint_eq(user, 3);
    ck_assert_uint_eq(next_end(&links, &user), 4 * GB);
    links_free(&links);
}
END_TEST

/* Three flows over the disk have 2 of its 6 each, though two of them read; the one that goes on
 * over PCIe (10, with a save 9 together) leaves the save 7. */
START_TEST(each_pair_bounds_its_own_links_and_flows_over_both_take_of_both)
{
    struct links links = links_of(5e9, 5e9, 10e9, 10e9, 0);
    uint32_t user;
    links_share(&links, PAIR_SSD, 6e9);
    links_share(&links, PAIR_PCIE, 9e9);
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_H2D), 4 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ), 4 * GB, 2);
    links_start(&links, 0, LINK_BIT(LINK_SSD_WRITE), 4 * GB, 3);
    links_start(&links, 0, LINK_BIT(LINK_D2H), 7 * GB, 4);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 4);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    links_free(&links);
}
END_TEST

/* Max-min: SSD (4) is shared by two, so each gets 2; the two-hop flow takes 2 of H2D's 10, and the
 * flow over H2D alone all the other 8, not the 5 of an equal split. */
START_TEST(what_a_slow_link_leaves_of_a_fast_one_goes_to_others)
{
    struct links links = links_of(4e9, 3e9, 10e9, 10e9, 0);
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_H2D), 4 * GB, 1);
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ), 4 * GB, 2);
    links_start(&links, 0, LINK_BIT(LINK_H2D), 8 * GB, 3);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 3);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    ck_assert_uint_eq(next_end(&links, &user), 2 * GB);
    links_free(&links);
}
END_TEST

START_TEST(a_link_of_rate_zero_ends_nothing_and_others_go_on)
{
    struct links links = links_of(0.0, 3e9, 10e9, 10e9, 0);
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_SSD_READ), 1, 1);
    links_start(&links, 0, LINK_BIT(LINK_H2D), 10 * GB, 2);
    ck_assert_uint_eq(next_end(&links, &user), 1 * GB);
    ck_assert_uint_eq(user, 2);
    ck_assert_uint_eq(next_end(&links, &user), UINT64_MAX);
    links_free(&links);
}
END_TEST

START_TEST(a_flow_of_no_bytes_ends_when_its_latency_does)
{
    struct links links = links_of(5e9, 3e9, 10e9, 10e9, 250);
    uint32_t user;
    links_start(&links, 0, LINK_BIT(LINK_H2D), 0, 9);
    ck_assert_uint_eq(next_end(&links, &user), 250);
    ck_assert_uint_eq(user, 9);
    links_free(&links);
}
END_TEST

/* ---- a slow model: flow by flow, the max-min rates anew at every change ---- */

enum { FLOWS = 40 };

struct slow_flow {
    double left_bytes, rate;
    uint64_t begin_ns;
    uint32_t mask;
    bool done;
};

static bool moves(const struct slow_flow *flow, double now_ns)
{
    return !flow->done && (double)flow->begin_ns <= now_ns;
}

/* The links, and behind them both directions of the disk together, and of PCIe. */
enum { SSD_BOTH = LINK_COUNT, PCIE_BOTH, ROOMS };

static bool takes(const struct slow_flow *flow, int room)
{
    if (room == SSD_BOTH)
        return (flow->mask & (LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_SSD_WRITE))) != 0;
    if (room == PCIE_BOTH)
        return (flow->mask & (LINK_BIT(LINK_H2D) | LINK_BIT(LINK_D2H))) != 0;
    return (flow->mask & LINK_BIT(room)) != 0;
}

static void slow_rates(struct slow_flow *flows, int count, const double rates[ROOMS], double now_ns)
{
    double left[ROOMS];
    bool frozen[FLOWS] = { false };
    memcpy(left, rates, sizeof left);
    for (int pair = 0; pair < 2; pair++) { /* bounds what moves both ways */
        static const enum link ways[2][2] = { { LINK_SSD_READ, LINK_SSD_WRITE },
                                              { LINK_H2D, LINK_D2H } };
        int users[2] = { 0 };
        for (int f = 0; f < count; f++)
            for (int way = 0; way < 2; way++)
                users[way] += moves(&flows[f], now_ns) && takes(&flows[f], (int)ways[pair][way]);
        if (users[0] == 0 || users[1] == 0)
            left[LINK_COUNT + pair] = INFINITY;
    }
    for (;;) {
        int users[ROOMS] = { 0 }, tight = -1;
        for (int f = 0; f < count; f++)
            for (int r = 0; r < ROOMS; r++)
                users[r] += moves(&flows[f], now_ns) && !frozen[f] && takes(&flows[f], r);
        for (int r = 0; r < ROOMS; r++)
            if (users[r] > 0 && (tight < 0 || left[r] / users[r] < left[tight] / users[tight]))
                tight = r;
        if (tight < 0)
            return;
        double share = left[tight] / users[tight];
        for (int f = 0; f < count; f++) {
            if (!moves(&flows[f], now_ns) || frozen[f] || !takes(&flows[f], tight))
                continue;
            frozen[f] = true;
            flows[f].rate = share / 1e9;
            for (int r = 0; r < ROOMS; r++)
                if (takes(&flows[f], r))
                    left[r] -= share;
        }
    }
}

/* When each flow ends, in ns. */
static void slow_ends(struct slow_flow *flows, int count, const double rates[ROOMS],
                      double ends_ns[])
{
    double now_ns = 0.0;
    for (;;) {
        slow_rates(flows, count, rates, now_ns);
        double next_ns = INFINITY;
        for (int f = 0; f < count; f++) {
            if (!flows[f].done && (double)flows[f].begin_ns > now_ns)
                next_ns = fmin(next_ns, (double)flows[f].begin_ns);
            if (moves(&flows[f], now_ns))
                next_ns = fmin(next_ns, now_ns + flows[f].left_bytes / flows[f].rate);
        }
        if (isinf(next_ns))
            return;
        for (int f = 0; f < count; f++) {
            if (!moves(&flows[f], now_ns))
                continue;
            flows[f].left_bytes -= flows[f].rate * (next_ns - now_ns);
            if (flows[f].left_bytes < 1e-3) {
                flows[f].done = true;
                ends_ns[f] = next_ns;
            }
        }
        now_ns = next_ns;
    }
}

START_TEST(any_flows_agree_with_the_slow_model_and_every_byte_is_counted)
{
    const uint64_t seed = test_seed() + (uint64_t)_i;
    struct random random = random_from(seed, 0);
    /* The directions of PCIe share a total every other time, those of the disk two of four. */
    double pcie_both = _i % 2 ? 31.7e9 : INFINITY, ssd_both = _i / 2 % 2 ? 4.1e9 : INFINITY;
    const double rates[ROOMS] = { 4.7e9, 3.1e9, 27.3e9, 25.9e9, [SSD_BOTH] = ssd_both, pcie_both };
    const uint64_t latencies[LINK_COUNT] = { 90000, 80000, 9000, 9000 };
    static const uint32_t masks[] = { 1, 2, 4, 8, 1 | 4, 2 | 8 };
    struct slow_flow slow[FLOWS] = { 0 };
    uint64_t starts_ns[FLOWS], sizes[FLOWS], ended[FLOWS] = { 0 };
    double ends_ns[FLOWS] = { 0 }, crossed[LINK_COUNT] = { 0 };
    uint64_t start_ns = 0;
    for (int f = 0; f < FLOWS; f++) {
        start_ns += random_below(&random, 60000000);
        starts_ns[f] = start_ns;
        sizes[f] = 1 + random_below(&random, 2 * GB);
        slow[f].mask = masks[random_below(&random, 6)];
        slow[f].left_bytes = (double)sizes[f];
        uint64_t latency_ns = slow[f].mask & 1 ? 90000 : slow[f].mask & 2 ? 80000 : 9000;
        slow[f].begin_ns = start_ns + latency_ns;
        for (int l = 0; l < LINK_COUNT; l++)
            crossed[l] += slow[f].mask >> l & 1 ? (double)sizes[f] : 0.0;
    }
    struct links links;
    links_init(&links, rates, latencies);
    links_share(&links, PAIR_PCIE, _i % 2 ? pcie_both : 0.0);
    links_share(&links, PAIR_SSD, _i / 2 % 2 ? ssd_both : 0.0);
    uint32_t user, count = 0;
    for (int f = 0; f <= FLOWS; f++) {
        uint64_t until_ns = f < FLOWS ? starts_ns[f] : UINT64_MAX - 1, at_ns;
        while ((at_ns = links_next_ns(&links)) <= until_ns)
            while (links_step(&links, at_ns, &user)) {
                ended[user] = at_ns;
                count++;
            }
        if (f < FLOWS)
            links_start(&links, starts_ns[f], slow[f].mask, sizes[f], (uint32_t)f);
    }
    slow_ends(slow, FLOWS, rates, ends_ns);
    ck_assert_uint_eq(count, FLOWS);
    for (int f = 0; f < FLOWS; f++)
        ck_assert_msg(fabs((double)ended[f] - ends_ns[f]) <= FLOWS + 1e-9 * ends_ns[f],
                      "seed %llu, flow %d: %llu against %.1f", (unsigned long long)seed, f,
                      (unsigned long long)ended[f], ends_ns[f]);
    for (int l = 0; l < LINK_COUNT; l++)
        ck_assert_double_eq(links_moved_bytes(&links, ended[FLOWS - 1], (enum link)l), crossed[l]);
    links_free(&links);
}
END_TEST

START_TEST(progress_grows_from_nothing_to_all)
{
    struct links links = links_of(5e9, 3e9, 10e9, 10e9, 100);
    uint32_t flow = links_start(&links, 0, LINK_BIT(LINK_H2D), 10 * GB, 1), user;
    ck_assert_double_eq(links_done_bytes(&links, 50, flow), 0.0);
    ck_assert(!links_step(&links, 100, &user));
    ck_assert_double_eq_tol(links_done_bytes(&links, 100 + GB / 4, flow), 2.5e9, 1.0);
    ck_assert_double_eq_tol(links_done_bytes(&links, 100 + GB, flow), 10e9, 1.0);
    links_free(&links);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("links");
    TCase *tcase = tcase_create("sharing");
    tcase_add_test(tcase, one_flow_takes_its_size_over_the_rate_after_the_latency);
    tcase_add_test(tcase, two_flows_on_a_link_share_it_equally);
    tcase_add_test(tcase, a_link_that_never_rests_is_as_exact_at_the_end);
    tcase_add_test(tcase, opposite_directions_do_not_disturb_each_other);
    tcase_add_test(tcase, directions_that_share_a_total_have_half_of_it_each_while_both_are_busy);
    tcase_add_test(tcase, what_one_direction_does_not_use_of_the_total_is_the_others);
    tcase_add_test(tcase, reads_and_writes_of_a_disk_share_what_it_moves_together);
    tcase_add_test(tcase, a_total_below_one_directions_own_rate_holds_only_while_both_move);
    tcase_add_test(tcase, each_pair_bounds_its_own_links_and_flows_over_both_take_of_both);
    tcase_add_test(tcase, what_a_slow_link_leaves_of_a_fast_one_goes_to_others);
    tcase_add_test(tcase, a_link_of_rate_zero_ends_nothing_and_others_go_on);
    tcase_add_test(tcase, a_flow_of_no_bytes_ends_when_its_latency_does);
    tcase_add_loop_test(tcase, any_flows_agree_with_the_slow_model_and_every_byte_is_counted, 0,
                        50);
    tcase_add_test(tcase, progress_grows_from_nothing_to_all);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
