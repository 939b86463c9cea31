"""Sound: analysis of recordings into pitch, envelope and noise, measurement, editing, synthesis.

Arrays and formulas alone: nothing here is learned, and no file is read or written. A recording is
an array of samples and a rate; a voice is the analysis of a recording; a voice picture is
an image of it, for models that see images.
"""

from unbraid.sound.canonical import Canonical, FrameFactors, canonical_of, voice_of
from unbraid.sound.editing import at_loudness, change, edit, lasting
from unbraid.sound.measures import Measures, measure
from unbraid.sound.pictures import (
    SIGNAL,
    canonical_of_picture,
    measure_picture,
    paint,
    picture_of,
    sound_of,
    variance_over_time,
    voice_of_picture,
)
from unbraid.sound.tract import tract_against
from unbraid.sound.vocoder import Voice, analyse, synthesise

__all__ = [
    "SIGNAL",
    "Canonical",
    "FrameFactors",
    "Measures",
    "Voice",
    "analyse",
    "at_loudness",
    "canonical_of",
    "canonical_of_picture",
    "change",
    "edit",
    "lasting",
    "measure",
    "measure_picture",
    "paint",
    "picture_of",
    "sound_of",
    "synthesise",
    "tract_against",
    "variance_over_time",
    "voice_of",
    "voice_of_picture",
]
