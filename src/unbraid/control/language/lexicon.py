"""The words of requests and their meanings, as tables."""

from __future__ import annotations


def _listed(words: str) -> list[str]:
    return words.split()


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NUMBERS = {
    word: float(value)
    for value, word in enumerate(
        _listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
    )
}
TENS = {
    word: 10.0 * (tens + 2)
    for tens, word in enumerate(_listed("twenty thirty forty fifty sixty seventy eighty ninety"))
}

# Ignored, and never the name of a level: a class called "a" is requested as "label=a".
ARTICLES = _set(
    "a an the of in on at to into and with as is be it its this that by for from i s es"
)
# Ignored, unless a level has this name.
FILLERS = ARTICLES | _set(
    "some my your me would like want please draw drawn drawing show give get generate make made "
    "change changed set put placed place located positioned position image picture images pictures "
    "handwritten written writing handwriting number figure character near side part half area edge "
    "whose which has have having then now also just quite rather fairly pretty but pointing same "
    "sized hand third"
)

# -- positions in the range: -1 is the low end, 1 the high end -------------------------------------

SIZES = {
    **dict.fromkeys(("tiny", "smallest", "minuscule"), -1.0),
    **dict.fromkeys(("small", "little"), -0.75),
    **dict.fromkeys(("big", "large"), 0.75),
    **dict.fromkeys(("huge", "giant", "enormous", "biggest", "largest"), 1.0),
}
THICKNESSES = {
    **dict.fromkeys(("hairline", "thinnest"), -1.0),
    **dict.fromkeys(("thin", "fine", "slim"), -0.75),
    **dict.fromkeys(("thick", "bold", "fat", "heavy"), 0.75),
    **dict.fromkeys(("thickest", "boldest"), 1.0),
}
MIDDLES = dict.fromkeys(("medium", "average", "normal", "regular", "mid"), 0.0)
# for any ordered factor, after its name
LEVEL_WORDS = {
    **dict.fromkeys(("lowest", "minimum", "minimal", "min"), -1.0),
    "low": -0.75,
    **dict.fromkeys(("middle", "middling"), 0.0),
    "high": 0.75,
    **dict.fromkeys(("highest", "maximum", "maximal", "max"), 1.0),
}

# -- places, positive to the right and upwards -----------------------------------------------------

HORIZONTAL = {"left": -1.0, "right": 1.0, "leftmost": -1.5, "rightmost": 1.5}
VERTICAL = {
    **dict.fromkeys(("top", "up", "upper", "upwards", "high"), 1.0),
    **dict.fromkeys(("bottom", "down", "lower", "downwards", "low"), -1.0),
    **dict.fromkeys(("topmost", "highest"), 1.5),
    **dict.fromkeys(("bottommost", "lowest"), -1.5),
}
SIDE_POSITION = 2 / 3  # position of "left" between the middle and the left end
CENTRES = _set("centre center middle centred centered central")
VERTICAL_OFFSETS = {
    "above": 1.0,
    "below": -1.0,
    "up": 1.0,
    "down": -1.0,
    "higher": 1.0,
    "lower": -1.0,
}
# before one of these, "lower" and "upper" name a place
POSITION_NOUNS = _set("left right corner half part side edge area third quarter")

# -- rotations, positive counter-clockwise; in an edit, a command is relative to the image ---------

ROTATED = _set("rotated tilted turned slanted slanting leaning leaned angled spun")
ROTATE = _set("rotate tilt turn slant lean spin")  # commands
ROTATION_SIGNS = {
    ("clockwise",): -1.0,
    ("cw",): -1.0,
    ("counter", "clockwise"): 1.0,
    ("counterclockwise",): 1.0,
    ("anti", "clockwise"): 1.0,
    ("anticlockwise",): 1.0,
    ("ccw",): 1.0,
}
TILT_SIGNS = {"left": 1.0, "right": -1.0}
UPRIGHT = _set("upright straight straighten straightened unrotated untilted")
DEFAULT_ROTATION = (
    45.0  # degrees; "tilted left" is two thirds of it, or of the range if that is smaller
)
MOVE = _set("move shift push")  # commands
MOVED = _set("moved shifted pushed")

# -- more and less ---------------------------------------------------------------------------------

INTENSIFIERS = {
    **dict.fromkeys(_listed("very extremely really far strongly heavily way much"), 1.5),
    **dict.fromkeys(_listed("slightly somewhat bit little lightly"), 0.5),
}
SIZE_COMPARATIVES = {"bigger": 1.0, "larger": 1.0, "enlarge": 1.0, "smaller": -1.0, "shrink": -1.0}
THICKNESS_COMPARATIVES = {
    **dict.fromkeys(("thicker", "bolder", "heavier", "fatter", "thicken"), 1.0),
    **dict.fromkeys(("thinner", "finer", "slimmer"), -1.0),
}
VERTICAL_COMPARATIVES = {"higher": 1.0, "lower": -1.0}
MORE = _set("further farther more")
RATIOS = {"half": 0.5, "twice": 2.0, "double": 2.0, "triple": 3.0}
TILT_CHANGE = 0.5  # "less tilted" halves the angle, "more tilted" adds half of it
NEGATIONS = _set("not no without never isn don")
DEFAULT_STEP = 0.25  # of the range, for "bigger"
ROTATION_STEP = 15.0  # degrees, for "turned further left"

# -- units -----------------------------------------------------------------------------------------

UNITS = {
    **dict.fromkeys(("px", "pixel", "pixels"), "pixels"),
    **dict.fromkeys(("°", "deg", "degs", "degree", "degrees"), "degrees"),
    **dict.fromkeys(("rad", "rads", "radian", "radians"), "radians"),
    **dict.fromkeys(("%", "percent"), "percent"),
}
TO_THE = frozenset(("to", "the", "towards"))
IN_THE = TO_THE | {"in", "on", "at"}
UNCONSTRAINED = _set("any free random whatever anything something")

# -- hues, as fractions of the colour circle -------------------------------------------------------

HUES = {
    "red": 0.0,
    "orange": 30 / 360,
    "yellow": 60 / 360,
    "green": 120 / 360,
    "cyan": 180 / 360,
    "turquoise": 180 / 360,
    "blue": 240 / 360,
    "violet": 270 / 360,
    "purple": 285 / 360,
    "magenta": 300 / 360,
    "pink": 330 / 360,
}

# -- the role of a factor, by its name -------------------------------------------------------------

ROLE_NAMES = {
    "size": _set("size scale"),
    "thickness": _set("thickness stroke strokewidth linewidth"),
    "horizontal": _set("x posx xpos positionx xposition horizontalposition"),
    "vertical": _set("y posy ypos positiony yposition verticalposition"),
    "rotation": _set("angle orientation rotation tilt slant"),
    "hue": frozenset(["hue"]),
}
ALIASES = {
    "size": ("size", "scale"),
    "thickness": ("thickness", "stroke", "strokes", "stroke width", "line", "lines", "line width"),
    "rotation": ("angle", "rotation", "orientation", "slant"),
}
