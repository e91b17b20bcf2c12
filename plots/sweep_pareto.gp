# plots/sweep_pareto.gp - each run's cost against its TTFT, and the runs that none betters in both.
# In: $all, $front: dollars a million tokens, TTFT P99 in seconds.
stats $all using 2 nooutput name 'pareto'
set title '{/:Bold Cost against time to first token}'
set xlabel '$ per million tokens, '.billing textcolor rgb ink
set ylabel 'TTFT P99, seconds' textcolor rgb ink offset 0.5, 0
# A logarithm where there are decades to show.
if (pareto_max > 5 * pareto_min) { set logscale y } else { set yrange [0:*] }
set format y '%g'
set key outside bottom center horizontal font font.small
plot $all using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb '#9A9A9A' title 'runs', \
     $front using 1:2 with fsteps linewidth 1.5 linecolor rgb policy_colour[2] notitle, \
     $front using 1:2 with points pointtype 7 pointsize 0.9 linecolor rgb policy_colour[2] title 'none cheaper and sooner'
