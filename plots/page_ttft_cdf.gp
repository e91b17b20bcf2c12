# plots/page_ttft_cdf.gp - one panel, the whole page.
set rmargin at screen 0.80
load scripts.'/panel_ttft_cdf.gp'
