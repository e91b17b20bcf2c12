# plots/panel_bytes.gp - bytes over each link by cause: a group a policy, in it a bar a link, stacked.
# $bytes' columns: plot_data.h. What crosses two links stands in both links' bars.

set title "{/:Bold Bytes moved, by link and cause}" offset 0, -0.3 textcolor rgb ink
unset xlabel

scale = bytes_most >= 2e12 ? 1e12 : 1e9
set ylabel (scale == 1e12 ? 'TB' : 'GB') offset 0.5, 0 textcolor rgb ink
if (bytes_most == 0) { set label 9 'nothing was moved' at graph 0.5, 0.5 center textcolor rgb ink }

# Group i is centred at i; its bars 0 to 3, one a link, stand side by side around that.
middle(bar) = column(0) + 1 - 0.3 + 0.2 * bar
left(bar) = middle(bar) - 0.085
right(bar) = middle(bar) + 0.085

set xrange [0.45 : runs + 0.55]
set yrange [0 : bytes_most > 0 ? bytes_most / scale * 1.05 : 1]
set grid noxtics nomxtics
set xtics scale 0 (' ' 0)
array link[4] = ['to GPU', 'from GPU', 'SSD read', 'SSD write']
do for [i = 1:runs] {
    do for [bar = 0:3] {
        set label 100 + 10 * i + bar link[bar + 1] at i - 0.3 + 0.2 * bar, graph -0.02 right rotate by 90 \
            font font.',12' textcolor rgb ink
    }
    plus = strstrt(policy[i], '+')
    label_text = plus > 0 ? substr(policy[i], 1, plus)."\n".substr(policy[i], plus + 1, strlen(policy[i])) : policy[i]
    set label 100 + 10 * i + 4 label_text at i, graph 0 center offset 0, -4.2 noenhanced \
        font font.(runs > 3 ? ',13' : ',15') textcolor rgb ink
}
set key at graph 1.03, 1.0 left top vertical reverse Left

plot $bytes using (middle(0)):(0):(left(0)):(right(0)):(0):($1 / scale) with boxxyerror \
         linecolor rgb cause_colour[1] title 'load DRAM to HBM', \
     $bytes using (middle(0)):(0):(left(0)):(right(0)):($1 / scale):(($1 + $2) / scale) with boxxyerror \
         linecolor rgb cause_colour[2] title 'load SSD to HBM', \
     $bytes using (middle(1)):(0):(left(1)):(right(1)):(0):($4 / scale) with boxxyerror \
         linecolor rgb cause_colour[4] title 'save HBM to DRAM', \
     $bytes using (middle(1)):(0):(left(1)):(right(1)):($4 / scale):(($4 + $5) / scale) with boxxyerror \
         linecolor rgb cause_colour[5] title 'save HBM to SSD', \
     $bytes using (middle(2)):(0):(left(2)):(right(2)):(0):($2 / scale) with boxxyerror \
         linecolor rgb cause_colour[2] notitle, \
     $bytes using (middle(2)):(0):(left(2)):(right(2)):($2 / scale):(($2 + $3) / scale) with boxxyerror \
         linecolor rgb cause_colour[3] title 'fetch SSD to DRAM', \
     $bytes using (middle(3)):(0):(left(3)):(right(3)):(0):($5 / scale) with boxxyerror \
         linecolor rgb cause_colour[5] notitle, \
     $bytes using (middle(3)):(0):(left(3)):(right(3)):($5 / scale):(($5 + $6) / scale) with boxxyerror \
         linecolor rgb cause_colour[6] title 'demote DRAM to SSD'

unset label
set key default
set key noenhanced textcolor rgb ink samplen 2.2 spacing 1.15
set grid xtics mxtics
set xtics scale 0.6 autofreq
set xrange [*:*]
set yrange [*:*]
