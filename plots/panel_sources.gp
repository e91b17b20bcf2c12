# plots/panel_sources.gp - where each policy's KV came from, and what was computed: shares of its tokens, stacked.
# In: as panel_bars.gp; up_to(); bars_height (pixels); share_font; pool.

unset title
set label 99 "{/:Bold Where the tokens' KV came from}" at graph 0, graph 1 left offset 0, 0.9 textcolor rgb ink
unset xlabel
unset ylabel
unset grid
unset border
unset xtics
unset ytics
set key off
set xrange [0:100]
set yrange [-runs - 0.1 : -0.1]
do for [i = 1:runs] {
    set label 100 + i name_of(i) at graph 0, first name_at(i) left noenhanced textcolor rgb ink
}
array source_name[5] = ['HBM', 'DRAM', 'SSD', 'pool', 'computed']
array source_colour[5] = [colour_hbm, colour_dram, colour_ssd, colour_pool, colour_computed]
array source_at[5] = [0, 0.2, 0.43, 0.62, pool ? 0.79 : 0.62]
down(pixels) = -pixels / real(bars_height)
do for [s = 1:5] {
    if (s != 4 || pool) {
        set object 200 + s rectangle from graph source_at[s], graph down(14) to graph source_at[s] + 0.035, graph down(30) \
            fillcolor rgb source_colour[s] fillstyle solid noborder noclip
        set label 200 + s source_name[s] at graph source_at[s] + 0.045, graph down(22) left noenhanced textcolor rgb ink
    }
}
share(s) = column(s + 2)
plot for [s = 1:5] $summary using (0):(0):(up_to(s - 1)):(up_to(s)):(low($0 + 1)):(high($0 + 1)) with boxxyerror \
         linecolor rgb source_colour[s] notitle, \
     for [s = 1:5] $summary using ((up_to(s - 1) + up_to(s)) / 2):((low($0 + 1) + high($0 + 1)) / 2): \
         (share(s) >= 9 ? sprintf('%.0f %%', share(s)) : '') with labels noenhanced font share_font \
         textcolor rgb (s == 3 || s == 5 ? ink : '#FFFFFF') notitle
unset label
unset object
