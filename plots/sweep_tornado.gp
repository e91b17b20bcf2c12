# plots/sweep_tornado.gp - what each axis alone does to the cheapest point's cost, the widest on top.
# In: swings, swing_low[], swing_high[] (percent), swing_label[], swing_least, swing_most, reference.
set title "{/:Bold What each key alone}\n{/:Bold does to the cost, ".billing.'}'
set xlabel "% of the cheapest point's: ".(strlen(reference) < 60 ? reference : '') noenhanced textcolor rgb ink \
    font font.small
set yrange [0.4 : swings + 0.6]
unset ytics
set border 1
set grid xtics noytics
span = swing_most > swing_least ? swing_most - swing_least : 1
set xrange [swing_least - 0.08 * span : swing_most + 0.2 * span]
set style fill solid 1 noborder
do for [i = 1:swings] {
    set label i swing_label[i] at graph 0.02, first i + 0.33 left noenhanced font font.small textcolor rgb ink front
}
plot for [i = 1:swings] '+' using (swing_low[i]):(i):(swing_low[i]):(swing_high[i]):(i - 0.3):(i + 0.15) every ::0::0 \
         with boxxyerror linecolor rgb policy_colour[1] notitle, \
     for [i = 1:swings] '+' using (0):(i - 0.45):(0):(0.6) every ::0::0 with vectors nohead linewidth 1 \
         linecolor rgb ink notitle # beside the bars alone, not through their labels
unset label
