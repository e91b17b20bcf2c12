# plots/sweep_pareto.gp - each run's cost against its TTFT, and the runs that none betters in both.
# In: $all, $front: dollars a million tokens, TTFT P99 in seconds.
stats $all using 2 nooutput name 'pareto'
stats $all using 1 nooutput name 'dollars'
set title '{/:Bold Cost against time to first token}'
set xlabel '$ per million tokens, '.billing textcolor rgb ink
set ylabel 'TTFT P99, seconds' textcolor rgb ink offset 0.5, 0
# A logarithm where there are decades to show.
if (pareto_max > 5 * pareto_min) { set logscale y } else { set yrange [0:*] }
set format y '%g'
# At most about five tics: 1, 2 or 5 times a power of ten apart.
apart = dollars_max > dollars_min ? (dollars_max - dollars_min) / 4.0 : 1
power = 10.0 ** floor(log10(apart))
set xtics power * (apart / power < 1.5 ? 1 : apart / power < 3.5 ? 2 : apart / power < 7.5 ? 5 : 10)
set key outside bottom center horizontal font font.small
plot $all using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb '#9A9A9A' title 'runs', \
     $front using 1:2 with fsteps linewidth 1.5 linecolor rgb policy_colour[2] notitle, \
     $front using 1:2 with points pointtype 7 pointsize 0.9 linecolor rgb policy_colour[2] title 'none cheaper and sooner'
