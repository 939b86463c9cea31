"""Whether frames help: images predicted from their factors, put into frames and left as they are.

Frames are learned by what a reader makes of pictures in them. Where factors move, turn or scale one
thing, pictures in frames are alike. Where they are of a scene, frames may turn and shrink the whole
of it: a reader can be led to read the usual factors, but nothing becomes more alike, and what is
small in the picture is lost. So both are tried: a ridge regression (Hoerl and Kennard 1970, "Ridge
Regression") predicts labelled images from their code columns, and pictures in frames, which are put
back into place. Frames that predict images worse that were not learned from are dropped.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.methods.conditional_flow.frames import inverse, see

SIDE = 16  # pixels of the shorter side of images that are predicted
FOLDS = 5  # parts of the images, of which each is predicted from the others
RIDGE = 1.0  # images' worth of a prior of 0
LEAST = 40  # images, below which nothing can be said


@torch.no_grad()
def frames_help(images: Tensor, codes: Tensor, maps: Tensor, fold: Tensor) -> bool:
    """Return whether images are predicted no worse from code columns if they are put into frames.

    Args:
        images: (B, C, H, W).
        codes: their code columns, (B, K), all known.
        maps: their frames, (B, 2, 3).
        fold: a number of each image, (B,), the same for equal images.

    >>> images, codes = torch.rand(8, 1, 16, 16), torch.zeros(8, 1)
    >>> frames_help(images, codes, torch.eye(2, 3).repeat(8, 1, 1), torch.arange(8))  # too few
    True
    """
    if len(images) < LEAST:
        return True
    plain, framed = prediction_errors(images, codes, maps, fold)
    return framed <= plain


def prediction_errors(
    images: Tensor, codes: Tensor, maps: Tensor, fold: Tensor
) -> tuple[float, float]:
    """Return the mean squared error of predicted images without frames, and with them.

    Arguments are those of ``frames_help``; images are averaged to SIDE pixels.
    """
    # once a training: on the CPU, as not all devices have float64
    images, codes, maps, fold = images.cpu(), codes.cpu(), maps.cpu(), fold.cpu()
    shrink = max(min(images.shape[2:]) // SIDE, 1)

    def small(pictures: Tensor) -> Tensor:
        return F.avg_pool2d(pictures.float(), shrink, ceil_mode=True).double()

    wanted, pictures = small(images), small(see(images, maps))
    inputs = F.pad(codes.double(), (1, 0), value=1.0)
    errors = torch.zeros(2, dtype=torch.double)
    for part in range(FOLDS):
        held = fold % FOLDS == part
        if not held.any() or held.all():
            continue
        plain = _predicted(inputs, wanted, held)
        framed = see(_predicted(inputs, pictures, held).float(), inverse(maps[held])).double()
        for place, found in enumerate((plain, framed)):
            errors[place] += (found - wanted[held]).square().sum()
    plain_error, framed_error = (errors / wanted.numel()).tolist()
    return plain_error, framed_error


def _predicted(inputs: Tensor, pictures: Tensor, held: Tensor) -> Tensor:
    """Return the pictures of held rows, predicted from the other ones."""
    known = inputs[~held]
    moments = known.T @ known + RIDGE * torch.eye(known.shape[1]).to(known)
    weight: Tensor = torch.linalg.solve(moments, known.T @ pictures[~held].flatten(1))
    return (inputs[held] @ weight).view(-1, *pictures.shape[1:])
