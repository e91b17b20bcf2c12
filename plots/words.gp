# plots/words.gp - numbers as texts.
number(value) = value >= 100 ? sprintf('%.0f', value) : value >= 10 ? sprintf('%.1f', value) : sprintf('%.2f', value)
time_text(s) = s < 1e-3 ? number(s * 1e6).' µs' : s < 1 ? number(s * 1e3).' ms' : s < 60 ? number(s).' s' : \
               s < 3600 ? number(s / 60.0).' min' : number(s / 3600.0).' h'
dollars_text(usd) = sprintf(usd < 10 ? '$%.3f' : '$%.2f', usd)
bytes_text(b) = b < 1e9 ? number(b / 1e6).' MB' : b < 1e12 ? number(b / 1e9).' GB' : number(b / 1e12).' TB'
