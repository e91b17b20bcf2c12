# plots/page_ttft_cdf.gp - one panel, the whole page.
load scripts.'/panel_ttft_cdf.gp'
