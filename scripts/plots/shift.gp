# How much higher each quantile of a cell's spikes lies than the same quantile of the baseline's, one small panel per cell, each with
# its own axis, since strategies differ by orders of magnitude. Above 0: worse than the baseline.
# The caller sets, besides style.gp's: panels (number), columns, rows, data (prefix: data.k is panel k's file: percent shift_ms low_ms
# high_ms, "-" where there is no interval), names (prefix: names.k holds the title, one line), baseline (its name), note (more text for
# the subtitle), title_size (points).
load dir."/style.gp"
# The margins are pixels, since a panel's share of the picture shrinks with the number of rows.
head = 112.0; foot = 62.0; side = 92.0; edge = 22.0; gap_x = 76.0; gap_y = 42.0
panel_w = (width - side - edge - (columns - 1) * gap_x) / columns
panel_h = (height - head - foot - (rows - 1) * gap_y) / rows
line_of(file) = system("cat '".file."'")
set multiplot
set label 1 "Spikes against ".baseline.", quantile by quantile" at screen side / width,1 - 24.0 / height font ",14"
set label 2 "the cell's quantile minus the baseline's, in ms; above 0 is worse".note at screen side / width,1 - 46.0 / height textcolor rgb 0x555555
unset key
legend_y = 1 - 70.0 / height
at(x) = (side + x) / width
set arrow 4 from screen at(0),legend_y to screen at(22),legend_y nohead lw 1.8 lc rgb blue
set label 4 "shift" at screen at(28),legend_y
set arrow 5 from screen at(90),legend_y - 6 / height to screen at(90),legend_y + 6 / height nohead lw 1.4 lc rgb sky
set label 5 "95 % interval" at screen at(100),legend_y
set xrange [0:100]
set xtics 0,20,100
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
    if (column == 0) { set ylabel "shift, ms" offset 1 } else { unset ylabel }
    last_of_column = k + columns > panels
    if (last_of_column) { set xlabel "quantile" offset 0,0.4; set xtics format "%g %%" } else { unset xlabel; set xtics format "" }
    file = sprintf("%s.%d", data, k)
    set yrange [*:*] # or stats would leave out what the last panel had no room for
    intervals = int(system("awk '$3 != \"-\"' '".file."' | wc -l"))
    stats file using (intervals > 0 ? $3 : $2) nooutput
    low = STATS_min < 0 ? STATS_min : 0.0
    stats file using (intervals > 0 ? $4 : $2) nooutput
    high = STATS_max > 0 ? STATS_max : 0.0
    room = high - low > 0 ? (high - low) * 0.08 : 1
    set yrange [low - room:high + room]
    set arrow 1 from graph 0,first 0 to graph 1,first 0 nohead lc rgb grey lw 1.2 dt 2
    if (intervals > 0) {
        plot file using 1:2:3:4 with yerrorbars pt -1 lw 1.4 lc rgb sky, \
             file using 1:2 with linespoints lw 1.8 pt 7 ps 0.8 lc rgb blue
    } else {
        plot file using 1:2 with linespoints lw 1.8 pt 7 ps 0.8 lc rgb blue
    }
    unset label
    unset arrow
}
unset multiplot
