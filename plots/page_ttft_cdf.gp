# plots/page_ttft_cdf.gp - one panel, the whole page.
height = 900
load scripts.'/canvas.gp'
eval(place(120, 1200, 60, 800))
name_of(i) = shortened(policy[i], 26)
curves_key = 'set key at graph 1.03, 1.0 left top vertical reverse Left'
load scripts.'/panel_ttft_cdf.gp'
