# plots/panel_bars.gp - one number a policy: its name, below it a bar as long as the number, the interval of its mean over
# seeds where there is one, and the number.
# In: bar_title; bar_column and spread_column (of $summary: the number, and half its interval); bar_text(value): how the
# number is written; where rows lie (low, high, name_at) and name_of(i).

value_of(c) = column(bar_column)
spread_of(c) = column(spread_column)
reach_of(c) = value_of(c) + spread_of(c)
bar_words(value, spread) = bar_text(value).(spread > 0 ? ' ± '.bar_text(spread) : '')
set xrange [*:*] # else stats heeds the last panel's
set yrange [*:*]
stats $summary using (reach_of(0)) nooutput name 'longest'
unset title
set label 99 '{/:Bold '.bar_title.'}' at graph 0, graph 1 left offset 0, 0.9 textcolor rgb ink
unset xlabel
unset ylabel
unset grid
unset border
unset xtics
unset ytics
set key off
# Room for the number behind the longest.
set xrange [0 : longest_max > 0 ? longest_max * (seeds > 1 ? 1.85 : 1.36) : 1]
set yrange [-runs - 0.1 : -0.1]
do for [i = 1:runs] {
    set label 100 + i name_of(i) at graph 0, first name_at(i) left noenhanced textcolor rgb ink
}
plot for [i = 1:runs] $summary every ::i-1::i-1 using (0):(0):(0):(value_of(0)):(low(i)):(high(i)) \
         with boxxyerror linecolor rgb policy_colour[1 + (i - 1) % 8] notitle, \
     for [i = 1:runs] $summary every ::i-1::i-1 using (spread_of(0) > 0 ? value_of(0) : NaN):((low(i) + high(i)) / 2): \
         (value_of(0) > spread_of(0) ? value_of(0) - spread_of(0) : 0):(reach_of(0)) \
         with xerrorbars pointtype -1 linewidth 1.6 linecolor rgb ink notitle, \
     for [i = 1:runs] $summary every ::i-1::i-1 using (reach_of(0)):((low(i) + high(i)) / 2): \
         (bar_words(value_of(0), spread_of(0))) with labels left offset 0.6, 0 noenhanced textcolor rgb ink notitle
unset label
