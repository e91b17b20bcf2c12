# plots/canvas.gp - opens the picture. In: width, height (pixels), font, text_size, picture_format, picture_file.
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size width, height font font.','.text_size linewidth 1.6 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.','.text_size linewidth 1.6 background '#FFFFFF'
}
set output picture_file
