"""Frames: where something lies in an image and how it is turned, as an affine map.

A frame takes places of a picture of its own, in which all things lie alike, to places of the image.
What comes of a factor is not known for data of one's own: which map goes with which factors is
learned, by having a reader look through the frame (Jaderberg et al. 2015, "Spatial Transformer
Networks", equation 1, for the maps and for how an image is seen through one).

Places are (right, down) from the middle, in halves of the longer side.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from unbraid.nn import nets

HIDDEN = 64
PARTS = 7  # of an affine map, see affine
LOST = 5.0  # weight of what a frame does not show, as a share of the variance of images
BENT = 5.0  # of squares of stretch and shear, which are for what nothing else explains


def in_full(values: Tensor) -> AbstractContextManager[object]:
    """Return a context without autocast; nothing where there is none, which is quick to export."""
    kind = values.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


def affine(parts: Tensor) -> Tensor:
    """Return affine maps (B, 2, 3) of their parts (B, PARTS); those of zeros are the identity.

    The parts are the sine and the cosine - 1 of a turn (up to a common factor), log of scale,
    stretch, shear, and shifts to the right and down.

    >>> affine(torch.zeros(1, PARTS))
    tensor([[[1., 0., 0.],
             [0., 1., 0.]]])
    """
    sine, cosine, scale, stretch, shear, right, down = parts.unbind(1)
    turn = torch.atan2(sine, 1 + cosine)
    cos, sin = torch.cos(turn), torch.sin(turn)
    wide, high = torch.exp(scale + stretch), torch.exp(scale - stretch)
    first = torch.stack([cos * wide - sin * shear, cos * shear - sin * high, right], 1)
    second = torch.stack([sin * wide + cos * shear, sin * shear + cos * high, down], 1)
    return torch.stack([first, second], 1)


def inverse(maps: Tensor) -> Tensor:
    """Return the way back of affine maps (B, 2, 3)."""
    (a, b), (c, d) = (row.unbind(1) for row in maps[:, :, :2].unbind(1))
    size = a * d - b * c
    linear = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1)
    linear = linear / size[:, None, None]
    back = -(linear * maps[:, None, :, 2]).sum(2, keepdim=True)
    return torch.cat([linear, back], 2)


def compose(last: Tensor, first: Tensor) -> Tensor:
    """Return the affine maps (B, 2, 3) that are ``first`` and then ``last``."""
    a, b, c = last.float().unbind(2)  # (B, 2) each; no product of matrices: autocast rounds these
    first = first.float()
    moved = a[:, :, None] * first[:, :1] + b[:, :, None] * first[:, 1:]
    return moved + nn.functional.pad(c[:, :, None], (2, 0))


def identity(like: Tensor) -> Tensor:
    """Return as many maps (B, 2, 3) as ``like`` has rows, that leave all in its place."""
    none = like.flatten(1)[:, :0].float().sum(1)  # not len, so that an exported graph takes any
    return torch.eye(2, 3, device=like.device) + none[:, None, None]


def features(maps: Tensor) -> Tensor:
    """Return what factors are told by of affine maps (B, 2, 3), (B, 11): turn and size apart."""
    linear = maps[:, :, :2].flatten(1)
    area = (linear[:, 0] * linear[:, 3] - linear[:, 1] * linear[:, 2]).clamp_min(1e-3)[:, None]
    return torch.cat([linear, maps[:, :, 2], linear / area.sqrt(), 0.5 * area.log()], 1)


def see(images: Tensor, maps: Tensor) -> Tensor:
    """Return images (B, C, H, W) as seen through maps (B, 2, 3), float32; edges go on outside."""
    height, width = images.shape[2:]
    half = max(height, width) / 2

    def places(count: int) -> Tensor:
        middle = (count - 1) / 2
        return (torch.arange(count, device=images.device, dtype=torch.float32) - middle) / half

    down, right = torch.meshgrid(places(height), places(width), indexing="ij")
    grid = torch.stack([right, down, torch.ones_like(right)], 2).flatten(0, 1)  # (H W, 3)
    with in_full(images):
        found = (grid @ maps.float().transpose(1, 2)).view(-1, height, width, 2)
        found = found * found.new_tensor([2 * half / width, 2 * half / height])
        return nets.sample(images, found, "border")


class Frame(nn.Module):
    """Which map goes with which factors.

    Args:
        columns: R, code columns of the real and periodic factors; without any, all frames are
            the images.
    """

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.zoom = nn.Parameter(torch.tensor(0.25))  # log of how much larger all is in pictures
        self.linear = nn.Linear(columns, PARTS) if columns else None
        self.curved = (
            nn.Sequential(nn.Linear(columns, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, PARTS))
            if columns
            else None
        )
        for net in (self.linear, self.curved[-1] if self.curved is not None else None):
            if isinstance(net, nn.Linear):  # at first, all frames are nearly the images
                nn.init.normal_(net.weight, std=1e-3)
                nn.init.zeros_(net.bias)

    @torch.no_grad()
    def drop(self) -> None:
        """Make all frames the images, for good: nothing is learned from zeros."""
        for parameter in self.parameters():
            parameter.zero_()

    def parts(self, columns: Tensor) -> Tensor:
        """Return the parts (B, PARTS) of the maps of code columns (B, R)."""
        assert self.linear is not None
        assert self.curved is not None
        with in_full(columns):
            columns = columns.float().clamp(-1.5, 1.5)
            found: Tensor = self.linear(columns) + self.curved(columns)
            return found

    def zoomed(self, maps: Tensor) -> Tensor:
        """Return maps (B, 2, 3) whose pictures are larger by the zoom."""
        return torch.cat([maps[:, :, :2] * torch.exp(-self.zoom), maps[:, :, 2:]], 2)

    def forward(self, columns: Tensor) -> Tensor:
        """Return the maps (B, 2, 3) of code columns (B, R)."""
        if self.linear is None:
            return identity(columns)
        return self.zoomed(affine(self.parts(columns)))


def pose_loss(
    frame: Frame, glance: nn.Module, usual: Tensor, images: Tensor, reals: Tensor
) -> Tensor:
    """Return what frames are to make least: through them, the glance reads the usual.

    To it are added what is lost of an image that is seen through its frame and put back, and how
    much frames stretch and shear. The glance does not learn from it.

    Args:
        frame: which map goes with which factors.
        glance: reads code columns that are no categories, (B, R), from images.
        usual: these columns of the usual factors, (R,).
        images: (B, C, H, W), as the glance sees them.
        reals: their code columns, (B, R).
    """
    if not len(images):
        return images.new_zeros(())
    parts = frame.parts(reals)
    maps = affine(parts)
    weights = {name: weight.detach() for name, weight in glance.named_parameters()}
    found: Tensor = torch.func.functional_call(glance, weights, (see(images, maps),))
    # what is far off, as of a rare shape, has no more say
    pose = (found.float() - usual).square().clamp_max(1).sum(1).mean()
    maps = frame.zoomed(maps)
    back = see(see(images, maps), inverse(maps))
    lost = (back - images).square().mean() / images.var().clamp_min(1e-6)
    bent = parts[:, 3:5].square().sum(1).mean()
    total: Tensor = pose + LOST * lost + BENT * bent
    return total
