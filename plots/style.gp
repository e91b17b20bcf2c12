# plots/style.gp - what all pictures share: size, fonts, colours, axes. Loaded before each page, which it
# finds as if nothing had been drawn before.
#
# In: picture_format ("png" or "svg"), picture_file, scripts (this folder), the data of plot_data.h.
# Colours: Okabe and Ito's palette, told apart by colour-blind readers as well.

reset
width = 1600
height = 900
font = 'DejaVu Sans'

if (picture_format eq 'png') {
    set terminal pngcairo enhanced size width, height font font.',16' linewidth 1.6 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.',16' linewidth 1.6 background '#FFFFFF'
}
set output picture_file
set encoding utf8

ink = '#303030'
array policy_colour[8] = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000', '#999999']
array policy_dash[3] = [1, 2, 4]
colour_hbm = '#D55E00'
colour_dram = '#0072B2'
colour_ssd = '#56B4E9'
colour_computed = '#E2E2E2'
# In the order of $bytes' columns.
array cause_colour[6] = ['#56B4E9', '#0072B2', '#009E73', '#E69F00', '#D55E00', '#CC79A7']

set border 3 linecolor rgb ink linewidth 0.8
set tics nomirror textcolor rgb ink scale 0.6
set grid linecolor rgb '#CFCFCF' linewidth 0.6 dashtype 1, linecolor rgb '#E6E6E6' linewidth 0.4 dashtype 1
set key noenhanced textcolor rgb ink samplen 2.2 spacing 1.15
set style fill solid 1.0 noborder
set xlabel textcolor rgb ink
set ylabel textcolor rgb ink
