# plots/sweep_canvas.gp - opens a picture of a sweep: small, so that its letters can be read on a phone when
# it is one column of a report. PNGs are twice as large. In: picture_format, picture_file, font, ink.
width = 640
height = 500
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size 2 * width, 2 * height font font.',42' linewidth 3 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.',21' linewidth 1.5 background '#FFFFFF'
}
set output picture_file
small = picture_format eq 'png' ? ',34' : ',17'
set title offset 0, -0.2 textcolor rgb ink
set tics font font.small
