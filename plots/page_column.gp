# plots/page_column.gp - where rows of bars lie on a small canvas: loaded by pages for a page's column, which set height.
row_height = 88
bars_top = 62
bars_height = row_height * runs + 10
# Policy i's bar lies below its name.
low(i) = -i + 0.04
high(i) = -i + 0.44
name_at(i) = -i + 0.67
# The first n of HBM, DRAM, SSD, pool and computed, in percent.
up_to(n) = n == 0 ? 0 : sum [k = 1:n] column(k + 2)
name_of(i) = shortened(policy[i], 42)
