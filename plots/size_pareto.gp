# plots/size_pareto.gp - what each choice costs a month against the promised metric, with the promise as a line.
# In: $dots (a month, value, kept?, one step from the chosen?, chosen?, beyond the frame?), $front, front_rows,
# beyond, promise, promise_label, promise_below, x_name, y_name, chosen_name, x_* and y_* (ticks.h).
height = 540
load scripts.'/size_canvas.gp'
set title 'Cost against speed' font font.' Bold,'.(19 * scale)
set xlabel x_name noenhanced textcolor rgb ink
set ylabel y_name noenhanced textcolor rgb ink offset 0.5, 0
set xrange [x_low : x_high]
set yrange [y_low : y_high]
if (x_log) { set logscale x }
if (y_log) { set logscale y }
set xtics () noenhanced
do for [i = 1:x_count] { set xtics add (x_label[i] x_at[i]) }
set ytics () noenhanced
do for [i = 1:y_count] { set ytics add (y_label[i] y_at[i]) }
set lmargin at screen 0.19
set tmargin at screen 0.9
set rmargin at screen 0.96
set bmargin at screen 0.35
set key at screen 0.5, 0.015 center bottom horizontal maxcols 3 reverse Left noenhanced font font.small width -1 samplen 1
set arrow 1 from graph 0, first promise to graph 1, first promise nohead linecolor rgb colour_promise linewidth 2 dashtype 2
set label 1 promise_label at graph 0.98, first promise right noenhanced font font.small \
    textcolor rgb colour_promise offset 0, (promise_below ? -0.8 : 0.7) front
plot $front using 1:(front_rows > 0 ? $2 : NaN) with fsteps linewidth 1.5 linecolor rgb '#E69F00' \
         title (front_rows > 0 ? 'best trade-offs' : ''), \
     $dots using 1:($6 == 0 && $3 == 1 ? $2 : NaN) with points pointtype 7 pointsize 0.8 linecolor rgb colour_kept \
         title 'keeps all', \
     $dots using 1:($6 == 0 && $3 == 0 ? $2 : NaN) with points pointtype 7 pointsize 0.8 linecolor rgb colour_broken \
         title 'breaks one', \
     $dots using 1:($5 == 1 ? $2 : NaN) with points pointtype 12 pointsize 2 linewidth 2.5 linecolor rgb colour_chosen \
         title chosen_name, \
     $dots using 1:($6 == 0 && $4 == 1 ? $2 : NaN) with points pointtype 6 pointsize 1.4 linewidth 1.3 linecolor rgb ink \
         title 'one step away', \
     $dots using 1:($6 == 1 ? $2 : NaN) with points pointtype 8 pointsize 0.8 linecolor rgb '#8C8C8C' \
         title (beyond > 0 ? 'further out' : '')
