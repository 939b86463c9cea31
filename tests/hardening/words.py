"""What generated input is made of: option values, words of requests, odd arrays."""

# ruff: noqa: RUF001
# fmt: off

VALUES = [
    "", " ", "nan", "inf", "-inf", "-1", "0", "1e400", "1e-400", "99999999999999999999", "1.5",
    "abc", "None", "true", "[1]", "{}", "'", '"', "\\", "%s", "${HOME}", "../../x", "/", ".",
    "/dev/null", "é", "日本", "\udc80", "a\nb", "\x1b[31m", "-", "--", "a" * 5000, "𝟙", "１",
    "0x10", "+5", "1e3", "~", "~nosuch/x", "-0", "1,5", ",", "all", "mig,nosuch", "1/0",
]
WORDS = [
    "small", "large", "big", "tiny", "seven", "three", "7", "in", "the", "top", "bottom", "left",
    "right", "middle", "rotated", "30", "degrees", "by", "twice", "half", "thick", "thin", "bold",
    "upright", "not", "no", "and", "or", "but", "very", "slightly", "-5", "1e9", "nan", "12,5", "%",
    "px", "pixels", "to", "of", "at", "a", "an", "x", "y", "angle", "size", "thickness", "digit",
    "=", ":", "between", "from", "until", "more", "less", "than", "as", "bigger", "smaller", "zero",
    "ten", "eleven", "hundred", "minus", "plus", "clockwise", "mirrored", "red", "0", "00", "½",
    "⅓", "٣", "７", "\u200b", "é", "ß", "日本", "🙂", "(", ")", '"', "'", ";", "\\", "/", "the-the",
    "3-5", "3to5", "+-", "++", "--", "...", "?",
]
DTYPES = [
    "u1", "i1", "i8", "u8", "f2", "f4", "f8", ">f4", ">i4", "c8", "?", "U3", "S3", "M8[s]", "V4",
]
SHAPES = [
    (), (0,), (5,), (60, 256), (60, 16, 16), (60, 16, 16, 3), (60, 2, 16, 16), (60, 16, 16, 9),
    (3, 16, 16), (1, 16, 16), (60, 5, 5), (0, 16, 16), (60, 0, 16), (20, 1, 1, 16, 16),
    (60, 1, 300), (4, 16, 16), (60, 3, 3, 3),
]
