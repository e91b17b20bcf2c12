# plots/page_overview.gp - all of a comparison on one page: latency and bytes above, hits below.
set multiplot

set lmargin at screen 0.06
set rmargin at screen 0.395
set tmargin at screen 0.95
set bmargin at screen 0.60
load scripts.'/panel_ttft_cdf.gp'

set lmargin at screen 0.575
set rmargin at screen 0.86
set tmargin at screen 0.95
set bmargin at screen 0.66
load scripts.'/panel_bytes.gp'

set label 50 "{/:Bold Where the tokens' KV came from}" at screen 0.06, 0.475 left textcolor rgb ink
grid_left = 0.06
grid_right = 0.99
grid_bottom = 0.02
grid_top = 0.445
grid_columns = runs <= 4 ? runs : runs <= 8 ? (runs + 1) / 2 : 6
key_bottom = 0.455
load scripts.'/hits_grid.gp'
unset multiplot
