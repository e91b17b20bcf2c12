# plots/hits_grid.gp - a panel of hits for each policy in a grid, and one key for all of them.
# In: grid_left, grid_right, grid_bottom, grid_top (screen shares), grid_columns; key_bottom.
# Within a multiplot.

grid_rows = (runs + grid_columns - 1) / grid_columns
cell_width = (grid_right - grid_left) / grid_columns
cell_height = (grid_top - grid_bottom) / grid_rows
do for [run = 1:runs] {
    grid_column = (run - 1) % grid_columns
    grid_row = (run - 1) / grid_columns
    cell_left = grid_left + grid_column * cell_width
    cell_top = grid_top - grid_row * cell_height
    set lmargin at screen cell_left + 0.01
    set rmargin at screen cell_left + cell_width - 0.01
    set tmargin at screen cell_top - 0.04
    set bmargin at screen cell_top - cell_height + 0.075
    first_column = grid_column == 0
    load scripts.'/panel_hits.gp'
    unset label # the page's title: once is enough
}

# The key is a plot of its own with nothing else in it.
set lmargin at screen 0.35
set rmargin at screen grid_right
set bmargin at screen key_bottom
set tmargin at screen key_bottom + 0.04
unset border
unset tics
unset xlabel
unset ylabel
unset title
unset grid
set key right center horizontal maxrows 1 reverse Left width 2 samplen 1.5
set xrange [0:1]
set yrange [0:1]
plot NaN with boxes linecolor rgb colour_hbm title 'reused from HBM', \
     NaN with boxes linecolor rgb colour_dram title 'from DRAM', \
     NaN with boxes linecolor rgb colour_ssd title 'from SSD', \
     NaN with boxes linecolor rgb colour_computed title 'computed'
