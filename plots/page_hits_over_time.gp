# plots/page_hits_over_time.gp - a panel for each policy.
grid_columns = runs <= 3 ? runs : runs <= 4 ? 2 : runs <= 9 ? 3 : 4
grid_rows = (runs + grid_columns - 1) / grid_columns
grid_top = 0
grid_left = 164
label_break = grid_columns > 2 ? "\n" : ' ' # narrow panels
text_size = 22
row_height = grid_rows == 1 ? 730 : 510
height = row_height * grid_rows + 70
load scripts.'/canvas.gp'
set multiplot
load scripts.'/hits_grid.gp'
unset multiplot
