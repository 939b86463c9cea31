"""Which images networks can be built for, and the maps between an image and its coarsest map."""

from __future__ import annotations

from unbraid.core.errors import UnbraidError

ImageShape = tuple[int, int, int]  # (C, H, W)


def check_image_shape(shape: ImageShape) -> ImageShape:
    """Return ``shape`` if networks can be built for it, else raise an UnbraidError."""
    channels, height, width = shape
    if not 1 <= channels <= 4:
        raise UnbraidError(
            f"images have {channels} channels, expected 1 to 4: convert them to grey or RGB."
        )
    if min(height, width) < 16:
        raise UnbraidError(
            f"images are {height} by {width} pixels, expected at least 16 by 16: "
            "enlarge or pad them."
        )
    return shape


def conv_plan(shape: ImageShape) -> list[ImageShape]:
    """Return the feature shapes from the image to the coarsest map, each half the one before.

    Odd sizes round up, so 28 becomes 14, 7, 4; layers are added until the shorter side is 4 or
    less. Channels are 32, 32, then 64.

    >>> conv_plan((1, 28, 28))
    [(1, 28, 28), (32, 14, 14), (32, 7, 7), (64, 4, 4)]
    """
    plan = [check_image_shape(shape)]
    _, height, width = shape
    while min(height, width) > 4:
        height, width = -(-height // 2), -(-width // 2)
        plan.append((32 if len(plan) < 3 else 64, height, width))
    return plan


def kernel(shape: ImageShape) -> tuple[int, int]:
    """Return the kernel that halves (or doubles to) ``shape`` exactly, with stride 2, padding 1."""
    _, height, width = shape
    return 4 - height % 2, 4 - width % 2
