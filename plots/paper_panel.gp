# plots/paper_panel.gp - one panel of a figure of the paper; see paper_figure.gp. Published numbers are grey bars or
# black rings, ours are coloured.
set title '{/:Bold '.panel_title[n].'}' offset 0, 2.6 textcolor rgb ink
set xlabel panel_x[n] textcolor rgb ink
set ylabel panel_y[n] offset 0.5, 0 textcolor rgb ink
set key at graph 0.5, 1.16 center top horizontal maxrows 2 noenhanced reverse Left samplen 1.2 font font.',12'
set yrange [0 : panel_most[n] > 0 ? panel_most[n] * 1.12 : 1]
set ytics autofreq
set grid noxtics nomxtics
published_colour = '#9A9A9A'

eval(sprintf('is_published(i) = series_published_%d[i]', n))
eval(sprintf('name_of(i) = series_name_%d[i]', n))
block_of(i) = sprintf('$s_%d_%d', n, i)
colour_of(i) = is_published(i) ? published_colour : policy_colour[1 + (i - 1) % 8]

if (panel_kind[n] eq 'lines') {
    set xrange [0 : *]
    set xtics autofreq
    plot for [i = 1:panel_series[n]] block_of(i) using 1:3 with linespoints linewidth 2.5 \
         pointtype (is_published(i) ? 6 : 7) pointsize (is_published(i) ? 2.2 : 1.2) \
         dashtype 1 + is_published(i) \
         linecolor rgb (is_published(i) ? '#000000' : colour_of(i)) title name_of(i)
} else {
    set xrange [0.4 : panel_groups[n] + 0.6]
    set xtics scale 0 noenhanced
    set xtics ()
    do for [i = 1:panel_groups[n]] { eval(sprintf('set xtics add (panel_group_%d[%d] %d)', n, i, i)) }
    bars = panel_kind[n] eq 'stacked' ? 1 : panel_series[n]
    bar_width = 0.8 / bars
    middle(x, i) = panel_kind[n] eq 'stacked' ? x : x - 0.4 + (i - 0.5) * bar_width
    number(value) = value >= 1000 ? sprintf('%.0f', value) : value >= 10 ? sprintf('%.3g', value) : sprintf('%.2g', value)
    label_size = bars * panel_groups[n] > 16 ? ',9' : ',11'
    stacked = panel_kind[n] eq 'stacked'
    first_label = stacked ? panel_series[n] : 1 # of a stack its sum alone
    height_of(low, high) = stacked ? high : high - low
    if (panel_groups[n] > 6) { set xtics font font.',11' }
    plot for [i = 1:panel_series[n]] block_of(i) using (middle($1, i)):2:(middle($1, i) - bar_width * 0.46): \
             (middle($1, i) + bar_width * 0.46):2:3 with boxxyerror linecolor rgb colour_of(i) title name_of(i), \
         for [i = first_label:panel_series[n]] block_of(i) using (middle($1, i)):3:(number(height_of($2, $3))) \
             with labels offset 0, 0.6 font font.label_size textcolor rgb ink notitle
}
set xtics autofreq font font.',15'
set xrange [*:*]
set yrange [*:*]
set key default
set key noenhanced textcolor rgb ink samplen 2.2 spacing 1.15
unset title
