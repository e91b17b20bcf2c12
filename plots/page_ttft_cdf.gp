# plots/page_ttft_cdf.gp - one panel, the whole page.
height = 900
load scripts.'/canvas.gp'
eval(place(120, 1270, 60, 800))
load scripts.'/panel_ttft_cdf.gp'
