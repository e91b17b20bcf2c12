# plots/hits_grid.gp - a panel of hits for each policy in a grid, above them their title and one key for
# all. In: grid_top (pixels), grid_columns, row_height (pixels), grid_left (pixels, for the first column's y axis),
# label_break (panel_hits.gp). Within a multiplot.

set label 50 "{/:Bold Where the tokens' KV came from}" at screen real(grid_left) / width, 1.0 - (grid_top + 32.0) / height \
    left textcolor rgb ink
column_width = (width - real(grid_left)) / grid_columns
do for [run = 1:runs] {
    grid_column = (run - 1) % grid_columns
    panel_left = grid_left + grid_column * column_width
    panel_top = grid_top + 96 + ((run - 1) / grid_columns) * row_height
    first_column = grid_column == 0
    eval(place(panel_left, panel_left + column_width - 30, panel_top + 44, panel_top + row_height - 126 - (label_break eq ' ' ? 0 : 34)))
    load scripts.'/panel_hits.gp'
    unset label # the title: once is enough
}

# The key is a plot of its own with nothing else in it.
eval(place(500, width - 30, grid_top + 22, grid_top + 54))
unset border
unset tics
unset xlabel
unset ylabel
unset title
unset grid
set key at graph 1, 0.5 right center horizontal maxrows 1 reverse Left samplen 1.5
set xrange [0:1]
set yrange [0:1]
plot NaN with boxes linecolor rgb colour_hbm title 'HBM', \
     NaN with boxes linecolor rgb colour_dram title 'DRAM', \
     NaN with boxes linecolor rgb colour_ssd title 'SSD', \
     NaN with boxes linecolor rgb colour_pool title (pool ? 'remote pool' : ''), \
     NaN with boxes linecolor rgb colour_computed title 'computed anew'
