"""The length of a vocal tract, measured against a reference that says the same word.

Formants are at frequencies inverse to the length (Fant 1960, "Acoustic Theory of Speech
Production"). As in vocal tract length normalisation (Lee and Rose 1996, "Speaker Normalization
Using Efficient Frequency Warping Procedures"), the length is that of the warp of the reference that
is most like the voice. Likeness is the correlation of the differences between neighbouring bands:
levels and tilt, which are of the microphone and the effort, drop out.
"""

from __future__ import annotations

import numpy as np

from unbraid.sound._frames import Floats
from unbraid.sound.canonical import FIRST, LAST, with_tract

LENGTHS = np.arange(70.0, 141.0)  # per cent that are tried
QUIET = -60.0  # decibels below which levels are no one's formants
_EDGE = 3  # bands at both ends, into which a warp brings what is not known


def tract_against(envelope: Floats, reference: Floats) -> float:
    """Return the length of the vocal tract in per cent of the reference's, 70 to 140.

    Args:
        envelope: (B, 64) decibels of a voice in the canonical frame, or (B, T) of several words.
        reference: of the same shape and the same words, such as the mean of many speakers.

    >>> bands, moments = np.mgrid[:64, :64]
    >>> formants = -30 + 20 * np.cos(bands / 5 + moments / 20) - bands / 4
    >>> round(tract_against(with_tract(formants, 110.0), formants))
    110
    """
    frames = slice(FIRST, LAST + 1) if envelope.shape[1] == 64 else slice(None)
    inner = slice(_EDGE, -_EDGE)
    own = np.diff(np.maximum(envelope, QUIET)[inner, frames], axis=0)
    floor = np.maximum(reference, QUIET)[:, frames]
    warped = with_tract(np.broadcast_to(floor, (len(LENGTHS), *floor.shape)), LENGTHS)
    tried = np.diff(warped[:, inner], axis=1)
    likeness = (tried * own).sum((1, 2)) / np.sqrt((tried**2).sum((1, 2)) + 1e-12)
    best = int(np.clip(likeness.argmax(), 1, len(LENGTHS) - 2))
    left, middle, right = likeness[best - 1 : best + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(LENGTHS[best] + np.clip(shift, -1, 1))
