# plots/page_bars.gp - one number a policy as bars, for a page's column. In: shown, 1 to 3: mean and P99 TTFT, cost.
load scripts.'/page_column.gp'
height = bars_top + bars_height + 6
load scripts.'/canvas_small.gp'
load scripts.'/words.gp'
eval(place(8, 632, bars_top, bars_top + bars_height))
array titles[3] = ['Time to first token, mean', 'Time to first token, P99', 'Cost of a million tokens (busy)']
array columns[3] = [1, 2, 8]
bar_title = titles[shown]
bar_column = columns[shown]
spread_column = 8 + shown
bar_text(value) = shown == 3 ? dollars_text(value) : time_text(value)
load scripts.'/panel_bars.gp'
