# plots/page_overview.gp - all of a comparison on one page: latency and bytes, below them hits. Side by
# side where the policies are few, else one below the other.
few = runs <= 4
grid_columns = runs <= 4 ? runs : runs <= 8 ? (runs + 1) / 2 : 4
grid_rows = (runs + grid_columns - 1) / grid_columns
grid_top = few ? 520 : 1080
row_height = 340
height = grid_top + 60 + row_height * grid_rows
load scripts.'/canvas.gp'
set multiplot

eval(few ? place(120, 620, 50, 400) : place(120, 1260, 50, 420))
load scripts.'/panel_ttft_cdf.gp'
eval(few ? place(920, 1310, 50, 350) : place(120, 1260, 560, 920))
load scripts.'/panel_bytes.gp'
load scripts.'/hits_grid.gp'
unset multiplot
