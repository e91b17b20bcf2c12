/* plots/size_pictures.c - see size_pictures.h. What is shown is gathered and written here, drawing
 * is size_*.gp's. */
#include "plots/size_pictures.h"

#include "plots/gnuplot_text.h"
#include "plots/html.h"
#include "plots/picture.h"
#include "plots/size_terms.h"
#include "plots/ticks.h"
#include "plots/workshop.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Beyond so many times the promise, or the point, dots stand at the picture's edge: else servers
 * that hopelessly fail would press all that matters into a corner. */
#define SLOWEST_SHOWN 2.0
#define DEAREST_SHOWN 2.2

#define PLACES_MOST 64
#define LABELLED_MOST 10 /* more values than that would overlap */
#define HEAT_MOST 10     /* places on either axis, for the same reason */

/* ---- common ---- */

static double shown_value(const struct size_scene *scene, const struct size_value *value)
{
    if (value == NULL || value->state != SIZE_RUN)
        return NAN;
    double shown = metric_value(&value->metrics, size_shown_promise(scene->question)->metric);
    return isfinite(shown) ? shown : NAN;
}

static void put_promise(FILE *out, const struct size_scene *scene)
{
    const struct promise *promise = size_shown_promise(scene->question);
    char text[96], limit[64], title[64];
    snprintf(text, sizeof text, "promised: %s", size_limit_words(promise, limit, sizeof limit));
    gnuplot_put_variable(out, "promise_label", text);
    gnuplot_put_variable(out, "y_name", size_metric_title(promise->metric, title, sizeof title));
    fprintf(out, "promise = %.9g\npromise_below = %d\n", promise->limit, promise->at_least);
}

/* ---- a number of places side by side ---- */

struct place {
    char name[24];
    double value; /* of the shown metric */
    bool kept, chosen;
};
struct places {
    const struct size_scene *scene;
    const char *title, *x_name;
    struct place place[PLACES_MOST];
    uint32_t count;
};

static void add_place(struct places *places, const char *name, const struct size_value *value,
                      bool chosen)
{
    double shown = shown_value(places->scene, value);
    if (isnan(shown) || places->count == PLACES_MOST)
        return;
    struct place *place = &places->place[places->count++];
    *place = (struct place){ .value = shown, .kept = value->violation <= 1.0, .chosen = chosen };
    snprintf(place->name, sizeof place->name, "%s", name);
}

static void put_places(FILE *out, const void *data)
{
    const struct places *places = data;
    const struct promise *promise = size_shown_promise(places->scene->question);
    double least = promise->limit, most = promise->limit;
    put_promise(out, places->scene);
    gnuplot_put_variable(out, "picture_title", places->title);
    gnuplot_put_variable(out, "x_name", places->x_name);
    fprintf(out, "places = %" PRIu32 "\narray place_name[%d]\narray place_text[%d]\n",
            places->count, PLACES_MOST, PLACES_MOST);
    fputs("$places << END\n", out);
    for (uint32_t i = 0; i < places->count; i++) {
        const struct place *place = &places->place[i];
        fprintf(out, "%" PRIu32 " %.9g %d %d\n", i + 1, place->value, place->kept, place->chosen);
        least = fmin(least, place->value);
        most = fmax(most, place->value);
    }
    fputs("END\n", out);
    for (uint32_t i = 0; i < places->count; i++) {
        char name[32], shown[64] = "";
        if (places->count <= LABELLED_MOST)
            metric_show(promise->metric, places->place[i].value, shown, sizeof shown);
        snprintf(name, sizeof name, "place_name[%" PRIu32 "]", i + 1);
        ticks_put_label(out, name, places->place[i].name);
        snprintf(name, sizeof name, "place_text[%" PRIu32 "]", i + 1);
        gnuplot_put_variable(out, name, shown);
    }
    /* Room for the values beside the dots. */
    struct ticks ticks = ticks_make(ticks_kind(promise->metric), least / 1.6, most * 1.15, true);
    ticks_write(out, "y", &ticks);
}

static void gather_loads(struct places *places)
{
    static const char *const names[SIZE_LOADS] = { "half", "as asked", "twice" };
    const struct size_result *result = places->scene->result;
    places->title = "The same servers under other loads";
    places->x_name = "load";
    for (int i = 0; i < SIZE_LOADS; i++)
        if (result->loads[i].run)
            add_place(places, names[i], &result->loads[i].same, i == 1);
}

static void gather_servers(struct places *places)
{
    const struct size_answer *answer = &places->scene->result->answer;
    const struct size_space *space = answer->space;
    uint32_t axis = size_space_axis(space, "cluster.replicas"), chosen = places->scene->point;
    places->title = "More or fewer of these servers";
    places->x_name = "servers";
    for (uint32_t v = 0; axis != SIZE_NONE && v < space->axes[axis].count; v++) {
        uint32_t point = size_space_moved(space, chosen, axis, v);
        char name[24];
        if (size_whole(answer, point) == NULL)
            continue;
        snprintf(name, sizeof name, "%" PRIu32, size_point(answer, point)->bought.servers);
        add_place(places, name, size_whole(answer, point), point == chosen);
    }
}

/* ---- cost against speed ---- */

static bool is_neighbour(const struct size_space *space, uint32_t point, uint32_t other)
{
    uint32_t steps = size_space_kv(space, point) != size_space_kv(space, other);
    for (uint32_t a = 0; a < space->axis_count; a++)
        steps += size_space_place(space, point, a) != size_space_place(space, other, a);
    return steps == 1;
}

static double month_of(const struct size_answer *answer, uint32_t point)
{
    return size_whole(answer, point)->bill.usd_per_month * size_prices(answer)->per_usd;
}

/* Whether the point is a dot. */
static bool has_dot(const struct size_scene *scene, uint32_t point)
{
    const struct size_value *value = size_whole(&scene->result->answer, point);
    double shown = shown_value(scene, value);
    return !isnan(shown) && isfinite(value->bill.usd_per_month) && shown > 0.0;
}

struct frame {
    double x_least, x_most, y_least, y_most;
};

static struct frame frame_of(const struct size_scene *scene)
{
    const struct size_answer *answer = &scene->result->answer;
    const struct promise *promise = size_shown_promise(scene->question);
    double chosen = shown_value(scene, size_whole(answer, scene->point));
    double month = month_of(answer, scene->point);
    double slowest = promise->at_least
                         ? INFINITY
                         : SLOWEST_SHOWN * fmax(promise->limit, isnan(chosen) ? 0.0 : chosen);
    struct frame frame = { month, month, promise->limit, promise->limit };
    for (uint32_t i = 0; i < answer->space->count; i++) {
        if (!has_dot(scene, i))
            continue;
        double x = fmin(month_of(answer, i), DEAREST_SHOWN * month);
        double y = fmin(shown_value(scene, size_whole(answer, i)), slowest);
        frame.x_least = fmin(frame.x_least, x);
        frame.x_most = fmax(frame.x_most, x);
        frame.y_least = fmin(frame.y_least, y);
        frame.y_most = fmax(frame.y_most, y);
    }
    return frame;
}

/* Rows: a month, the metric, whether the promises are kept, a neighbour, the point itself, beyond
 * the frame. */
static uint32_t put_dots(FILE *out, const struct size_scene *scene, const struct frame *frame)
{
    const struct size_answer *answer = &scene->result->answer;
    uint32_t beyond = 0;
    fputs("$dots << END\n", out);
    for (uint32_t i = 0; i < answer->space->count; i++) {
        if (!has_dot(scene, i))
            continue;
        double x = month_of(answer, i), y = shown_value(scene, size_whole(answer, i));
        bool outside = x > frame->x_most || y > frame->y_most;
        beyond += outside;
        fprintf(out, "%.9g %.9g %d %d %d %d\n", fmin(x, frame->x_most), fmin(y, frame->y_most),
                size_whole(answer, i)->violation <= 1.0,
                is_neighbour(answer->space, scene->point, i), i == scene->point, outside);
    }
    fputs("END\n", out);
    return beyond;
}

/* The front is kept of TTFT P99 only. */
static void put_front(FILE *out, const struct size_scene *scene, const struct frame *frame)
{
    const struct size_answer *answer = &scene->result->answer;
    bool known =
        strcmp(metric_rows[size_shown_promise(scene->question)->metric].name, "ttft_p99_ns") == 0;
    uint32_t rows = 0;
    fputs("$front << END\n", out);
    for (uint32_t i = 0; known && i < answer->front_count; i++) {
        uint32_t point = answer->front[i];
        if (!has_dot(scene, point) || month_of(answer, point) > frame->x_most)
            continue;
        fprintf(out, "%.9g %.9g\n", month_of(answer, point),
                fmin(shown_value(scene, size_whole(answer, point)), frame->y_most));
        rows++;
    }
    fprintf(out, "END\nfront_rows = %" PRIu32 "\n", rows);
}

static void put_pareto(FILE *out, const void *data)
{
    const struct size_scene *scene = data;
    const struct size_answer *answer = &scene->result->answer;
    struct frame frame = frame_of(scene);
    char text[128];
    put_promise(out, scene);
    uint32_t beyond = put_dots(out, scene, &frame);
    put_front(out, scene, &frame);
    fprintf(out, "beyond = %" PRIu32 "\n", beyond);
    gnuplot_put_variable(
        out, "x_name",
        size_objective_words(OBJECTIVE_USD_PER_MONTH, size_prices(answer), text, sizeof text));
    gnuplot_put_variable(out, "chosen_name",
                         answer->best != SIZE_NONE ? "recommended" : "the nearest");
    struct ticks x = ticks_make(TICK_PLAIN, frame.x_least, frame.x_most, false);
    struct ticks y = ticks_make(ticks_kind(size_shown_promise(scene->question)->metric),
                                frame.y_least, frame.y_most, false);
    ticks_write(out, "x", &x);
    ticks_write(out, "y", &y);
}

/* ---- prices ---- */

static void put_prices(FILE *out, const void *data)
{
    const struct size_scene *scene = data;
    const struct size_answer *answer = &scene->result->answer;
    struct size_sensitivity list[SIZE_SENSITIVITIES];
    double now = size_whole(answer, answer->best)->objective, most = 1.0;
    char text[128];
    size_sensitivities(scene->question, answer, list);
    gnuplot_put_variable(
        out, "x_name",
        size_objective_words(scene->question->objective, size_prices(answer), text, sizeof text));
    fprintf(out, "prices = %d\narray price_name[%d]\n$prices << END\n", SIZE_SENSITIVITIES,
            SIZE_SENSITIVITIES);
    for (int i = 0; i < SIZE_SENSITIVITIES; i++) {
        double low = 100.0 * (list[i].objective_low / now - 1.0);
        double high = 100.0 * (list[i].objective_high / now - 1.0);
        fprintf(out, "%d %.9g %.9g\n", SIZE_SENSITIVITIES - i, low, high);
        most = fmax(most, fmax(fabs(low), fabs(high)));
    }
    fprintf(out, "END\nchange_most = %.9g\n", most);
    for (int i = 0; i < SIZE_SENSITIVITIES; i++) {
        char name[32];
        snprintf(name, sizeof name, "price_name[%d]", SIZE_SENSITIVITIES - i);
        ticks_put_label(out, name, list[i].what);
    }
    fprintf(out, "change_low = %.9g\nchange_high = %.9g\n", 100.0 * (list[0].low - 1.0),
            100.0 * (list[0].high - 1.0));
}

/* ---- DRAM and SSD ---- */

struct heat {
    const struct size_scene *scene;
    uint32_t x, y; /* axes */
    uint32_t x_count, y_count;
    uint32_t point[HEAT_MOST][HEAT_MOST]; /* [y][x] */
};

/* false: not every cell was run. */
static bool gather_heat(const struct size_scene *scene, struct heat *heat)
{
    const struct size_answer *answer = &scene->result->answer;
    struct size_space *space = answer->space;
    *heat = (struct heat){ .scene = scene,
                           .x = size_space_axis(space, "tiers.dram.capacity"),
                           .y = size_space_axis(space, "ssd.drives") };
    if (heat->y == SIZE_NONE)
        heat->y = size_space_axis(space, "tiers.ssd.capacity");
    if (heat->x == SIZE_NONE || heat->y == SIZE_NONE ||
        size_space_kv(space, scene->point) != SIZE_KV_KEPT)
        return false;
    heat->x_count = space->axes[heat->x].count;
    heat->y_count = space->axes[heat->y].count;
    if (heat->x_count < 2 || heat->y_count < 2 || heat->x_count > HEAT_MOST ||
        heat->y_count > HEAT_MOST)
        return false;
    for (uint32_t y = 0; y < heat->y_count; y++)
        for (uint32_t x = 0; x < heat->x_count; x++) {
            struct error none = { 0 };
            uint32_t at = size_space_moved(space, size_space_moved(space, scene->point, heat->x, x),
                                           heat->y, y);
            /* Without any storage, it is the point that stands for all such. */
            if (size_space_canonical(space, at, &heat->point[y][x], &none) != STATUS_OK ||
                isnan(shown_value(scene, size_whole(answer, heat->point[y][x]))))
                return false;
        }
    return true;
}

static void put_places_of(FILE *out, const struct size_space *space, uint32_t axis,
                          const char *name)
{
    fprintf(out, "array %s_label[%d]\n", name, HEAT_MOST);
    for (uint32_t v = 0; v < space->axes[axis].count; v++) {
        char variable[32], shown[CONFIG_TEXT_BYTES];
        snprintf(variable, sizeof variable, "%s_label[%" PRIu32 "]", name, v + 1);
        axis_show(space->axes[axis].row, space->axes[axis].value[v], shown, sizeof shown);
        ticks_put_label(out, variable, shown);
    }
}

static void put_heat(FILE *out, const void *data)
{
    const struct heat *heat = data;
    const struct size_scene *scene = heat->scene;
    const struct size_answer *answer = &scene->result->answer;
    const struct promise *promise = size_shown_promise(scene->question);
    char money[128], text[192], shown[64];
    put_promise(out, scene);
    fprintf(out, "x_count = %" PRIu32 "\ny_count = %" PRIu32 "\n", heat->x_count, heat->y_count);
    put_places_of(out, answer->space, heat->x, "x");
    put_places_of(out, answer->space, heat->y, "y");
    gnuplot_put_variable(out, "heat_y_name", size_short_key(answer->space->axes[heat->y].key));
    size_objective_words(OBJECTIVE_USD_PER_MONTH, size_prices(answer), money, sizeof money);
    snprintf(text, sizeof text, "%s and %s",
             size_metric_title(promise->metric, shown, sizeof shown), money);
    gnuplot_put_variable(out, "picture_title", text);
    fputs("array cell_value[100]\narray cell_text[100]\narray cell_sum[100]\narray cell_kept[100]\n"
          "chosen_x = 0\nchosen_y = 0\n",
          out);
    for (uint32_t y = 0; y < heat->y_count; y++)
        for (uint32_t x = 0; x < heat->x_count; x++) {
            uint32_t cell = y * heat->x_count + x + 1, point = heat->point[y][x];
            const struct size_value *value = size_whole(answer, point);
            double of_promise = promise_violation(promise, &value->metrics);
            char name[32];
            fprintf(out, "cell_value[%" PRIu32 "] = %.9g\ncell_kept[%" PRIu32 "] = %d\n", cell,
                    log2(fmin(fmax(of_promise, 1e-3), 1e3)), cell, value->violation <= 1.0);
            snprintf(name, sizeof name, "cell_text[%" PRIu32 "]", cell);
            gnuplot_put_variable(
                out, name,
                metric_show(promise->metric, shown_value(scene, value), shown, sizeof shown));
            snprintf(name, sizeof name, "cell_sum[%" PRIu32 "]", cell);
            gnuplot_put_variable(out, name,
                                 size_money_bare(size_prices(answer), value->bill.usd_per_month,
                                                 shown, sizeof shown));
            if (point == scene->point)
                fprintf(out, "chosen_x = %" PRIu32 "\nchosen_y = %" PRIu32 "\n", x + 1, y + 1);
        }
}

/* ---- figures ---- */

static enum status figure(FILE *out, const struct size_scene *scene, enum size_picture picture,
                          const char *page, void (*put)(FILE *out, const void *data),
                          const void *data, const char *caption, struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%d.svg", scene->folder, (int)picture);
    enum status status = picture_draw("--report", path, page, put, data, err);
    if (status != STATUS_OK)
        return status;
    fputs("<figure>", out);
    status = html_svg(out, path, (uint32_t)picture + 1, err);
    fputs("<figcaption>", out);
    html_text(out, caption);
    fputs("</figcaption></figure>\n", out);
    unlink(path);
    return status;
}

static enum status write_places(FILE *out, const struct size_scene *scene,
                                enum size_picture picture, struct error *err)
{
    struct places places = { .scene = scene };
    bool loads = picture == SIZE_PICTURE_LOADS;
    (loads ? gather_loads : gather_servers)(&places);
    if (places.count < 2)
        return STATUS_OK;
    return figure(out, scene, picture, "size_places.gp", put_places, &places,
                  loads ? "The servers of above, unchanged, with half and twice the requests."
                        : "All else as in the servers of above. Numbers that were not simulated "
                          "are left out.",
                  err);
}

enum status size_picture_write(FILE *out, const struct size_scene *scene, enum size_picture picture,
                               struct error *err)
{
    struct heat heat;
    switch (picture) {
    case SIZE_PICTURE_LOADS:
    case SIZE_PICTURE_SERVERS:
        return write_places(out, scene, picture, err);
    case SIZE_PICTURE_PARETO:
        if (!has_dot(scene, scene->point))
            return STATUS_OK;
        return figure(out, scene, picture, "size_pareto.gp", put_pareto, scene,
                      size_shown_promise(scene->question)->at_least
                          ? "A dot is a choice of servers that was simulated on the whole load: "
                            "further left is cheaper, further up is better. Triangles at the edge "
                            "are further out than the picture."
                          : "A dot is a choice of servers that was simulated on the whole load: "
                            "further left is cheaper, further down is faster. Triangles at the "
                            "edge are further out than the picture.",
                      err);
    case SIZE_PICTURE_PRICES:
        if (scene->result->answer.best == SIZE_NONE)
            return STATUS_OK;
        return figure(out, scene, picture, "size_prices.gp", put_prices, scene,
                      "What the recommended servers cost when one price is 30 % lower or higher.",
                      err);
    case SIZE_PICTURE_HEAT:
        if (!gather_heat(scene, &heat))
            return STATUS_OK;
        return figure(out, scene, picture, "size_heat.gp", put_heat, &heat,
                      "The recommended servers with more or less storage. Blue is better than "
                      "promised, red is worse; crossed out is what breaks a promise, or wears its "
                      "drives out.",
                      err);
    case SIZE_PICTURES:
        break;
    }
    return STATUS_OK;
}
