# plots/sweep_heat.gp - TTFT P99 (colour, logarithmic) and cost (written in the cell) over two axes.
# In: $heat: place on x, place on y, dollars a million tokens, TTFT P99 in seconds; x_name, y_name, x_tics_*, y_tics_*
# (labels, how many, whether aslant),
# x_count, y_count, heat_fixed.
stats $heat using 4 nooutput name 'shade'
set title '{/:Bold TTFT P99 (colour), $ per million, '.billing.'}'
set xlabel x_name."\n".(strlen(heat_fixed) < 80 ? heat_fixed : '') noenhanced textcolor rgb ink font font.small
set ylabel y_name noenhanced textcolor rgb ink
set xtics () noenhanced
if (x_tics_aslant) { set xtics rotate by -35 }
do for [i = 1:x_tics_count] { set xtics add (x_tics_label[i] i - 1) }
set ytics () noenhanced
if (y_tics_aslant) { set ytics rotate by -35 }
do for [i = 1:y_tics_count] { set ytics add (y_tics_label[i] i - 1) }
set xrange [-0.5 : x_count - 0.5]
set yrange [-0.5 : y_count - 0.5]
unset grid
set logscale cb
set palette defined (0 '#F7FBFF', 0.35 '#9ECAE1', 0.7 '#F3C55A', 1 '#E27A5E')
# Less than a decade has no tic of its own: the least, the middle and the most are written.
set cbrange [shade_min : shade_max > shade_min ? shade_max : shade_min * 1.01]
set cbtics (sprintf('%.3g s', shade_min) shade_min, sprintf('%.3g s', sqrt(shade_min * shade_max)) sqrt(shade_min * shade_max), \
    sprintf('%.3g s', shade_max) shade_max)
set colorbox
plot $heat using 1:2:(0.5):(0.5):4 with boxxyerror fillstyle solid 1 noborder linecolor palette notitle, \
     $heat using 1:2:(x_count <= 10 ? sprintf('%.3g', $3) : '') with labels font font.small textcolor rgb ink notitle
