# plots/panel_hits.gp - where the KV of policy `run` came from over time: shares of the tokens that its
# turns wanted, stacked. In: run; first_column (the y axis is named there only). What is behind the last arrival is not drawn ($hits_N ends there), and the axis says so.

set title shortened(policy[run], 40).(seeds > 1 ? sprintf(', seed %d', first_seed) : '') noenhanced offset 0, -0.4 textcolor rgb ink
set xlabel 'hours'.(arriving[run] > 0 ? ' to the last arrival' : '') offset 0, 0.4 textcolor rgb ink
if (first_column) { set ylabel 'share of tokens' offset 0.5, 0 textcolor rgb ink } else { unset ylabel }
set format y (first_column ? '%g %%' : '')
set yrange [0:100]
set ytics 25
set key off
# The same hours in every panel, with about four tics: 1, 2 or 5 times a power of ten apart.
set xrange [0 : hours_most > 0 ? hours_most : 1]
apart = (hours_most > 0 ? hours_most : 1) / 4.0
power = 10.0 ** floor(log10(apart))
set xtics power * (apart / power < 1.5 ? 1 : apart / power < 3.5 ? 2 : apart / power < 7.5 ? 5 : 10)

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
