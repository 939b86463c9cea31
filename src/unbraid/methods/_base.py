"""What every method shares: its options, and encode, decode and sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.latents import Layout, Prior
from unbraid.methods._capabilities import HasPosterior
from unbraid.methods._given import codes_given, images_given
from unbraid.methods._names import name_of
from unbraid.methods._step import Batch, Context, Need, Phase, Terms
from unbraid.nn import nets
from unbraid.nn.distributions import prior_sample

Images = Tensor | NDArray[Any]

MOST = 1_000_000  # latents, or values of one: more fill the memory before anything is said
ROWS = 500  # images encoded or decoded at once


def require(value: float, least: float, name: str, *, above: bool = False) -> None:
    """Raise an UnbraidError unless ``value`` is finite and at least (or above) ``least``."""
    if not (value > least if above else value >= least) or value == float("inf"):
        bound = f"above {least:g}" if above else f"at least {least:g}"
        raise UnbraidError(f"{name} is {value:g}, expected a finite number {bound}.")


def require_count(value: int, least: int, name: str) -> None:
    """Raise an UnbraidError unless there may be so many latents, or values of one."""
    require(value, least, name)
    if value > MOST:
        raise UnbraidError(f"{name} is {value:,}, expected at most {MOST:,}.")


def require_share(config: MethodConfig, *names: str) -> None:
    """Raise an UnbraidError unless the named options are between 0 and 1, both left out."""
    for name in names:
        if not 0 < (share := getattr(config, name)) < 1:
            raise UnbraidError(f"{name} is {share:g}, expected a share between 0 and 1.")


@dataclass(frozen=True)
class MethodConfig:
    """Options of a method; each method's ``Config`` extends it."""

    def __post_init__(self) -> None:
        registry.check_types(self, f"method {name_of(self)}")

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        return {}

    def given_without_effect(self) -> list[str]:
        """Return a sentence for each option that is not as by default, and has no effect.

        >>> from unbraid.methods import configure
        >>> configure("vae", sigma=0.5).given_without_effect()
        ['sigma is 0.5, but has no effect: likelihood is bernoulli.']
        """
        default = {field.name: field.default for field in fields(self)}
        return [
            f"{name} is {value}, but has no effect: {reason}."
            for name, reason in self.without_effect().items()
            if (value := getattr(self, name)) != default[name]
        ]


class Method(nn.Module):
    """A latent code for images, and images for a latent code.

    Subclasses give ``terms`` (the objective), ``codes`` and ``pixel_mean``, and may override
    ``phases``. What else they can do is declared: by the attributes below, and by extending the
    classes of capabilities, see ``HasPosterior``, ``HasLikelihood`` and ``TakesFactors``.

    Args:
        config: the method's options.
        image_shape: (C, H, W).
        layout: what each latent is, and which columns of a code it has.
    """

    # What a batch must hold besides images. Where that is "factors" or "labelled", the model is
    # built with the factors' specs as a third argument and keeps them in ``specs``, and its
    # ``Config`` extends ``LabelledConfig``.
    needs: ClassVar[frozenset[Need]] = frozenset()
    pair_rule: int | str = "uniform"  # of the pairs it needs: k, see ``Dataset.pairs``
    # Images a batch must have: 2 where they are compared, as one alone has nothing to tell.
    least_batch: ClassVar[int] = 1
    # What trainings under several seeds are ranked by: a term of validation, the lowest being the
    # best, as records name it ("PHASE.TERM" where there are several phases); or "restart_score".
    selection: ClassVar[str] = "loss"
    # Raised when a change makes other weights of the same options: a study then trains anew.
    semantics: ClassVar[int] = 1
    # Steps below which trainings are usually too short, so that a note says so; 0 for no note.
    usual_steps: ClassVar[int] = 0
    specs: tuple[FactorSpec, ...] = ()

    def __init__(self, config: MethodConfig, image_shape: nets.ImageShape, layout: Layout) -> None:
        super().__init__()
        self.config = config
        self.image_shape = nets.check_image_shape(image_shape)
        self._layout = layout
        self.latent_dim = layout.width  # D, columns of a code

    @property
    def layout(self) -> Layout:
        """What each latent is, and which columns of a code it has.

        A method that learns the values of quantised latents overrides this and returns
        ``super().layout.with_values(...)``: codes hold these values.
        """
        return self._layout

    @property
    def prior_kind(self) -> Prior:
        """The prior of the latents that are numbers; a method with another one says ``own``."""
        return self.layout.prior

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the objective's named terms for a batch.

        Each is a scalar in nats per image, averaged over the batch; ``"loss"`` is minimised.
        """
        raise NotImplementedError

    def phases(self) -> dict[str, Phase]:
        """Return what each optimizer moves; each step runs the phases in this order.

        Most methods have one. One with several (a generator and a discriminator) overrides this
        and looks at ``context.phase`` in ``terms``.
        """
        return {"model": Phase(list(self.parameters()))}

    def restart_score(self, images: Images) -> float | None:
        """Return how well training went, judged without labels: the higher, the better.

        ``unbraid train --restarts`` keeps the seed of the highest, if ``selection`` says
        ``"restart_score"``. None, the default, for methods whose ``selection`` is a term.

        Args:
            images: (N, C, H, W), held out of training.
        """
        return None

    def codes(self, images: Tensor) -> Tensor:
        """Return the code of each image, (B, D): means, and categories' probabilities."""
        raise NotImplementedError

    def pixel_mean(self, codes: Tensor) -> Tensor:
        """Return the image of each code (B, D), shape (B, C, H, W) on [0, 1]."""
        raise NotImplementedError

    def pixel_sample(self, codes: Tensor, noise: torch.Generator) -> Tensor:
        """Return an image of each code (B, D), drawing whatever codes leave open."""
        return self.pixel_mean(codes)

    # From here on: what users call. Numpy or torch in, torch on the CPU out, no gradient.

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device

    def encode(self, images: Images | Sequence[Any]) -> Tensor:
        """Return the codes of images, (N, D) float32, row by row and always the same.

        Args:
            images: (N, C, H, W), or (N, H, W) where there is one channel, an array, a tensor or a
                list; uint8, floats on [0, 1] or truth values. Of uint8, 255 is white, also where
                none is above 1, with a warning.

        Raises:
            UnbraidError: images of another shape than the model was trained on, or other values.
        """
        rows = images_given(images, self.image_shape)
        return self._by_rows(lambda part: self.codes(self.to_pixels(part)), rows)

    def encode_posterior(self, images: Images | Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(z|x) for images, each (N, D) float32."""

        def both(rows: Images) -> Tensor:
            if not isinstance(self, HasPosterior):
                raise UnbraidError(
                    f"{name_of(self.config)} has no posterior: its codes are points, use encode."
                )
            return torch.cat(self.posterior(self.to_pixels(rows)), 1)

        rows = images_given(images, self.image_shape)
        mean, logvar = self._by_rows(both, rows).chunk(2, 1)
        return mean, logvar

    def decode(self, codes: Images | Sequence[Any]) -> Tensor:
        """Return the images of codes (N, D), (N, C, H, W) float32 on [0, 1]."""
        return self._by_rows(
            lambda rows: self.pixel_mean(torch.as_tensor(rows).float().to(self.device)),
            codes_given(codes, self.latent_dim),
        )

    def reconstruct(self, images: Images | Sequence[Any]) -> Tensor:
        """Return ``decode(encode(images))``."""
        return self.decode(self.encode(images))

    def prior_sample(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw codes from the prior p(z), (count, D)."""
        return prior_sample(self.layout, count, noise)

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Return images of codes drawn from the prior, (count, C, H, W) float32 on [0, 1]."""
        return self.draw_with_codes(count, seed)[1]

    def draw_with_codes(self, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Return codes drawn from the prior, (count, D), and an image of each."""
        count = registry.whole_number(count, "the number of images")
        noise = torch.Generator().manual_seed(registry.whole_number(seed, "seed"))
        codes = self.prior_sample(count, noise)
        images = self._by_rows(lambda rows: self.pixel_sample(rows.to(self.device), noise), codes)
        return codes, images

    def to_pixels(self, images: Images) -> Tensor:
        """Return images, checked, as floats on [0, 1] on the model's device."""
        own = isinstance(images, Tensor)
        tensor = torch.as_tensor(images if own else np.array(images))
        tensor = tensor.float() if tensor.dtype == torch.bool else tensor
        if tuple(tensor.shape[1:]) != self.image_shape:
            raise UnbraidError(
                f"images have shape {tuple(tensor.shape)}, expected (N, C, H, W) with "
                f"(C, H, W) = {self.image_shape}, as the model was trained on."
            )
        if tensor.dtype != torch.uint8 and not tensor.is_floating_point():
            raise UnbraidError(
                f"images are of type {tensor.dtype}, expected uint8 or floats on [0, 1]."
            )
        if tensor.is_floating_point():
            if not nets.is_transformed() and len(tensor):
                _check_range(tensor)
            tensor = tensor.float()
        return nets.as_pixels(tensor.to(self.device))

    def _by_rows(self, function: Callable[[Any], Tensor], rows: Images) -> Tensor:
        training = self.training
        self.eval()  # so that no row has a part in the normalisation of another
        try:
            if nets.is_transformed(other_than_vmap=True):  # jacrev asks for a gradient
                return function(rows)
            with torch.no_grad():
                starts = range(0, max(len(rows), 1), ROWS)  # no rows are one empty part
                return torch.cat([function(rows[i : i + ROWS]).cpu() for i in starts])
        finally:
            self.train(training)


def _check_range(images: Tensor) -> None:
    """Raise an UnbraidError unless floats lie on [0, 1]."""
    low, high = (float(value) for value in torch.aminmax(images))
    if not (low >= -0.01 and high <= 1.01):  # interpolation may overshoot a little
        raise UnbraidError(
            f"images run from {low:g} to {high:g}, expected uint8 or floats on [0, 1]: "
            "divide them by 255, or convert them to uint8."
        )
