# plots/gantt.gp - turns' prefills, layer by layer: three lanes each. In: turns, x_least, x_most (ms since the
# prefill began); of each turn title_N, before_N (a text), first_token_N (ms), $blocks_N: lane (0 load, 1 compute, 2 save), begin, end
# (ms), layer. Layers that follow each other differ in shade; every fifth is named where it is wide enough.
panel_height = 240
height = 70 + panel_height * turns
load scripts.'/canvas.gp'
set multiplot
dark(lane) = lane == 0 ? 0x0072B2 : lane == 1 ? 0xD55E00 : 0x009E73
light(lane) = lane == 0 ? 0x79BDE8 : lane == 1 ? 0xF2B07A : 0x8AD4BC
shade(lane, layer) = int(layer) % 2 == 0 ? dark(int(lane)) : light(int(lane))
span = x_most - x_least
margin = 0.02 * span

set yrange [2.6:-0.6]
set xrange [x_least - margin : x_most + margin]
set ytics ('load KV' 0, 'compute' 1, 'save KV' 2) scale 0
set format x '%g'
set grid noytics
unset key
named(begin, end, layer) = (int(layer) % 5 == 0 && (end - begin) > 0.011 * span) ? sprintf('%d', layer) : ''
do for [t = 1:turns] {
    eval(place(110, 1560, 60 + panel_height * (t - 1), 60 + panel_height * (t - 1) + 150))
    set title value(sprintf('title_%d', t)) noenhanced offset 0, 0.3 textcolor rgb ink
    if (t == turns) { set xlabel 'ms since the prefill began' textcolor rgb ink } else { unset xlabel }
    done = value(sprintf('first_token_%d', t))
    set arrow 1 from done, graph 0 to done, graph 1 nohead linecolor rgb ink linewidth 1.2 dashtype 2
    set label 1 'first token' at done, graph 1.07 center textcolor rgb ink font font.',12'
    set label 2 value(sprintf('before_%d', t)) at graph 0, graph 1.07 left noenhanced textcolor rgb ink font font.',12'
    plot sprintf('$blocks_%d', t) using (($2 + $3) / 2):1:2:3:($1 - 0.36):($1 + 0.36):(shade($1, $4)) \
             with boxxyerror linecolor rgb variable notitle, \
         '' using (($2 + $3) / 2):1:(named($2, $3, $4)) with labels font font.',10' textcolor rgb '#FFFFFF' notitle
}
unset multiplot
