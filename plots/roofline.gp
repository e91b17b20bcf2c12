# plots/roofline.gp - operators under a GPU's roof, both axes logarithmic. In: what, prefill_name,
# decode_name, peak_flop, peak_bytes, attained_flop, attained_bytes, attained_name, x_least, x_most, y_least,
# y_most; $prefill and $decode: FLOP a byte, FLOP a second, share of the iteration, name, where the name goes.
width = 1000
height = 680
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size 2 * width, 2 * height font font.',24' linewidth 2.4 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.',13' linewidth 1.4 background '#FFFFFF'
}
set output picture_file
small = picture_format eq 'png' ? ',19' : ',10'

roof(flop, bytes, x) = flop < bytes * x ? flop : bytes * x
area(share) = 0.9 + 2.6 * sqrt(share)

set logscale xy 10
set xrange [x_least : x_most]
set yrange [y_least : y_most]
set title "{/:Bold Operators under the roof of one GPU}" offset 0, -0.2 textcolor rgb ink
set label 1 what at graph 0.015, 0.965 left noenhanced textcolor rgb ink
set label 2 "a point's area: its share of the iteration" at graph 0.015, 0.925 left \
    font font.small textcolor rgb '#707070'
set label 3 sprintf('%.0f TFLOP/s', peak_flop / 1e12) at graph 0.985, first peak_flop * 1.18 right \
    font font.small textcolor rgb ink
start = x_least * (x_most / x_least)**0.14
start = peak_bytes * start > 2 * y_least ? start : 2 * y_least / peak_bytes
set label 4 sprintf('%.2f TB/s', peak_bytes / 1e12) at first start, first peak_bytes * start * 1.5 \
    right font font.small textcolor rgb ink
set xlabel 'arithmetic intensity, FLOP per byte of HBM traffic' textcolor rgb ink
set ylabel 'FLOP/s of one GPU' textcolor rgb ink offset 0.5, 0
set xtics format '%g'
set xtics add ('1,000' 1e3, '10,000' 1e4, '100,000' 1e5)
set ytics ('1 G' 1e9, '10 G' 1e10, '100 G' 1e11, '1 T' 1e12, '10 T' 1e13, '100 T' 1e14, '1 P' 1e15, '10 P' 1e16)
set key at graph 0.985, 0.03 right bottom Right vertical font font.small noenhanced
set samples 1000

plot $prefill using 1:2:($5 / 1.08 - $1):($6 - $2) with vectors nohead linewidth 0.5 linecolor rgb '#B0C8D8' notitle, \
     $decode using 1:2:($5 / 1.08 - $1):($6 - $2) with vectors nohead linewidth 0.5 linecolor rgb '#E8C4A8' notitle, \
     roof(peak_flop, peak_bytes, x) with lines linewidth 1.6 linecolor rgb ink title 'datasheet', \
     roof(attained_flop, attained_bytes, x) with lines linewidth 1.4 dashtype 2 linecolor rgb ink title attained_name, \
     $prefill using 1:2:(area($3)) with points pointtype 7 pointsize variable linecolor rgb policy_colour[1] notitle, \
     $decode using 1:2:(area($3)) with points pointtype 7 pointsize variable linecolor rgb policy_colour[2] notitle, \
     NaN with points pointtype 7 pointsize 1.5 linecolor rgb policy_colour[1] title prefill_name, \
     NaN with points pointtype 7 pointsize 1.5 linecolor rgb policy_colour[2] title decode_name, \
     $prefill using 5:6:4 with labels left noenhanced font font.small textcolor rgb policy_colour[1] notitle, \
     $decode using 5:6:4 with labels left noenhanced font font.small textcolor rgb policy_colour[2] notitle
