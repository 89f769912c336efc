# Percentile curves of the response, one colour and dash per cell, one curve per run.
# The caller sets, besides style.gp's: cells, curves (numbers), data (prefix: data.k is curve k's file: 1/(1-p) value_ms), names (prefix: names.k holds the
# title, empty for further runs of the same cell), styles (file-less: words, the cell's number of each curve), x_high, low_ms, high_ms, key_pixels.
load dir."/style.gp"
colour_of(i) = i == 0 ? blue : i == 1 ? vermillion : i == 2 ? green : i == 3 ? orange : i == 4 ? sky : i == 5 ? purple : black
number(k) = int(word(styles, k)) - 1
dash(k) = number(k) / 7 % 4 + 1
line_of(file) = system("cat '".file."'")
set lmargin at screen 92.0 / width
set rmargin at screen 1 - key_pixels / width
set tmargin at screen 1 - 66.0 / height
set bmargin at screen 62.0 / height
set label 1 "How long a ping waited for its pong" at screen 92.0 / width,1 - 24.0 / height font ",14"
set label 2 "response, from the instant at which the ping was due; one curve per run" at screen 92.0 / width,1 - 46.0 / height textcolor rgb 0x555555
set key at screen 1 - (key_pixels - 8.0) / width,1 - 66.0 / height left Left reverse vertical top samplen 2 spacing 1.15 noenhanced
set logscale xy
set xrange [1:x_high]
set yrange [low_ms:high_ms]
eval "set ytics ".ticks_ms
set xtics ("0 %%" 1, "50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, "99.999 %%" 1e5, "99.9999 %%" 1e6, "99.99999 %%" 1e7)
set xlabel "share of the pings that waited no longer" offset 0,0.2
set ylabel "response" offset 0.5
set grid xtics ytics lc rgb 0xDDDDDD lw 1 lt 1
# Later curves are thinner, so that one below another that it matches still shows.
plot for [k = 1:curves] sprintf("%s.%d", data, k) using 1:2 with lines lw 3.2 - 2.0 * number(k) / cells \
    lc rgb colour_of(number(k) % 7) dt dash(k) title line_of(sprintf("%s.%d", names, k))
