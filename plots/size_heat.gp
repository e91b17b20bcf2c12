# plots/size_heat.gp - the promised metric (colour and text) and what it costs over DRAM and SSD.
# In: x_count, y_count, x_label[], y_label[], heat_y_name, picture_title, cell_value[] (log2 of value over promise, row by
# row), cell_text[], cell_sum[], cell_kept[], chosen_x, chosen_y (0: none), promise_label.
height = 190 + 62 * y_count
load scripts.'/size_canvas.gp'
set title picture_title font font.' Bold,'.(17 * scale)
set xlabel 'DRAM of a server ('.promise_label.')' noenhanced textcolor rgb ink font font.small
set ylabel heat_y_name noenhanced textcolor rgb ink font font.small
set xrange [0.5 : x_count + 0.5]
set yrange [0.5 : y_count + 0.5]
set xtics () scale 0 noenhanced
do for [i = 1:x_count] { set xtics add (x_label[i] i) }
set ytics () scale 0 noenhanced
do for [i = 1:y_count] { set ytics add (y_label[i] i) }
unset grid
unset key
unset colorbox
set palette defined (-1 '#7FB6DC', 0 '#F4F4F4', 1 '#E8977A')
set cbrange [-1:1]
clamp(v) = v < -1 ? -1 : v > 1 ? 1 : v
cell(x, y) = (y - 1) * x_count + x
set samples x_count * y_count
letters = x_count > 6 ? sprintf(',%d', 12 * scale) : smaller
do for [y = 1:y_count] { do for [x = 1:x_count] {
    n = cell(x, y)
    set label n cell_text[n]."\n".cell_sum[n] at x, y center offset 0, 0.35 noenhanced font font.letters \
        textcolor rgb (cell_kept[n] ? '#000000' : '#404040') front
    if (!cell_kept[n]) {
        set arrow n from x - 0.46, y - 0.44 to x + 0.46, y + 0.44 nohead linewidth 1 linecolor rgb '#606060' front
    }
} }
if (chosen_x > 0) {
    set object 1 rectangle from chosen_x - 0.48, chosen_y - 0.47 to chosen_x + 0.48, chosen_y + 0.47 \
        fillstyle empty border linecolor rgb colour_chosen linewidth 2.5 front
}
column_of(i) = int(i) % x_count + 1
row_of(i) = int(i) / x_count + 1
plot '+' using (column_of($0)):(row_of($0)):(0.5):(0.5):(clamp(cell_value[int($0) + 1])) with boxxyerror \
    fillstyle solid 1 noborder linecolor palette notitle
