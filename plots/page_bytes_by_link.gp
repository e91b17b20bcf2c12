# plots/page_bytes_by_link.gp - one panel; below it room for the names of links and policies.
height = 900
load scripts.'/canvas.gp'
eval(place(120, 1260, 60, 740))
load scripts.'/panel_bytes.gp'
