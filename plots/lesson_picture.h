/* plots/lesson_picture.h - a lesson's picture: one diagram below the other, a curve for each way to
 * run it. Small, with large letters: it is read on phones too. */
#ifndef REPRISE_PLOTS_LESSON_PICTURE_H
#define REPRISE_PLOTS_LESSON_PICTURE_H

#include "sweep/lessons/lesson.h"

/* Draws a lesson that was run into path, PNG or SVG as its name ends. STATUS_INPUT: another ending;
 * STATUS_IO: gnuplot or the file. */
enum status lesson_picture_draw(const struct lesson *lesson, const char *path, struct error *err);

/* Draws the turn that the lesson shows, where lesson_shows_turn(), likewise: layer by layer, a panel for each of its
 * runs, which are simulated again for that. */
enum status lesson_turn_draw(const struct lesson *lesson, const char *path, struct error *err);

#endif
