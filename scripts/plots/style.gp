# What all plots share. The caller sets: format ("png" or "svg"), out (file), width, height (pixels), font_size.
# Colours: Okabe and Ito's palette, which people with any colour vision can tell apart (jfly.uni-koeln.de/color).
black = 0x000000; orange = 0xE69F00; sky = 0x56B4E9; green = 0x009E73
yellow = 0xF0E442; blue = 0x0072B2; vermillion = 0xD55E00; purple = 0xCC79A7; grey = 0x999999; pale = 0xE4E4E4

# Names of cells come from users: nothing in them is markup.
if (format eq "svg") {
    set terminal svg size width,height font "DejaVu Sans,12" background "white" noenhanced
} else {
    set terminal pngcairo size width,height font "DejaVu Sans,10" noenhanced
}
set output out
# from here on pixels are divided, and two whole numbers would be divided as such
width = width + 0.0; height = height + 0.0
set datafile missing "-"
set border 3 lc rgb 0x555555
set tics nomirror out tc rgb 0x333333
set grid ytics lc rgb 0xDDDDDD lw 1 lt 1
set title noenhanced

# Ticks of a log axis of milliseconds, as people say them; only those in range are drawn.
ticks_ms = '("1 µs" 0.001, "10 µs" 0.01, "100 µs" 0.1, "1 ms" 1, "10 ms" 10, "100 ms" 100, "1 s" 1000, "10 s" 10000, "100 s" 100000)'
ticks_blank = '("" 0.001, "" 0.01, "" 0.1, "" 1, "" 10, "" 100, "" 1000, "" 10000, "" 100000)'
upper_decade(x) = 10**ceil(log10(x))
