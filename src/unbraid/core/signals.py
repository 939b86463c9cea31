"""What the arrays of a data set are: images or pictures of sound, with their ranges and units.

Arrays are (N, C, H, W), uint8 or floats on [0, 1], whatever the signal. The signal says what 0 and
1 stand for in each channel, what its rows and columns are, and how to show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError

Kind = Literal["image", "sound"]
Scale = Literal["linear", "log", "mel"]
Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True)
class Axis:
    """What the rows or the columns of a picture are.

    Args:
        name: such as ``"frequency"``.
        unit: such as ``"Hz"``; empty if there is none.
        ends: its values at the first and the last row or column.
        scale: how values are spaced between the ends.
    """

    name: str
    unit: str = ""
    ends: tuple[float, float] = (0.0, 1.0)
    scale: Scale = "linear"

    @property
    def label(self) -> str:
        """Name and unit, as a figure's axis shows them."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def values(self, count: int) -> NDArray[np.float64]:
        """Return the values of so many rows or columns.

        >>> Axis("frequency", "Hz", (100, 10_000), "log").values(3).round().tolist()
        [100.0, 1000.0, 10000.0]
        """
        low, high = self.ends
        if self.scale == "log":
            return np.geomspace(low, high, count)
        if self.scale == "mel":  # O'Shaughnessy 1987: 2595 log10(1 + f / 700)
            mel = np.linspace(np.log1p(low / 700), np.log1p(high / 700), count)
            return np.asarray(np.expm1(mel) * 700)
        return np.linspace(low, high, count)


@dataclass(frozen=True)
class Channel:
    """What the values of a channel are.

    Args:
        name: such as ``"envelope"``.
        unit: such as ``"dB"``; empty if there is none.
        range: what 0 and 1 (255 of uint8) stand for.
    """

    name: str
    unit: str = ""
    range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Signal:
    """What an array of a data set is, and how it is shown.

    Args:
        kind: ``image``, shown as it is; or ``sound``, shown in a colour map.
        shape: (C, H, W).
        axes: of the rows and of the columns; none of an image.
        channels: what each channel holds; none of an image.
        colormap: of matplotlib, for ``sound``.

    >>> Signal.image((3, 64, 64)).kind
    'image'
    """

    kind: Kind
    shape: Shape
    axes: tuple[Axis, ...] = ()
    channels: tuple[Channel, ...] = ()
    colormap: str = "magma"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UnbraidError(f"a signal's kind is {self.kind!r}, expected 'image' or 'sound'.")
        if self.kind == "sound" and (len(self.axes), len(self.channels)) != (2, self.shape[0]):
            raise UnbraidError(
                f"a sound of shape {self.shape} was given {len(self.axes)} axes and "
                f"{len(self.channels)} channels, expected an axis for the rows, one for the "
                f"columns, and {self.shape[0]} channels."
            )
        for axis in self.axes:
            if axis.scale not in get_args(Scale) or (axis.scale == "log" and min(axis.ends) <= 0):
                raise UnbraidError(
                    f"the axis {axis.name} has the scale {axis.scale!r} from {axis.ends[0]:g} to "
                    f"{axis.ends[1]:g}, expected 'linear', 'mel', or 'log' with ends above 0."
                )
        for channel in self.channels:
            low, high = channel.range
            if not (isfinite(low) and isfinite(high) and low < high):
                raise UnbraidError(
                    f"the channel {channel.name} ranges from {low:g} to {high:g}, expected two "
                    "finite numbers, the lower first."
                )

    @classmethod
    def image(cls, shape: Shape) -> Signal:
        """Return the signal of plain images (C, H, W): what every data set is unless it says."""
        return cls("image", shape)

    @classmethod
    def sound(
        cls,
        shape: Shape,
        axes: tuple[Axis, Axis],
        channels: tuple[Channel, ...],
        colormap: str = "magma",
    ) -> Signal:
        """Return the signal of pictures of sound (C, H, W), such as spectrograms.

        Args:
            shape: (C, H, W).
            axes: of the rows, such as frequency, and of the columns, such as time.
            channels: what each holds, shown one below the other.
            colormap: of matplotlib.

        >>> frequency = Axis("frequency", "Hz", (60, 3800), "mel")
        >>> level = Channel("level", "dB", (-80, 0))
        >>> signal = Signal.sound((1, 64, 64), (frequency, Axis("time", "s")), (level,))
        >>> signal.to_physical(np.full((1, 64, 64), 0.5))[0, 0, 0]
        np.float64(-40.0)
        """
        return cls("sound", shape, axes, channels, colormap)

    @property
    def upwards(self) -> bool:
        """Whether the first row is shown at the bottom: where the rows' values rise."""
        return bool(self.axes) and self.axes[0].ends[0] < self.axes[0].ends[1]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of one as it is shown: channels of a sound lie below each other."""
        channels, height, width = self.shape
        return (channels * (height + 1) - 1 if self.kind == "sound" else height), width

    def to_physical(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return arrays (..., C, H, W), uint8 or on [0, 1], in the units of their channels."""
        array = np.asarray(values)
        shares = array / 255.0 if array.dtype == np.uint8 else array.astype(np.float64)
        low, high = self._ranges()
        return np.asarray(low + shares * (high - low))

    def to_unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return arrays (..., C, H, W) in the units of their channels on [0, 1]."""
        low, high = self._ranges()
        return np.asarray((np.asarray(values, np.float64) - low) / (high - low))

    def _ranges(self) -> NDArray[np.float64]:
        ranges = [channel.range for channel in self.channels] or [(0.0, 1.0)]
        return np.array(ranges, np.float64).T[:, :, None, None]  # (2, C, 1, 1)

    def caption(self) -> str:
        """Return what the picture's directions and channels are, in a line; "" of an image.

        >>> Signal.sound((1, 64, 64), (Axis("frequency", "Hz", (0, 4000)), Axis("time", "s")),
        ...              (Channel("level", "dB", (-80, 0)),)).caption()
        'up: frequency, 0 to 4000 Hz; across: time, 0 to 1 s; colour: level, -80 to 0 dB'
        """
        if not self.axes:
            return ""
        rows, columns = (f"{a.name}, {_span(a.ends, a.unit)}" for a in self.axes)
        held = ", then ".join(f"{c.name}, {_span(c.range, c.unit)}" for c in self.channels)
        several = " from the top" if len(self.channels) > 1 else ""
        way = "up" if self.upwards else "down"
        return f"{way}: {rows}; across: {columns}; colour{several}: {held}"

    def to_json(self) -> dict[str, Any]:
        """Return what config.json holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Signal:
        """Return the signal that ``to_json`` stored.

        Raises:
            KeyError, TypeError, ValueError, UnbraidError: it is not what it stores.

        >>> Signal.from_json(Signal.image((1, 28, 28)).to_json()) == Signal.image((1, 28, 28))
        True
        """
        channels, height, width = map(int, stored["shape"])
        axes = [
            Axis(str(a["name"]), str(a["unit"]), _pair(a["ends"]), a["scale"])
            for a in stored["axes"]
        ]
        held = [
            Channel(str(c["name"]), str(c["unit"]), _pair(c["range"])) for c in stored["channels"]
        ]
        shape = (channels, height, width)
        return cls(stored["kind"], shape, tuple(axes), tuple(held), str(stored["colormap"]))


def _pair(stored: Any) -> tuple[float, float]:
    low, high = stored
    return float(low), float(high)


def _span(ends: tuple[float, float], unit: str) -> str:
    return f"{ends[0]:g} to {ends[1]:g} {unit}".rstrip()
