# What became of the probes: cells by wire states, coloured by the share that was answered.
# The caller sets, besides style.gp's: data (file: row column share answered/placed needed-a-new-connection mark, share NaN where a cell has no
# probes in that state), names (file: row name), cells (number), rows_left (pixels for the names), runs_note (text).
load dir."/style.gp"
set datafile separator "\t"
left = rows_left / width
set lmargin at screen left
set rmargin at screen 1 - 110.0 / width
set tmargin at screen 1 - 118.0 / height
set bmargin at screen 22.0 / height
set label 1 "What became of a message in each state of its wire" at screen 16.0 / width,1 - 26.0 / height font ",14"
set label 2 runs_note at screen 16.0 / width,1 - 49.0 / height textcolor rgb 0x555555
set label 3 "answered / placed; below it: how many needed a new connection" at screen 16.0 / width,1 - 68.0 / height textcolor rgb 0x555555
# From vermillion over a pale yellow to blue: light in the middle, so that it also reads without colours.
set palette defined (0 "#D55E00", 0.5 "#F7EFC0", 1 "#0072B2")
set cbrange [0:1]
set cbtics ("all lost" 0, "half" 0.5, "all\nanswered" 1) scale 0
set colorbox user origin screen 1 - 96.0 / width,22.0 / height size screen 14.0 / width,1 - 140.0 / height noborder
unset key
unset grid
unset border
set xrange [0.5:6.5]
set yrange [cells + 0.5:0.5]
set x2range [0.5:6.5]
unset xtics
set x2tics ("connecting" 1, "connected\nidle" 2, "half\nsent" 3, "sent" 4, "half\nanswered" 5, "answered\nidle" 6) scale 0 textcolor rgb 0x333333
set ytics scale 0
set style fill solid 1 border lc rgb "white"
ink(share) = share < 0.28 || share > 0.75 ? 0xFFFFFF : 0x222222
plot names using (0):1:ytic(2) with points pt -1, \
     data using 2:1:(0.47):(0.44):3 with boxxyerror fc palette, \
     data using 2:1:(strcol(4)):(ink($3)) with labels offset 0,0.35 textcolor rgb variable font ",11", \
     data using 2:1:(strcol(5)):(ink($3)) with labels offset 0,-0.75 textcolor rgb variable font ",8"
