# plots/page_sources.gp - where each policy's KV came from, for a page's column.
load scripts.'/page_column.gp'
height = bars_top + bars_height + 46
load scripts.'/canvas_small.gp'
eval(place(8, 632, bars_top, bars_top + bars_height))
share_font = font.small_letters
load scripts.'/panel_sources.gp'
