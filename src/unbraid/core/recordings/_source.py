"""What files of sound may be, and what one was before it was read."""

from __future__ import annotations

from typing import NamedTuple

# Suffixes of recordings that cannot be read, which messages name.
UNREAD = frozenset((".m4a", ".aac", ".wma", ".amr", ".3gp", ".ra", ".mka", ".weba", ".ape", ".wv"))
RATES = (4_000, 768_000)  # samples a second
CHANNELS = 8  # at most, which are averaged
CLIPPED = 0.01  # share of samples at full scale from which on a recording counts as clipped
OFFSET = 0.002  # of full scale, from which on an offset is told


class Source(NamedTuple):
    """What a file of sound was before it was read.

    Args:
        rate: samples a second.
        channels: how many.
        seconds: its length.
        clipped: the share of samples at full scale.
        offset: the mean of its samples, which is subtracted.
        cancelled: its channels cancel each other, so that the loudest was taken alone.
    """

    rate: int
    channels: int
    seconds: float
    clipped: float = 0.0
    offset: float = 0.0
    cancelled: bool = False

    def told(self, rate: int) -> str:
        """Return what was done to it, as a text; empty if it is used as it was.

        >>> Source(96_000, 2, 0.5).told(48_000)
        '2 channels averaged; 96,000 Hz converted to 48,000'
        """
        parts = []
        if self.cancelled:
            parts.append(f"the loudest of {self.channels} channels, which cancel each other")
        elif self.channels > 1:
            parts.append(f"{self.channels} channels averaged")
        if self.rate != rate:
            parts.append(f"{self.rate:,} Hz converted to {rate:,}")
        if abs(self.offset) >= OFFSET:
            parts.append("an offset removed")
        if self.clipped > CLIPPED:
            parts.append(f"{self.clipped:.0%} of its samples are clipped, which is heard")
        return "; ".join(parts)
