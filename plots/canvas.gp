# plots/canvas.gp - opens the picture. In: width, height (pixels), font, text_size, picture_format, picture_file.
if (picture_format eq 'png') {
    set terminal pngcairo enhanced size width, height font font.','.text_size linewidth 1.6 background '#FFFFFF'
} else {
    set terminal svg enhanced size width, height font font.','.text_size linewidth 1.6 background '#FFFFFF'
}
set output picture_file

# Where a panel's axes lie: pixels from the left and the top edge.
frame = 'set lmargin at screen %f; set rmargin at screen %f; set tmargin at screen %f; set bmargin at screen %f'
place(left, right, top, bottom) = sprintf(frame, left / real(width), right / real(width), \
                                          1.0 - top / real(height), 1.0 - bottom / real(height))
