# plots/panel_bars.gp - one number a policy: its name, below it a bar as long as the number, and the number.
# In: bar_title; bar_column (of $summary); bar_text(value): how the number is written; where rows lie and their
# colours (page_overview.gp).

set xrange [*:*] # else stats heeds the last panel's
set yrange [*:*]
stats $summary using bar_column nooutput name 'longest'
unset title
set label 99 '{/:Bold '.bar_title.'}' at graph 0, graph 1 left offset 0, 0.9 textcolor rgb ink
unset xlabel
unset ylabel
unset grid
unset border
unset xtics
unset ytics
set key off
set xrange [0 : longest_max > 0 ? longest_max * 1.32 : 1] # room for the number behind the longest
set yrange [-runs - 0.1 : -0.1]
do for [i = 1:runs] {
    set label 100 + i name_of(i) at graph 0, first name_at(i) left noenhanced textcolor rgb ink
}
plot for [i = 1:runs] $summary every ::i-1::i-1 using (0):(0):(0):(column(bar_column)):(low(i)):(high(i)) \
         with boxxyerror linecolor rgb policy_colour[1 + (i - 1) % 8] notitle, \
     for [i = 1:runs] $summary every ::i-1::i-1 using (column(bar_column)):((low(i) + high(i)) / 2): \
         (bar_text(column(bar_column))) with labels left offset 0.6, 0 noenhanced textcolor rgb ink notitle
unset label
