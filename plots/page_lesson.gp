# plots/page_lesson.gp - a lesson: diagrams one below the other over the same points, a line for each way to run it.
# In: panels, lines, points, $panel_N (a row a point: its place, a column a line), y_N_* (ticks.h), panel_title[],
# line_label[], x_label[], x_at[] (a point's place), x_name.
key_height = 38 * lines + 26
panel_height = 285
height = 46 + key_height + panel_height * panels + 52
load scripts.'/canvas_small.gp'
set multiplot
set tics font font.small_letters
set lmargin at screen 0.175
set rmargin at screen 0.96
set xrange [0.7 : points + 0.3]
set xtics () noenhanced scale 0
do for [n = 1:panels] {
    top = key_height + 46 + (n - 1) * panel_height
    set tmargin at screen 1.0 - top / real(height)
    set bmargin at screen 1.0 - (top + panel_height - 70) / real(height)
    set title panel_title[n] font sprintf('%s Bold,%.0f', font, 19 * scale) noenhanced textcolor rgb ink offset 0, -0.3
    set xlabel (n == panels ? x_name : '') noenhanced textcolor rgb ink offset 0, 0.3
    eval(sprintf('low = y_%d_low; high = y_%d_high; logarithmic = y_%d_log; count = y_%d_count', n, n, n, n))
    do for [k = 1:points] { set xtics add ((n == panels ? x_label[k] : '') x_at[k]) }
    unset logscale y
    set yrange [low : high]
    if (logarithmic) { set logscale y }
    set ytics () noenhanced
    do for [i = 1:count] { eval(sprintf('set ytics add (y_%d_label[%d] y_%d_at[%d])', n, i, n, i)) }
    unset key
    if (n == 1) {
        set key at screen 0.5, 1.0 - 8.0 / height center top vertical maxrows lines reverse Left noenhanced font font.small_letters samplen 1.6
    }
    plot for [i = 1:lines] sprintf('$panel_%d', n) using 1:(column(1 + i)) with linespoints linewidth 2.6 \
        pointtype (i == 1 ? 7 : i == 2 ? 5 : i == 3 ? 9 : 13) pointsize 0.9 linecolor rgb policy_colour[i] \
        dashtype 1 + 2 * (i > 2) title line_label[i]
}
unset multiplot
