# plots/page_curves.gp - how the times to the first token are distributed.
height = 476 + 36 * curves
load scripts.'/canvas_small.gp'
name_of(i) = shortened(policy[i], 30)
eval(place(142, 620, 58, 360))
set tics font font.small_letters
curves_key = sprintf('set key at screen 0.02, screen %f left top vertical maxrows %d reverse Left font "%s"', \
                     (36.0 * curves + 12) / height, curves, font.small_letters)
load scripts.'/panel_ttft_cdf.gp'
