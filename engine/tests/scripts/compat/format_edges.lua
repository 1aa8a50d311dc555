-- lua: 5.4 | runs
-- uses: string.format with widths, signs, precision, %x, %g, %i, %c, %o, %q
print(("[%5d] [%-5d] [%05d] [%+d] [% d]"):format(42, 42, 42, 42, 42))
print(("[%10s] [%-10s] [%.3s] [%s]"):format("right", "left", "truncated", 12))
print(("%x %X %#x %o %c%c %i %d%%"):format(255, 255, 255, 8, 72, 105, -3, 99.0))
print(("%.3f %8.2f %e %g %g %g"):format(2 / 3, 1234.567, 12345.678, 0.1, 1e20, 100000))
print(("%q"):format("line\nbreak \"quoted\" \\"))
print(("%s|%s"):format("a\0b", "c"):gsub("%z", "0"))

-- prints:
--> [   42] [42   ] [00042] [+42] [ 42]
--> [     right] [left      ] [tru] [12]
--> ff FF 0xff 10 Hi -3 99%
--> 0.667  1234.57 1.234568e+04 0.1 1e+20 100000
--> "line\
--> break \"quoted\" \\"
--> a0b|c	1
