# plots/page_trace.gp - what a trace's blocks say: hits under LRU by capacity, and reuse distances below.
# In: $curve (blocks, % of hits, % as sampled, exact?), $distances (from, % of references), unbounded (%),
# blocks_most, block_tokens, block_gb and model (0 and '': not known), exact_blocks (0: all), sampled, references.
height = 1300
load scripts.'/canvas.gp'
set multiplot

bytes_shown = block_gb > 0
left = 130; right = 1560
first = 1.0
stats $curve using ($2 > 0 ? $1 : NaN) nooutput
if (STATS_records > 0) { first = STATS_min }
lowest = first / 2.0 > 1 ? first / 2.0 : 1.0
highest = blocks_most * 1.3 > lowest * 10 ? blocks_most * 1.3 : lowest * 10

eval(place(left, right, bytes_shown ? 140 : 80, 760))
set title '{/:Bold Hits of an LRU prefix cache}' offset 0, (bytes_shown ? 0.6 : -0.3) textcolor rgb ink
set ylabel '% of block references' offset 0.5, 0 textcolor rgb ink
set xlabel sprintf('capacity in blocks of %d tokens, logarithmic', block_tokens) textcolor rgb ink
set logscale x 10
set xrange [lowest:highest]
set yrange [0:(unbounded > 0 ? unbounded * 1.15 : 1)]
set format x '%.0s%c'
set format y '%g %%'
if (bytes_shown) {
    set border 7
    set xtics nomirror
    set logscale x2 10
    set x2range [lowest * block_gb * 1e9:highest * block_gb * 1e9]
    set x2tics nomirror
    set format x2 '%.0s %cB'
    set x2label 'KV of '.model noenhanced offset 0, -0.4 textcolor rgb ink
}
set key top left Left reverse
set arrow 1 from lowest, unbounded to highest, unbounded nohead linecolor rgb colour_computed linewidth 2
set label 1 sprintf('no cache hits more: %.1f %%', unbounded) at graph 0.5, first unbounded center offset 0, 0.6 \
    textcolor rgb ink
plot $curve using 1:($4 == 1 ? $2 : NaN) with lines linewidth 3 linecolor rgb policy_colour[1] title 'counted', \
     $curve using 1:(exact_blocks > 0 && $1 >= exact_blocks ? $2 : NaN) with lines linewidth 3 dashtype 2 \
         linecolor rgb policy_colour[1] title (exact_blocks > 0 ? 'estimated above' : ''), \
     $curve using 1:3 with points pointtype 6 pointsize 0.8 linecolor rgb policy_colour[2] \
         title sprintf('from %d sampled blocks (SHARDS-adj)', sampled)
unset arrow 1
unset label 1
if (bytes_shown) {
    unset x2tics
    unset x2label
    unset logscale x2
    set border 3
}

eval(place(left, right, 890, 1210))
set title '{/:Bold Reuse distances}' offset 0, -0.3 textcolor rgb ink
set xlabel 'different blocks touched since the block was' textcolor rgb ink
set key off
set yrange [0:*]
plot $distances using (1.414 * $1):2:($1 * 1.03):($1 * 1.94):(0):2 with boxxyerror linecolor rgb policy_colour[1] notitle
unset multiplot
