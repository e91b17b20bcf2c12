# plots/page_hits.gp - where the KV of one policy came from over time, for a page's column. In: picture_name, hits_N of
# policy N.
run = int(substr(picture_name, 6, strlen(picture_name)))
height = 436
load scripts.'/canvas_small.gp'
set tics font font.small_letters
first_column = 1
label_break = ' '
eval(place(118, 620, 52, 310))
array hits_name[5] = ['HBM', 'DRAM', 'SSD', 'pool', 'computed']
array hits_colour[5] = [colour_hbm, colour_dram, colour_ssd, colour_pool, colour_computed]
legend_x = pool ? 40.0 : 118.0
do for [t = 1:5] {
    if (t != 4 || pool) {
        set object 300 + t rectangle from screen legend_x / width, screen 12.0 / height to screen (legend_x + 18) / width, screen 28.0 / height \
            fillcolor rgb hits_colour[t] fillstyle solid noborder
        set label 300 + t hits_name[t] at screen (legend_x + 26) / width, screen 20.0 / height left noenhanced \
            font font.small_letters textcolor rgb ink
        legend_x = legend_x + 112
    }
}
load scripts.'/panel_hits.gp'
unset object
unset label
