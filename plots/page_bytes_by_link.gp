# plots/page_bytes_by_link.gp - one panel; below it room for the names of links and policies.
set bmargin at screen 0.17
load scripts.'/panel_bytes.gp'
