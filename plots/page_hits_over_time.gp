# plots/page_hits_over_time.gp - a panel for each policy.
set multiplot
set label 50 "{/:Bold Where the tokens' KV came from}" at screen 0.06, 0.96 left textcolor rgb ink
grid_left = 0.06
grid_right = 0.99
grid_bottom = 0.02
grid_top = 0.93
grid_columns = runs <= 3 ? runs : runs <= 4 ? 2 : runs <= 9 ? 3 : 4
key_bottom = 0.94
load scripts.'/hits_grid.gp'
unset multiplot
