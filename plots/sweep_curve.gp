# plots/sweep_curve.gp - one metric along the sweep's longest axis, a line for each value of another one.
# In: picture_name, curves, curve_name[], x_name, x_tics_label[], x_tics_count, x_tics_aslant, series_name, fixed, grid (0: samples, dots over numbers),
# $curve_i: x, hit rate in percent, TTFT P99 in seconds, dollars a million tokens.
column_drawn = picture_name eq 'sweep_hits' ? 2 : picture_name eq 'sweep_ttft' ? 3 : 4
titles = picture_name eq 'sweep_hits' ? 'Tokens reused' : picture_name eq 'sweep_ttft' ? 'Time to first token, P99' : 'Cost'
set title '{/:Bold '.titles.'}'
set ylabel (column_drawn == 2 ? '% of prompt and history' : column_drawn == 3 ? 'seconds' : '$ per million tokens, '.billing) \
    textcolor rgb ink offset 0.5, 0
set xlabel x_name.(strlen(fixed) > 0 && strlen(fixed) < 70 ? "\n{".fixed."}" : '') noenhanced textcolor rgb ink
if (strlen(fixed) > 0 && strlen(fixed) < 70) { set xlabel x_name."\n".fixed noenhanced textcolor rgb ink font font.small }
set yrange [0:*]
if (column_drawn == 3) {
    set yrange [*:*]
    set logscale y
}
if (grid) {
    set xrange [-0.3:*]
    set offsets 0, 0.3, 0, 0
    set xtics () noenhanced
    if (x_tics_aslant) { set xtics rotate by -35 }
    do for [i = 1:x_tics_count] { set xtics add (x_tics_label[i] i - 1) }
}
if (curves > 1) {
    set key outside bottom center horizontal noenhanced font font.small
    plot for [i = 1:curves] sprintf('$curve_%d', i) using 1:column_drawn with linespoints linewidth 2 pointtype 7 \
        pointsize 0.7 linecolor rgb policy_colour[1 + (i - 1) % 8] title series_name.' '.curve_name[i]
} else {
    if (grid) {
        plot $curve_1 using 1:column_drawn with linespoints linewidth 2 pointtype 7 pointsize 0.7 \
            linecolor rgb policy_colour[1] notitle
    } else {
        set format x (x_large ? '%.3s%c' : '%g')
        set offsets graph 0.03, graph 0.03, 0, 0
        plot $curve_1 using 1:column_drawn with points pointtype 7 pointsize 0.7 linecolor rgb policy_colour[1] notitle
    }
}
