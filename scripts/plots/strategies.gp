# Loss and spike, cell by cell: one row each, dots with their numbers. A zero has no place on a log axis: it stands in a column of its own.
# The caller sets, besides style.gp's: data (file: row name lost lost_per_upgrade_max spike_median spike_p95 spike_max), cells (number),
# lost_low, lost_high (decades that hold all that is not zero), lost_most (the highest), lost_log (1: log axis), spike_low, spike_high, spike_log, spike_zero (1: there is one), rows_left
# (pixels for the names), runs_note (text).
load dir."/style.gp"
set datafile separator "\t"
top = 1 - 92.0 / height
bottom = 66.0 / height
left = rows_left / width
middle = left + (1 - left) * 0.47
set tmargin at screen top
set bmargin at screen bottom
set multiplot
# (Texts are made empty rather than points NaN: this gnuplot crashes on a plot "with labels" none of which has a place.)
set label 1 "What an upgrade cost" at screen 16.0 / width,1 - 26.0 / height font ",14"
set label 2 runs_note at screen 16.0 / width,1 - 49.0 / height textcolor rgb 0x555555
set yrange [cells + 0.5:0.5]
set ytics scale 0
unset key
set grid noytics xtics lc rgb 0xDDDDDD lw 1 lt 1
set border 1
do for [k = 1:cells] { set arrow 100 + k from graph 0,first k to graph 1,first k nohead lc rgb 0xEEEEEE lw 1 back }

set lmargin at screen left
set rmargin at screen middle - 46.0 / width
set label 3 "messages lost" at graph 0,1 offset 0,0.8
if (lost_log) {
    set logscale x
    zero = lost_low / 3.2
    set xrange [lost_low / 5.6:lost_high * 2.5]
    set xtics ("0" zero, "1" 1, "10" 10, "100" 100, "1 000" 1000, "10 000" 10000, "100 000" 1e5, "1 000 000" 1e6, "10 000 000" 1e7)
    set arrow 1 from lost_low / 1.8,graph 0 to lost_low / 1.8,graph 1 nohead lc rgb grey dt 3
} else {
    zero = 0
    set xrange [-lost_high * 0.04:lost_high * 1.25]
    if (lost_most > 0) { set xtics autofreq } else { set xtics ("0" 0) }
}
place(x) = x > 0 ? x : zero
plot data using (place($3)):1:ytic(2) with points pt 7 ps 1.5 lc rgb vermillion, \
     data using ($3 == 0 ? zero : NaN):1 with points pt 7 ps 1.7 lc rgb green, \
     data using (place($3)):1:(sprintf(" %d", $3)) with labels left offset 0.8,0 textcolor rgb 0x333333

unset arrow 1
unset logscale x
set lmargin at screen middle
set rmargin at screen 1 - 74.0 / width
set ytics format ""
set xtics autofreq
set label 3 "spike: highest response minus the usual median" at graph 0,1 offset 0,0.8
set key at screen 1 - 16.0 / width,1 - 26.0 / height right horizontal maxrows 1 samplen 1
if (spike_log) {
    set logscale x
    zero = spike_low / 3.2
    set xrange [(spike_zero ? spike_low / 5.6 : spike_low / 1.3):spike_high * 1.4]
    eval "set xtics ".ticks_ms
    if (spike_zero) { set xtics add ("0" zero) }
} else {
    zero = 0
    set xrange [-spike_high * 0.04:spike_high * 1.2]
    set format x "%g ms"
}
plot data using (place($5)):1:(place($5)):(place($7)) with xerrorbars pt -1 lw 1.4 lc rgb grey notitle, \
     data using (place($5)):1 with points pt 7 ps 1.5 lc rgb blue title "median upgrade", \
     data using (place($6)):1 with points pt 6 ps 1.3 lw 1.6 lc rgb black title "95 %", \
     data using (place($7)):1 with points pt 2 ps 1.0 lw 1.8 lc rgb orange title "worst", \
     data using (place($7)):1:(sprintf(" %.3g ms", $7)) with labels left offset 0.8,0 textcolor rgb 0x333333 notitle, \
     data using (spike_log ? spike_low : 0):1:(valid(5) ? "" : "no upgrade was measured") with labels left textcolor rgb grey notitle
unset multiplot
