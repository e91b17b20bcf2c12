# plots/page_bytes_by_link.gp - bytes over each link: a group a policy, in it a bar a link, by the tier at the other end.
# Links that nobody used and policies that moved nothing have no bars. In: bytes_data.h. What crosses two links stands in
# both links' bars.
row_height = 44
rows_top = 62
idle_height = strlen(byte_idle) > 0 ? 34 : 0
height = rows_top + row_height * (byte_rows > 0 ? byte_rows : 1) + 96 + idle_height
load scripts.'/canvas_small.gp'
load scripts.'/words.gp'
bottom = rows_top + row_height * (byte_rows > 0 ? byte_rows : 1)
eval(place(150, 620, rows_top, bottom))
set label 99 "{/:Bold Bytes moved, by link}" at screen 8.0 / width, screen 1.0 - 24.0 / height left textcolor rgb ink
set key off
set tics font font.small_letters
unset ytics
set xtics nomirror
set border 1
set grid xtics noytics
set xrange [0 : x_high * 1.16] # room for the number behind the longest
set yrange [-byte_rows - 0.1 : 0]
set xtics () noenhanced
do for [i = 1:x_count] { set xtics add ((x_count > 5 && i % 2 == 0 ? '' : x_label[i]) x_at[i]) } # all would touch each other
do for [i = 1:byte_names] {
    set label 100 + i shortened(byte_name[i], 40) at screen 8.0 / width, first -byte_name_place[i] - 0.55 left noenhanced textcolor rgb ink
}
do for [i = 1:byte_bars] {
    set label 200 + i byte_label[i] at graph 0, first -byte_place[i] - 0.5 right offset -0.6, 0 noenhanced \
        font font.small_letters textcolor rgb ink
    total = bytes_text(byte_total[i])
    set label 400 + i total at first byte_total[i], first -byte_place[i] - 0.5 left \
        offset 0.5, 0 noenhanced font font.small_letters textcolor rgb ink front
}
if (strlen(byte_idle) > 0) {
    set label 98 'nothing was moved by '.shortened(byte_idle, 34) at screen 8.0 / width, screen (idle_height - 14.0) / height \
        left noenhanced font font.small_letters textcolor rgb ink
}
# Whose colours these are.
legend_y = (idle_height + 20.0) / height
legend_x = 150.0
set label 97 'other end:' at screen 8.0 / width, screen legend_y left noenhanced font font.small_letters textcolor rgb ink
do for [t = 1:4] {
    if (byte_tiers[t] > 0) {
        set object 300 + t rectangle from screen legend_x / width, screen legend_y - 8.0 / height \
            to screen (legend_x + 18) / width, screen legend_y + 8.0 / height fillcolor rgb tier_colour[t] fillstyle solid noborder
        set label 300 + t tier_name[t] at screen (legend_x + 26) / width, screen legend_y left noenhanced \
            font font.small_letters textcolor rgb ink
        legend_x = legend_x + 110
    }
}
plot byte_bars > 0 ? 0 : NaN notitle with points pointtype -1, \
     for [t = 1:4] $bytes using ($4 == t ? $2 : NaN):(-$1 - 0.5):2:3:(-$1 - 0.84):(-$1 - 0.16) with boxxyerror \
         linecolor rgb tier_colour[t] notitle
unset label
unset object
