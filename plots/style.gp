# plots/style.gp - what all pictures share: fonts, colours, axes. Loaded before each page, which finds it
# as if nothing had been drawn before.
#
# In: picture_format ("png" or "svg"), picture_file, scripts (this folder), the data of plot_data.h.
# Colours: policies and other names have Okabe and Ito's palette, told apart by colour-blind readers as well; tiers
# have none of it but one hue, the darker the nearer to the GPU, so that no colour means both.

reset
set encoding utf8
width = 1600 # pixels; a page sets its height, then loads canvas.gp
font = 'DejaVu Sans'
text_size = 15 # points; so may a page

ink = '#303030'
# A policy's name as a page writes it. Too long a name loses its middle: the ends tell names apart.
shortened(name, most) = strlen(name) <= most ? name : \
    substr(name, 1, most / 2 - 1).'…'.substr(name, strlen(name) - most / 2 + 1, strlen(name))
name_of(i) = policy[i]
array policy_colour[8] = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000', '#999999']
array policy_dash[2] = [1, 2]
colour_hbm = '#3F1A6B'
colour_dram = '#8A63B8'
colour_ssd = '#CDB8E3'
colour_pool = '#5E7A84'
colour_computed = '#E6E6E6'
array tier_name[4] = ['HBM', 'DRAM', 'SSD', 'pool']
array tier_colour[4] = [colour_hbm, colour_dram, colour_ssd, colour_pool]

set border 3 linecolor rgb ink linewidth 0.8
set tics nomirror textcolor rgb ink scale 0.6
set grid linecolor rgb '#D4D4D4' linewidth 0.6 dashtype solid, linecolor rgb '#ECECEC' linewidth 0.4 dashtype solid
set key noenhanced textcolor rgb ink samplen 2.2 spacing 1.15
set style fill solid 1.0 noborder

# Where a panel's axes lie: pixels from the left and the top edge of a canvas of width and height.
frame = 'set lmargin at screen %f; set rmargin at screen %f; set tmargin at screen %f; set bmargin at screen %f'
place(left, right, top, bottom) = sprintf(frame, left / real(width), right / real(width), \
                                          1.0 - top / real(height), 1.0 - bottom / real(height))
