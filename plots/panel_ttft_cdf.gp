# plots/panel_ttft_cdf.gp - the share of turns whose first token came within a time, a line a policy; policies
# whose lines would lie on each other have one. In: curves_key, a command that places the key.

set title "{/:Bold Time to first token}" offset 0, -0.3 textcolor rgb ink
set xlabel 'from the turn being asked, logarithmic' textcolor rgb ink
set ylabel 'share of turns' offset 0.5, 0 textcolor rgb ink
set logscale x 10
set xtics ('1 ms' 1e-3, '10 ms' 1e-2, '0.1 s' 0.1, '1 s' 1, '10 s' 10, '100 s' 100, '1,000 s' 1e3, \
           '10,000 s' 1e4, '100,000 s' 1e5)
do for [decade = -3:4] { do for [digit = 2:9] { set xtics add ('' digit * 10.0**decade 1) } }
set format y '%g %%'
set yrange [0:100]
set ytics 25
set key off

if (ttft_most == 0) {
    set xrange [0.1:100]
    set label 1 'no turn was measured' at graph 0.5, 0.5 center textcolor rgb ink
    plot NaN notitle
    unset label 1
} else {
    # Room beside the curves, so that one that stands upright is seen.
    set xrange [ttft_least / 1.3 : ttft_most * 1.3]
    eval(curves_key)
    array curve_title[runs]
    do for [i = 1:runs] {
        first_run = curve_of[i]
        curve_title[i] = name_of(i)
        if (first_run < i) {
            curve_title[first_run] = curve_runs[first_run] == 2 ? name_of(first_run).', '.name_of(i) : \
                                     sprintf('%s and %d like it', name_of(first_run), curve_runs[first_run] - 1)
        }
    }
    plot for [i = 1:runs] sprintf('$ttft_%d', i) using 1:(curve_of[i] == i ? $2 * 100 : NaN) with lines linewidth 2.5 \
         linecolor rgb policy_colour[1 + (i - 1) % 8] dashtype policy_dash[1 + ((i - 1) / 8) % 2] \
         title (curve_of[i] == i ? curve_title[i] : '')
}

set key default
set key noenhanced textcolor rgb ink samplen 2.2 spacing 1.15
unset logscale x
set xrange [*:*]
set yrange [*:*]
set xtics autofreq
set ytics autofreq
set format y '%g'
