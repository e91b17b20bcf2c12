# plots/paper_figure.gp - one figure of the paper: its panels, two in a row. In: panels, and for each panel n
# panel_kind[n] ("bars", "stacked", "lines"), panel_title[n], panel_x[n], panel_y[n], panel_most[n],
# panel_groups[n], panel_series[n]; panel_group_N[] (labels of groups); for its series i the block $s_N_I of rows "x low high", series_name_N[I],
# series_published_N[I].
figure_columns = panels == 1 ? 1 : 2
figure_rows = (panels + figure_columns - 1) / figure_columns
row_height = 620
height = row_height * figure_rows
load scripts.'/canvas.gp'
set multiplot
do for [n = 1:panels] {
    panel_column = (n - 1) % figure_columns
    panel_left = 110 + panel_column * (width / figure_columns)
    panel_right = (panel_column + 1) * (width / figure_columns) - 40
    panel_row_top = row_height * ((n - 1) / figure_columns)
    eval(place(panel_left, panel_right, panel_row_top + 130, panel_row_top + row_height - 90))
    load scripts.'/paper_panel.gp'
}
unset multiplot
