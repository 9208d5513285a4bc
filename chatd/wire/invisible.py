"""Characters of which nothing can be seen.

White space, controls, what Unicode calls default-ignorable, other characters that
only steer how their neighbours are drawn, and the few whose glyph is blank. A
combining mark alone is seen, it is drawn over nothing or over a dotted circle; and
what no font has is drawn as a box.

Unicode 17.0.

Made by contrib/unicode/generate.py; do not edit.

Source: PropList.txt, DerivedCoreProperties.txt, IndicSyllabicCategory.txt and
UnicodeData.txt of Unicode, by way of ICU 78.3; LICENSE.unicode has its
terms.
"""

INVISIBLE = """
0-20 7f-a0 ad 34f 61c 1039 115f-1160 1680 17b4-17b5 17d2 180b-180f 1a60 1bab 2000-200f
2028-202f 205f-206f 2800 3000 3164 aaf6 d800-dfff fe00-fe0f feff ffa0 fff0-fffb 10a3f
1107f 11133 113d0 1193e 11a47 11a99 11d45 11d97 11f42 13430-1343f 13441-13442 16fe4
1bca0-1bca3 1d159 1d173-1d17a e0000-e0fff
"""
"""Ranges of hexadecimal code points, in order."""
