# plots/page_overview.gp - a comparison in five seconds: what users wait, where the KV came from, what it costs;
# below, how the waits are distributed, where that differs. Drawn for a phone's width too: narrow, large letters.
width = 1100
text_size = 20
row_height = 68
bars_height = row_height * runs + 10
show_curves = runs == 1 || curves > 1
top_two = 60 + bars_height + 80
curves_top = top_two + bars_height + (show_curves ? 130 : 100)
key_rows = (curves + 1) / 2
note_top = seeds > 1 ? 36 : 0
top_two = top_two + note_top
curves_top = curves_top + note_top
height = show_curves ? curves_top + 330 + 130 + 36 * key_rows : curves_top - 30
load scripts.'/canvas.gp'
set multiplot

if (seeds > 1) {
    set label 90 sprintf('Means of %d seeds; whiskers and ±: their 95 %% intervals', seeds) at screen 40.0 / width, \
        screen 1.0 - 22.0 / height left noenhanced textcolor rgb '#606060' font font.','.(text_size - 4)
}
name_of(i) = shortened(policy[i], 32)
load scripts.'/words.gp'
# Policy i's bar lies below its name.
low(i) = -i + 0.02
high(i) = -i + 0.46
name_at(i) = -i + 0.66
# The first n of HBM, DRAM, SSD, pool and computed, in percent.
up_to(n) = n == 0 ? 0 : sum [k = 1:n] column(k + 2)

eval(place(40, 530, 60 + note_top, 60 + note_top + bars_height))
bar_title = 'Time to first token, mean'
bar_column = 1
spread_column = 9
bar_text(value) = time_text(value)
load scripts.'/panel_bars.gp'
eval(place(590, 1080, 60 + note_top, 60 + note_top + bars_height))
bar_title = 'Time to first token, P99'
bar_column = 2
spread_column = 10
load scripts.'/panel_bars.gp'
eval(place(40, 530, top_two, top_two + bars_height))
share_font = font.','.(text_size - 3)
load scripts.'/panel_sources.gp'
eval(place(590, 1080, top_two, top_two + bars_height))
bar_title = 'Cost of a million tokens (busy)'
bar_column = 8
spread_column = 11
bar_text(value) = dollars_text(value)
load scripts.'/panel_bars.gp'

if (show_curves) {
    set border 3 linecolor rgb ink linewidth 0.8
    set xtics nomirror
    set ytics nomirror
    set grid
    eval(place(150, 1060, curves_top, curves_top + 330))
    curves_key = 'set key at screen 0.036, graph -0.34 left top vertical maxrows '.key_rows.' reverse Left'
    load scripts.'/panel_ttft_cdf.gp'
}
unset multiplot
