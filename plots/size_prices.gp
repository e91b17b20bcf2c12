# plots/size_prices.gp - what one price does to what the recommended servers cost.
# In: prices, price_name[], $prices (place, % at the lower price, % at the higher), change_most, change_low,
# change_high, x_name.
height = 400
load scripts.'/size_canvas.gp'
set title 'If a price changes' font font.' Bold,'.(19 * scale)
set xlabel 'change of '.x_name.', %' noenhanced textcolor rgb ink
set xrange [-1.55 * change_most : 1.55 * change_most]
set yrange [0.4 : prices + 0.6]
set border 1
set grid xtics noytics
set ytics () scale 0 noenhanced
do for [i = 1:prices] { set ytics add (price_name[i] i) }
set xtics format '%g'
set lmargin at screen 0.3
set tmargin at screen 0.87
set rmargin at screen 0.97
set bmargin at screen 0.32
set key at screen 0.5, 0.02 center bottom horizontal reverse Left noenhanced font font.small samplen 1
set style fill solid 1 noborder
left(a) = a < 0 ? a : 0
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead linewidth 1 linecolor rgb ink front
text(a) = abs(a) < 0.05 ? '' : sprintf('%+.1f', a)
plot $prices using (0):1:(0):2:($1 - 0.28):($1 + 0.28) with boxxyerror linecolor rgb '#56B4E9' \
         title sprintf('price %+.0f %%', change_low), \
     $prices using (0):1:(0):3:($1 - 0.28):($1 + 0.28) with boxxyerror linecolor rgb '#E69F00' \
         title sprintf('price %+.0f %%', change_high), \
     $prices using (left($2)):1:(text($2)) with labels right offset -0.4, 0 font font.small textcolor rgb ink notitle, \
     $prices using ($3 > 0 ? $3 : 0):1:(text($3)) with labels left offset 0.4, 0 font font.small textcolor rgb ink notitle, \
     $prices using (0):1:(abs($2) < 0.05 && abs($3) < 0.05 ? 'no change' : '') with labels left offset 0.6, 0 \
         font font.small textcolor rgb '#606060' notitle
