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
    "handwritten written writing handwriting number figure character near side part area edge "
    "whose which has have having then now also just quite rather fairly pretty but pointing same "
    "sized hand"
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
# of a voice; "high" and "low" are places where a model has a place
PITCHES = {
    **dict.fromkeys(("lowest", "deepest"), -1.0),
    **dict.fromkeys(("low", "deep"), -0.75),
    "high": 0.75,
    "highest": 1.0,
}
DURATIONS = {
    **dict.fromkeys(("fastest", "quickest", "shortest"), -1.0),
    **dict.fromkeys(("fast", "quick", "quickly", "short", "brief"), -0.75),
    **dict.fromkeys(("slow", "slowly", "long"), 0.75),
    **dict.fromkeys(("slowest", "longest"), 1.0),
}
LOUDNESSES = {
    **dict.fromkeys(("quietest", "softest"), -1.0),
    **dict.fromkeys(("quiet", "quietly", "soft", "softly"), -0.75),
    **dict.fromkeys(("loud", "loudly"), 0.75),
    "loudest": 1.0,
}
LENGTHS = {"shortest": -1.0, "short": -0.75, "long": 0.75, "longest": 1.0}
TRACTS = SIZES | LENGTHS
# by role, in the order in which a word that several have is taken
ADJECTIVES = {
    "size": SIZES,
    "thickness": THICKNESSES,
    "pitch": PITCHES,
    "duration": DURATIONS,
    "loudness": LOUDNESSES,
    "tract": TRACTS,
    "length": LENGTHS,
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
# after a place, as in "top half"; elsewhere a half is no filler, as "half bold" is not bold
PARTS = _set("half third quarter")
# before one of these, "lower" and "upper" name a place
POSITION_NOUNS = _set("left right corner half part side edge area third quarter")

# -- rotations, positive counter-clockwise; in an edit, a command is relative to the image ---------

ROTATED = _set("rotated tilted turned slanted slanting leaning leaned angled spun")
ROTATE = _set("rotate tilt turn slant lean spin")  # commands
TURNED = ROTATED | ROTATE
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
PITCH_COMPARATIVES = {"higher": 1.0, **dict.fromkeys(("lower", "deeper"), -1.0)}
DURATION_COMPARATIVES = {
    **dict.fromkeys(("slower", "longer"), 1.0),
    **dict.fromkeys(("faster", "quicker", "shorter"), -1.0),
}
LOUDNESS_COMPARATIVES = {"louder": 1.0, **dict.fromkeys(("quieter", "softer"), -1.0)}
COMPARATIVES = {
    "size": SIZE_COMPARATIVES,
    "thickness": THICKNESS_COMPARATIVES,
    "vertical": VERTICAL_COMPARATIVES,
    "pitch": PITCH_COMPARATIVES,
    "duration": DURATION_COMPARATIVES,
    "loudness": LOUDNESS_COMPARATIVES,
    "tract": SIZE_COMPARATIVES,
    "length": {"longer": 1.0, "shorter": -1.0},
}
LEVEL_COMPARATIVES = {"higher": 1.0, "lower": -1.0, "longer": 1.0, "shorter": -1.0}  # before names
OWN_COMPARATIVES = {  # of any ordered factor, beside its name
    **dict.fromkeys(("more", "higher", "bigger", "larger", "longer", "greater"), 1.0),
    **dict.fromkeys(("less", "lower", "smaller", "shorter"), -1.0),
}
CHANGES = {  # commands before its name
    **dict.fromkeys(("increase", "raise"), 1.0),
    **dict.fromkeys(("decrease", "reduce", "lower"), -1.0),
}
SPEEDS = _set("slow slower slowly fast faster quick quicker quickly")  # of which twice is half
UP_DOWN = {"up": 1.0, "above": 1.0, "down": -1.0, "below": -1.0}  # after an interval
PHRASAL = {("slow", "down"): 1.0, ("speed", "up"): -1.0}  # changes of the duration
VOICE_STEPS = {  # of "higher", "slower", "louder" and "bigger" alone
    "pitch": (4.0, "semitones"),
    "duration": (1.3, "times"),
    "loudness": (6.0, "decibels"),
    "tract": (8.0, "percent"),
}
MORE = _set("further farther more")
RATIOS = {"half": 0.5, "twice": 2.0, "double": 2.0, "triple": 3.0}
TILT_CHANGE = 0.5  # "less tilted" halves the angle, "more tilted" adds half of it
RELATIONS = _set("!= < > \u2264 \u2265 \u2260 \u00b1")
NEGATIONS = _set("not no without never isn don")
DEFAULT_STEP = 0.25  # of the range, for "bigger"
ROTATION_STEP = 15.0  # degrees, for "turned further left"

# -- units -----------------------------------------------------------------------------------------

UNITS = {
    **dict.fromkeys(("px", "pixel", "pixels"), "pixels"),
    **dict.fromkeys(("°", "deg", "degs", "degree", "degrees"), "degrees"),
    **dict.fromkeys(("rad", "rads", "radian", "radians"), "radians"),
    **dict.fromkeys(("%", "percent"), "percent"),
    **dict.fromkeys(("hz", "hertz"), "hertz"),
    **dict.fromkeys(("semitone", "semitones", "st"), "semitones"),
    **dict.fromkeys(("octave", "octaves"), "octaves"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "milliseconds"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("db", "decibel", "decibels"), "decibels"),
    "dbfs": "dbfs",
}
ONE_OF = _set("octave semitone decibel second")  # units after "a" or "an"
TIMES = _set("times x")
# units that name a factor of a voice without its name
UNIT_ROLES = {
    "hertz": "pitch",
    "milliseconds": "duration",
    "seconds": "duration",
    "decibels": "loudness",
    "dbfs": "loudness",
}
# units of a signed number that is a change in an edit, without a factor's name
CHANGE_ROLES = {"semitones": "pitch", "octaves": "pitch", "decibels": "loudness"}
KEEP = _set("same keep keeping kept")

# -- voices: a word for a pitch in hertz and a vocal tract in percent of an average man's ----------

VOICES = {
    **dict.fromkeys(("woman", "female"), (210.0, 87.0)),
    **dict.fromkeys(("child", "kid"), (280.0, 85.0)),
    **dict.fromkeys(("man", "male"), (110.0, 100.0)),
}
VOICE_ROLES = ("pitch", "duration", "loudness", "tract")
# ignored where a model has a factor of a voice
VOICE_FILLERS = _set(
    "voice voices speaker speech recording sound spoken speaking said say says saying pitched"
)
TO_THE = frozenset(("to", "the", "towards"))
IN_THE = TO_THE | {"in", "on", "at"}
TRUTHS = {  # of factors with two levels of these words
    **dict.fromkeys(("true", "yes"), True),
    **dict.fromkeys(("false", "no", "not", "without"), False),
}
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
    "pitch": _set("pitch f0 fundamentalfrequency"),
    "duration": frozenset(["duration"]),
    "loudness": _set("loudness volume"),
    "tract": _set("tract vocaltract"),
    "length": _set("length linelength strokelength"),
}
ALIASES = {
    "size": ("size", "scale"),
    "thickness": ("thickness", "stroke", "strokes", "stroke width", "line", "lines", "line width"),
    "rotation": ("angle", "rotation", "orientation", "slant"),
    "pitch": ("pitch", "fundamental frequency"),
    "loudness": ("loudness", "volume", "level"),
    "tract": ("tract", "vocal tract"),
}
