# All upgrades of a cell laid over each other at t = 0: median and 5-95 % band of the response, one small panel per cell, same axes.
# The caller sets, besides style.gp's: panels (number), columns, rows, data (prefix: data.k is panel k's file: offset_ms median_ms
# p5_ms p95_ms lost), names (prefix: names.k holds the title, one line), from_ms, to_ms, low_ms, high_ms,
# note (more text for the subtitle), title_size (points).
load dir."/style.gp"
# The margins are pixels, since a panel's share of the picture shrinks with the number of rows.
head = 112.0; foot = 62.0; side = 92.0; edge = 22.0; gap_x = 22.0; gap_y = 42.0
panel_w = (width - side - edge - (columns - 1) * gap_x) / columns
panel_h = (height - head - foot - (rows - 1) * gap_y) / rows
set multiplot
set label 1 "Response around an upgrade, all upgrades laid over each other" at screen side / width,1 - 24.0 / height font ",14"
set label 2 "highest response of the pings due in each ms; the upgrade is requested at 0".note at screen side / width,1 - 46.0 / height textcolor rgb 0x555555
set logscale y
set yrange [low_ms:high_ms]
set xrange [from_ms:to_ms]
set xtics to_ms - from_ms > 120 ? 50 : 20
set grid xtics ytics lc rgb 0xDDDDDD lw 1 lt 1
# The legend, drawn once: gnuplot's own would be squeezed into the first panel.
unset key
legend_y = 1 - 64.0 / height
at(x) = (side + x) / width
set object 1 rectangle from screen at(0),legend_y - 5 / height to screen at(22),legend_y + 5 / height fc rgb sky fs solid 0.45 noborder
set label 4 "5 to 95 % of the upgrades" at screen at(28),legend_y
set arrow 4 from screen at(210),legend_y to screen at(232),legend_y nohead lw 1.8 lc rgb blue
set label 5 "median" at screen at(238),legend_y
set label 6 "a ping was lost" at screen at(320),legend_y point pt 7 ps 0.6 lc rgb vermillion offset 0.8,-0.1
line_of(file) = system("cat '".file."'")
do for [k = 1:panels] {
    column = (k - 1) % columns
    row = (k - 1) / columns
    left = (side + column * (panel_w + gap_x)) / width
    top = 1 - (head + row * (panel_h + gap_y)) / height
    set lmargin at screen left
    set rmargin at screen left + panel_w / width
    set tmargin at screen top
    set bmargin at screen top - panel_h / height
    set label 3 line_of(sprintf("%s.%d", names, k)) at graph 0,1.0 offset 0,0.7 left font sprintf(",%d", title_size) noenhanced
    if (column == 0) { set ylabel "response" offset 1; eval "set ytics ".ticks_ms } else { unset ylabel; eval "set ytics ".ticks_blank }
    last_of_column = k + columns > panels
    if (last_of_column) { set xlabel "ms from the request" offset 0,0.4; set xtics format "%g" } else { unset xlabel; set xtics format "" }
    set arrow 1 from 0,graph 0 to 0,graph 1 nohead lc rgb purple lw 1
    file = sprintf("%s.%d", data, k)
    plot \
        file using 1:3:4 with filledcurves fc rgb sky fs solid 0.45 noborder, \
        file using 1:2 with lines lw 1.8 lc rgb blue, \
        file using ($5 > 0 ? $1 : NaN):(high_ms / (high_ms / low_ms)**0.04) with points pt 7 ps 0.35 lc rgb vermillion
    unset label
    unset arrow
    unset object
}
unset multiplot
