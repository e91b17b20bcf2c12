# plots/gantt.gp - turns' prefills, layer by layer: three lanes each. In: small (for phones), turns, x_least, x_most
# (ms since the prefill began), lane_name[], lane_dark[], lane_light[] (of layers with odd numbers and of the others),
# waits, other (colours); of each turn title_N, facts_N, before_N (texts), first_token_N (ms), $blocks_N: lane (0 load,
# 1 compute, 2 save), begin, end (ms), layer, and what it is: 0 a layer, 1 GPUs that wait, 2 GPUs that compute something
# else, 3 layers without a gap. Layers that follow each other differ in shade; every fifth is named where it is wide enough.
panel_height = small ? 222 : 240
key_height = small ? 44 : 46
height = key_height + panel_height * turns + (small ? 62 : 56)
load scripts.(small ? '/canvas_small.gp' : '/canvas.gp')
if (!small) { scale = 1; small_letters = ',12' }
span = x_most - x_least
margin = 0.02 * span
left = small ? 122 : 110
right = small ? 622 : 1560
set multiplot

# What is no layer: a swatch and a word each.
swatch(at, colour) = sprintf('set object rectangle from screen %f, %f to screen %f, %f fillcolor rgb "%s" fillstyle solid noborder', \
    at / real(width), 1 - (small ? 12 : 8) / real(height), (at + 20) / real(width), 1 - (small ? 32 : 22) / real(height), colour)
named_at(tag, at, text) = sprintf('set label %d "%s" at screen %f, %f left noenhanced textcolor rgb ink font "%s"', \
    tag, text, at / real(width), 1 - (small ? 22 : 15) / real(height), font.small_letters)
eval(swatch(small ? 12 : 110, lane_dark[2]))
eval(swatch(small ? 32 : 130, lane_light[2]))
eval(named_at(11, small ? 60 : 158, 'layers'))
eval(swatch(small ? 170 : 260, waits))
eval(named_at(12, small ? 198 : 288, 'the GPUs wait'))
eval(swatch(small ? 390 : 420, other))
eval(named_at(13, small ? 418 : 448, 'at other work'))

set yrange [2.6 : small ? -1.15 : -0.6]
set xrange [x_least - margin : x_most + margin]
set tics font font.(small ? small_letters : ',15')
set ytics (lane_name[1] 0, lane_name[2] 1, lane_name[3] 2) scale 0
set format x '%g'
set grid noytics
if (small) { unset xtics; unset grid }
unset key
is_named(begin, end, layer) = column(5) == 0 && int(layer) % 5 == 0 && (end - begin) > 0.011 * span ? column(1) : 1/0
is_dark(lane) = column(1) == lane && column(5) == 0 && int(column(4)) % 2 == 0 ? lane : 1/0
is_run(lane) = column(1) == lane && column(5) == 3 ? lane : 1/0
is_what(what) = column(5) == what ? column(1) : 1/0
do for [t = 1:turns] {
    top = key_height + panel_height * (t - 1)
    eval(place(left, right, top + (small ? 64 : 42), top + (small ? 204 : 192)))
    title_text = value(sprintf('title_%d', t)).(small ? '' : '; '.value(sprintf('facts_%d', t)))
    if (small) {
        set label 3 title_text at screen 12.0 / width, 1 - (top + 18) / real(height) left noenhanced textcolor rgb ink \
            font sprintf('%s Bold,%.0f', font, 18 * scale)
        set label 4 value(sprintf('facts_%d', t)) at screen 12.0 / width, 1 - (top + 46) / real(height) left noenhanced \
            textcolor rgb ink font font.small_letters
    } else {
        set title title_text noenhanced offset 0, 0.3 textcolor rgb ink
    }
    if (t == turns) {
        set xtics autofreq nomirror scale (small ? 0.4 : 0.6) font font.(small ? small_letters : ',15') textcolor rgb ink
        if (small) { set label 5 'ms since the prefill began' at screen (left + right) / 2.0 / width, 16.0 / height center \
            textcolor rgb ink font font.small_letters } \
        else { set xlabel 'ms since the prefill began' textcolor rgb ink }
    }
    done = value(sprintf('first_token_%d', t))
    set arrow 1 from done, graph 0 to done, graph 1 nohead front linecolor rgb ink linewidth 1.2 dashtype 2
    late = done > x_least + 0.8 * span
    if (small) {
        if (late) { set label 1 'first token' at done, -0.85 right offset -0.4, 0 textcolor rgb ink font font.small_letters } \
        else { set label 1 'first token' at done, -0.85 left offset 0.4, 0 textcolor rgb ink font font.small_letters }
    } else { set label 1 'first token' at done, graph 1.07 center textcolor rgb ink font font.small_letters }
    set label 2 value(sprintf('before_%d', t)) at graph 0, graph (small ? 0.9 : 1.07) left noenhanced textcolor rgb ink font font.small_letters
    blocks = sprintf('$blocks_%d', t)
    plot for [lane = 0:2] blocks using (($2 + $3) / 2):(is_run(lane)):2:3:($1 - 0.36):($1 + 0.36) \
             with boxxyerror linecolor rgb lane_light[lane + 1] notitle, \
         for [lane = 0:2] blocks using (($2 + $3) / 2):(is_dark(lane)):2:3:($1 - 0.36):($1 + 0.36) \
             with boxxyerror linecolor rgb lane_dark[lane + 1] notitle, \
         for [what = 1:2] blocks using (($2 + $3) / 2):(is_what(what)):2:3:($1 - 0.36):($1 + 0.36) \
             with boxxyerror linecolor rgb (what == 1 ? waits : other) notitle, \
         for [names = 1:!small] blocks using (($2 + $3) / 2):(is_named($2, $3, $4)):(sprintf('%d', $4)) \
             with labels font font.',10' textcolor rgb '#FFFFFF' notitle
    if (t == 1) { unset object; unset label 11; unset label 12; unset label 13 } # of the whole picture
}
unset multiplot
