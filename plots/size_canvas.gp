# plots/size_canvas.gp - opens a picture of a search's answer: 640 pixels wide with large letters, which a phone
# shows at half the size. In: height, font, picture_format, picture_file, ink.
width = 640
scale = picture_format eq 'png' ? 2 : 1
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size 2 * width, 2 * height font font.',38' linewidth 3 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.',19' linewidth 1.5 background '#FFFFFF'
}
set output picture_file
small = sprintf(',%d', 17 * scale)
smaller = sprintf(',%d', 15 * scale)
set title offset 0, -0.3 textcolor rgb ink noenhanced
set tics font font.small
colour_kept = '#0072B2'
colour_broken = '#B9B9B9'
colour_chosen = '#D55E00'
colour_promise = '#B02020'
