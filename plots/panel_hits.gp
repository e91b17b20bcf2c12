# plots/panel_hits.gp - where the KV of policy `run` came from over time: shares of the tokens that its
# turns wanted, stacked. In: run; first_column (the y axis is named there only); label_break, between the parts of the x
# axis's name. What is behind the last arrival is a load that dies away: it is
# cut off, or, where little would be left, behind a line.

set title shortened(policy[run], 40).(seeds > 1 ? sprintf(', seed %d', first_seed) : '') noenhanced offset 0, -0.4 textcolor rgb ink
ended = !cut[run] && arriving[run] > 0 && arriving[run] < 0.97 * hours_most
set xlabel (cut[run] ? 'since measuring began,'.label_break.'to the last arrival' : arriving[run] == 0 ? 'since measuring began;'.label_break.'none came later' : \
            ended ? 'since measuring began;'.label_break.'dashes: last arrival' : 'since measuring began') offset 0, 0.4 textcolor rgb ink
if (first_column) { set ylabel 'share of tokens' offset 0.5, 0 textcolor rgb ink } else { unset ylabel }
set format y (first_column ? '%g %%' : '')
set yrange [0:100]
set ytics 25
set key off
# The same time in every panel, at most about five labels.
set xrange [0 : hours_most > 0 ? hours_most : 1]
set xtics () noenhanced
do for [i = 1:time_count] { set xtics add ((time_count > 5 && i % 2 == 0 ? '' : time_label[i]) time_at[i] / 3.6e12) }

if (ended) {
    set arrow 8 from arriving[run], graph 0 to arriving[run], graph 1 nohead linewidth 3.5 linecolor rgb '#FFFFFF' front
    set arrow 9 from arriving[run], graph 0 to arriving[run], graph 1 nohead linewidth 2 dashtype 2 linecolor rgb ink front
}

# up_to(n): the first n of HBM, DRAM, SSD, pool and computed, in percent of all five.
from_tier(n) = n == 4 ? column(6) : n == 5 ? column(5) : column(n + 1)
sum_of(n) = sum [k = 1:n] from_tier(k)
up_to(n) = sum_of(5) > 0 ? 100.0 * sum_of(n) / sum_of(5) : NaN

eval(sprintf("points = |$hits_%d|", run))
block = sprintf('$hits_%d', run)
if (points < 2) {
    set label 1 'no hits recorded' at graph 0.5, 0.5 center textcolor rgb ink
    plot NaN notitle
    unset label 1
} else {
    plot block using 1:(0):(up_to(1)) with filledcurves linecolor rgb colour_hbm title 'HBM', \
         block using 1:(up_to(1)):(up_to(2)) with filledcurves linecolor rgb colour_dram title 'DRAM', \
         block using 1:(up_to(2)):(up_to(3)) with filledcurves linecolor rgb colour_ssd title 'SSD', \
         block using 1:(up_to(3)):(up_to(4)) with filledcurves linecolor rgb colour_pool title 'pool', \
         block using 1:(up_to(4)):(up_to(5)) with filledcurves linecolor rgb colour_computed title 'computed'
}
set xrange [*:*]
set yrange [*:*]
set xtics autofreq
set ytics autofreq
set format y '%g'
if (ended) { unset arrow 8; unset arrow 9 }
