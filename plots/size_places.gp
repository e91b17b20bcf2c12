# plots/size_places.gp - the promised metric at a few places side by side, with the promise as a line.
# In: picture_title, x_name, y_name, places, place_name[], place_text[], $places (place, value, kept?, chosen?),
# promise, promise_label, promise_below (1: it is to be at least that), y_* (ticks.h).
height = 430
load scripts.'/size_canvas.gp'
set title picture_title font font.' Bold,'.(19 * scale)
set xlabel x_name noenhanced textcolor rgb ink
set ylabel y_name noenhanced textcolor rgb ink offset 0.5, 0
set xrange [0.4 : places + 0.6]
set yrange [y_low : y_high]
if (y_log) { set logscale y }
set xtics () noenhanced
do for [i = 1:places] { set xtics add (place_name[i] i) }
set ytics () noenhanced
do for [i = 1:y_count] { set ytics add (y_label[i] y_at[i]) }
set grid noxtics
set key off
set tmargin at screen 0.88
set bars 0
# The line's label has the side of the line where the promise is broken, values the other, but for those far
# beyond.
far(v) = promise_below ? v < 0.8 * promise : v > 1.3 * promise
do for [i = 1:places] {
    value = real(word($places[i], 2))
    set label 10 + i place_text[i] at first i, first value center offset 0, (far(value) == promise_below ? -0.9 : 0.9) \
        noenhanced font font.small textcolor rgb ink front
}
# The line's label stands where the promise is kept along x, on the side of the line where it is broken: there are
# no dots.
falling = real(word($places[1], 2)) > real(word($places[places], 2))
at_left = falling == promise_below
set arrow 1 from graph 0, first promise to graph 1, first promise nohead linecolor rgb colour_promise linewidth 2 dashtype 2
set label 1 promise_label at graph (at_left ? 0.02 : 0.98), first promise noenhanced font font.small \
    textcolor rgb colour_promise offset 0, (promise_below ? -0.9 : 0.9) front
if (at_left) { set label 1 left } else { set label 1 right }
plot $places using 1:2 with lines linewidth 1.5 linecolor rgb '#8C8C8C' notitle, \
     $places using 1:($3 == 0 ? $2 : NaN) with points pointtype 7 pointsize 1.2 linecolor rgb colour_broken notitle, \
     $places using 1:($3 == 1 ? $2 : NaN) with points pointtype 7 pointsize 1.2 linecolor rgb colour_kept notitle, \
     $places using 1:($4 == 1 ? $2 : NaN) with points pointtype 6 pointsize 2 linewidth 2 linecolor rgb colour_chosen notitle
