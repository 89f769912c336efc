# One run over time. Above: response (mean and highest of each bin, log axis) and the upgrades; below: messages lost in each bin.
# The caller sets, besides style.gp's: name (title), bins (file: t_s mean_ms max_ms lost tainted), upgrades (file: t_s),
# upgrades_count, width_s (of a bin), lost_total, tainted_bins, from_s, to_s, low_ms, high_ms, lost_max.
load dir."/style.gp"
set multiplot
left = 0.08; right = 0.975
set lmargin at screen left
set rmargin at screen right
set xrange [from_s:to_s]
half = width_s / 2

set tmargin at screen 0.84
set bmargin at screen 0.36
set label 1 name at screen left,0.955 font ",14" noenhanced
set label 2 sprintf("response of each %g ms of pings, by the instant at which they were due; %d upgrades, %d messages lost%s", \
    width_s * 1000, upgrades_count, lost_total, \
    tainted_bins > 0 ? sprintf("; the instrument was late in %d bins", tainted_bins) : "") at screen left,0.912 textcolor rgb 0x555555
set key at screen right,0.885 right horizontal maxrows 1 samplen 1.5 textcolor rgb 0x333333
set logscale y
set yrange [low_ms:high_ms]
eval "set ytics ".ticks_ms
set ylabel "response" offset 1
set format x ""
set xtics scale 0.5

# Few upgrades are lines through the panel; many would hide it, so they are a rug on its floor.
rug_top = upgrades_count <= 25 ? high_ms : low_ms * (high_ms / low_ms)**0.05
plot \
    bins using ($5 > 0 ? $1 : NaN):(low_ms):($1 - half):($1 + half):(low_ms):(high_ms) with boxxyerror \
        fill solid 1 noborder lc rgb pale title (tainted_bins > 0 ? "instrument late" : ""), \
    upgrades using 1:(low_ms):(0):(rug_top - low_ms) with vectors nohead lw 1 lc rgb purple \
        title (upgrades_count > 0 ? "upgrade requested" : ""), \
    bins using 1:3 with lines lw 1.2 lc rgb orange title "highest", \
    bins using 1:2 with lines lw 1.8 lc rgb blue title "mean"

unset label
unset logscale y
set tmargin at screen 0.32
set bmargin at screen 0.12
unset key
set format x "%g"
set format y "%g"
set xlabel "seconds since the first ping was due" offset 0,0.3
unset ylabel
set label 5 "lost" at screen 0.0165,0.22 center rotate
set ytics autofreq
if (lost_total == 0) {
    set yrange [0:1]
    set ytics (0)
    set label 4 "no message was lost" at graph 0.5,0.5 center front textcolor rgb 0x555555
} else {
    if (lost_max > 200) {
        # 0 has no place on a log axis, and nothing is drawn for it; 0.5 is the floor
        set logscale y
        set yrange [0.5:upper_decade(lost_max * 1.2)]
        set ytics ("1" 1, "10" 10, "100" 100, "1000" 1000, "10 000" 10000, "100 000" 100000, "1 000 000" 1000000)
    } else {
        set yrange [0:lost_max * 1.15]
    }
}
floor = lost_max > 200 ? 0.5 : 0
plot \
    bins using ($5 > 0 ? $1 : NaN):(floor):($1 - half):($1 + half):(floor):(lost_total == 0 ? 1 : lost_max * 10) with boxxyerror \
        fill solid 1 noborder lc rgb pale, \
    bins using 1:($4 > 0 ? $4 : NaN):($1 - half):($1 + half):(floor):4 with boxxyerror \
        fill solid 1 noborder lc rgb vermillion
unset multiplot
