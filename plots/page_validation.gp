# plots/page_validation.gp - simulator against runs over the load: four panels, an error below each.
# In: $ttft_mean_ns, $ttft_p50_ns, $ttft_p99_ns, $turns_per_s (validation_plots.c), policy[], policies, device.
height = 1000
load scripts.'/canvas.gp'

array metric[4] = ['ttft_mean_ns', 'ttft_p50_ns', 'ttft_p99_ns', 'turns_per_s']
array title[4] = ['TTFT, mean (ms)', 'TTFT, P50 (ms)', 'TTFT, P99 (ms)', 'turns/s']
array tolerance[4] = [5, 5, 10, 2] # validate/comparison.h

stats $ttft_mean_ns using 2 nooutput name 'loads'
set datafile missing NaN # so that lines join a policy's points over the others'
aside(p) = (p - (policies - 1) / 2.0) * 0.015 * loads_max # intervals beside each other
set xtics 50
set multiplot
set label 1 'The simulator (lines) against runs (points, 95 % intervals)' at screen 0.035, 0.965 font font.' Bold,19' noenhanced
set label 2 device at screen 0.035, 0.93 textcolor rgb '#707070' noenhanced
set xrange [0:loads_max * 1.08]
do for [i = 1:4] {
    left = 90 + (i - 1) * 385
    unset xlabel
    eval(place(left, left + 300, 130, 620))
    set title '{/:Bold '.title[i].'}' offset 0, -0.3 textcolor rgb ink
    set format x ''
    set yrange [0:*]
    if (i == 1) { set key top left Left reverse } else { unset key }
    plot for [p = 0:policies - 1] '$'.metric[i] using 2:($1 == p ? $3 : NaN) with lines \
            linecolor rgb policy_colour[p % 8 + 1] title policy[p + 1], \
        for [p = 0:policies - 1] '$'.metric[i] using ($2 + aside(p)):($1 == p ? $4 : NaN):5 with yerrorbars \
            pointtype 7 pointsize 0.9 linecolor rgb policy_colour[p % 8 + 1] notitle
    unset label 1
    unset label 2
    unset key
    eval(place(left, left + 300, 690, 910))
    set title 'error of the simulator (%)' offset 0, -0.5 textcolor rgb ink
    set format x '%g'
    set xlabel 'load, % of time' textcolor rgb ink
    set yrange [-20:20]
    set object 1 rectangle from graph 0, first -tolerance[i] to graph 1, first tolerance[i] \
        behind fillcolor rgb '#E6F2E6' fillstyle solid noborder
    plot 0 linecolor rgb ink linewidth 0.6 notitle, \
        for [p = 0:policies - 1] '$'.metric[i] using 2:($1 == p ? ($6 > 20 ? 20 : $6 < -20 ? -20 : $6) : NaN) \
            with linespoints pointtype 7 pointsize 0.9 linecolor rgb policy_colour[p % 8 + 1] notitle
    unset object 1
}
unset multiplot
