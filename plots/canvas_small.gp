# plots/canvas_small.gp - opens a picture that is read on phones too: 640 pixels wide, with large letters. In: height,
# picture_format, picture_file. Out: scale, of points; font; small_letters, the usual size as `font`.
width = 640
# Points of the terminals differ, and a browser may have no DejaVu: there its own sans-serif.
scale = picture_format eq 'png' ? 2 : 1.25
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size 2 * width, 2 * height font font.',38' linewidth 3 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font 'sans-serif,24' linewidth 1.5 background '#FFFFFF'
    font = 'sans-serif'
}
set output picture_file
small_letters = sprintf(',%.0f', 17 * scale)
