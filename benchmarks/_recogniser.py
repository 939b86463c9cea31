"""A recogniser that nobody here trained: pocketsphinx, with the English model in its wheel."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.recordings import resampled
from unbraid.datasets.speech import RATE, WORDS
from unbraid.sound import at_loudness

ITS_RATE = 16_000  # samples a second, of what its model was trained on
PAUSE = 0.3  # seconds before and after a word
LOUDNESS = -20.0  # dBFS that a word is brought to
HISS = 3e-4  # standard deviation of the noise without which silence has no spectrum


class Recogniser:
    """Chooses among ten words; a word is said once, between pauses."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder, get_model_path

        self.decoder = Decoder(
            hmm=get_model_path("en-us/en-us"),
            dict=get_model_path("en-us/cmudict-en-us.dict"),
            lm=None,
            samprate=ITS_RATE,
            loglevel="FATAL",
        )
        words = " | ".join(WORDS)
        self.decoder.add_jsgf_string(
            "digits", f"#JSGF V1.0; grammar digits; public <digit> = {words};"
        )
        self.decoder.activate_search("digits")
        self.name = f"pocketsphinx {version('pocketsphinx')}"

    def hear(self, sounds: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
        """Return the words of sounds at 8 kHz, (N,), as indices of ``WORDS``; -1 where none is."""
        return np.array([self._word(sound, row) for row, sound in enumerate(sounds)], np.int64)

    def _word(self, sound: NDArray[Any], seed: int) -> int:
        samples = resampled(at_loudness(sound, RATE, LOUDNESS), RATE, ITS_RATE)
        samples = np.pad(samples, round(PAUSE * ITS_RATE))
        samples = samples + HISS * np.random.default_rng(seed).standard_normal(len(samples))
        pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        self.decoder.start_utt()
        self.decoder.process_raw(pcm, full_utt=True)
        self.decoder.end_utt()
        found = self.decoder.hyp()
        return WORDS.index(found.hypstr) if found and found.hypstr in WORDS else -1
