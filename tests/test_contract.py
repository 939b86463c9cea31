"""The contract of a step, tried on three published methods: each is one Config and one Model.

They are sketches: small networks, no tuning. What is checked is that nothing outside of them has
to change: each trains, moves what it says, is stored and comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid.core.latents import Layout, Quantised
from unbraid.datasets import Dataset
from unbraid.evaluation import evidence, scores
from unbraid.figures import plane, sample, traverse
from unbraid.methods import (
    Autoencoder,
    AutoencoderConfig,
    Batch,
    Context,
    MethodConfig,
    Phase,
    Terms,
    build,
    vae,
)
from unbraid.nn.distributions import gaussian_kl, gaussian_sample
from unbraid.nn.nets import ImageShape
from unbraid.runs import Run, RunConfig, load, train_run
from unbraid.runs.in_memory import MemoryRun
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

# -- FactorVAE: two optimizers --------------------------------------------------------------------


@dataclass(frozen=True)
class FactorVAEConfig(vae.Config):
    """Options of FactorVAE.

    Args:
        gamma: weight of the total correlation.
    """

    gamma: float = 10.0


class FactorVAE(vae.Model):
    """FactorVAE: Kim & Mnih 2018, "Disentangling by Factorising", algorithm 2."""

    config: FactorVAEConfig
    selection = "vae.loss"

    def __init__(self, config: FactorVAEConfig, image_shape: ImageShape) -> None:
        super().__init__(config, image_shape)
        self.discriminator = nn.Sequential(
            nn.Linear(config.latent_dim, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2)
        )

    def phases(self) -> dict[str, Phase]:
        """Return the VAE's, then the discriminator's."""
        drawing = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {
            "vae": Phase(drawing, betas=(0.9, 0.999)),
            "discriminator": Phase(list(self.discriminator.parameters()), betas=(0.5, 0.9)),
        }

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the VAE's terms and the total correlation, or the discriminator's loss."""
        half = len(batch) // 2
        if context.phase == "vae":
            mean, logvar = self.posterior(batch.images)
            z = gaussian_sample(mean, logvar, context.noise)
            log_p = self.log_likelihood(z, batch.images)
            terms = vae.elbo_terms(log_p, gaussian_kl(mean, logvar), 1.0)
            logits = self.discriminator(z).float()
            correlation = (logits[:, 0] - logits[:, 1]).mean()
            loss = terms["loss"] + self.config.gamma * correlation
            return {**terms, "loss": loss, "total_correlation": correlation}
        with torch.no_grad():  # the discriminator's step is none of the encoder's
            z = self.draw(batch.images, context.noise)
            order = torch.rand((half, z.shape[1]), generator=context.noise, device=z.device)
            other = z[half : 2 * half].gather(0, order.argsort(0))
        joint, mixed = (self.discriminator(part).float() for part in (z[:half], other))
        zeros = torch.zeros(half, dtype=torch.long, device=z.device)
        loss = 0.5 * (F.cross_entropy(joint, zeros) + F.cross_entropy(mixed, zeros + 1))
        return {"loss": loss, "discriminator": loss}


# -- Ada-GVAE: pairs ------------------------------------------------------------------------------


@dataclass(frozen=True)
class AdaGVAEConfig(vae.Config):
    """Options of Ada-GVAE.

    Args:
        changes: how many factors differ in a pair.
    """

    changes: int = 1


class AdaGVAE(vae.Model):
    """Ada-GVAE: Locatello et al. 2020, "Weakly-Supervised Disentanglement Without Compromises"."""

    config: AdaGVAEConfig
    needs = frozenset({"pairs"})

    def __init__(self, config: AdaGVAEConfig, image_shape: ImageShape) -> None:
        super().__init__(config, image_shape)
        self.pair_rule = config.changes

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the VAE's terms of both images, latents that seem unchanged being shared."""
        assert batch.pairs is not None
        pictures = (batch.images, batch.pairs[0])
        (m, a), (n, b) = (self.posterior(images) for images in pictures)
        forth, back = (
            0.5 * ((v - u).exp() + (p - q).square() * (-u).exp() - 1 + u - v)
            for p, q, v, u in ((m, n, a, b), (n, m, b, a))
        )
        distance = 0.5 * (forth + back).detach()  # symmetric KL, (B, D)
        threshold = 0.5 * (distance.amax(1, keepdim=True) + distance.amin(1, keepdim=True))
        shared = distance < threshold
        mean, logvar = 0.5 * (m + n), (0.5 * (a.exp() + b.exp())).log()
        parts = [
            self.terms_at(x, torch.where(shared, mean, u), torch.where(shared, logvar, v), context)
            for x, u, v in zip(pictures, (m, n), (a, b), strict=True)
        ]
        return {name: 0.5 * (parts[0][name] + parts[1][name]) for name in parts[0]} | {
            "shared": shared.float().sum(1).mean()
        }


# -- QLAE: quantised latents, AdamW ---------------------------------------------------------------


@dataclass(frozen=True)
class QLAEConfig(AutoencoderConfig):
    """Options of QLAE.

    Args:
        levels: values that each latent has.
        decay: weight decay of the encoder and the decoder.
    """

    levels: int = 5
    decay: float = 0.1


class QLAE(Autoencoder):
    """QLAE: Hsu et al. 2023, "Disentanglement via Latent Quantization", equations 3 and 4."""

    config: QLAEConfig

    def __init__(self, config: QLAEConfig, image_shape: ImageShape) -> None:
        layout = Layout([Quantised.evenly(config.levels, -0.5, 0.5)] * config.latent_dim)
        super().__init__(config, image_shape, config.latent_dim, layout)
        start = torch.linspace(-0.5, 0.5, config.levels).repeat(config.latent_dim, 1)
        self.values = nn.Parameter(start)  # of each latent, (D, levels)

    @property
    def layout(self) -> Layout:
        """The latents, with the values they have now."""
        return super().layout.with_values(self.values.detach().cpu().numpy())

    def phases(self) -> dict[str, Phase]:
        """Return one phase, in which the values of latents do not decay."""
        nets = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {
            "model": Phase(
                [*nets, self.values],
                optimizer="adamw",
                weight_decay=self.config.decay,
                decayed=nets,
            )
        }

    def nearest(self, z: Tensor) -> Tensor:
        """Return the nearest value of each latent, (B, D)."""
        index = (z[:, :, None] - self.values).abs().argmin(2)  # (B, D)
        return self.values.expand(len(z), -1, -1).gather(2, index[:, :, None])[:, :, 0]

    def codes(self, images: Tensor) -> Tensor:
        """Return the quantised latents, (B, D)."""
        return self.nearest(super().codes(images))

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the reconstruction, and the losses that bring latents and values together."""
        z = super().codes(batch.images)
        value = self.nearest(z)
        straight = z + (value - z).detach()
        reconstruction = -self.log_likelihood(straight, batch.images).mean()
        quantise = (z.detach() - value).square().sum(1).mean()
        commit = (z - value.detach()).square().sum(1).mean()
        loss = reconstruction + quantise + commit
        return {"loss": loss, "reconstruction": reconstruction, "quantise": quantise}


# -- all three ------------------------------------------------------------------------------------


class Squares(Dataset):
    """Squares of which k factors can be drawn anew, whatever other data sets can do."""

    def pairs(
        self, rows: NDArray[np.int64], k: int | str, seed: int, among: Any = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return a partner of each row, and which factors differ."""
        assert self.factors is not None
        assert isinstance(k, int)
        rng, sizes = np.random.default_rng(seed), np.array([3, 10, 10])
        factors = np.array(self.factors[rows], np.int64)
        changed = rng.permuted(np.tile(np.arange(3), (len(rows), 1)), axis=1) < k
        redrawn = (factors + rng.integers(1, sizes, factors.shape)) % sizes
        partners = np.where(changed, redrawn, factors) @ (100, 10, 1)
        return np.asarray(self.images[partners]), changed


@pytest.fixture
def data(squares: Dataset) -> Squares:
    return Squares(squares.name, squares.images[:], squares.factors, squares.specs)


SMALL: dict[str, Any] = {"latent_dim": 4, "net": "mlp"}
CONFIGS = [FactorVAEConfig(**SMALL), AdaGVAEConfig(**SMALL), QLAEConfig(**SMALL)]
METHODS = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)


def loop_of(config: MethodConfig, data: Dataset, **options: Any) -> Loop:
    training = TrainingConfig(**{"epochs": 1, "batch_size": 32, "precision": "f32", **options})
    return Loop(new_model(config, data, 0), data, training, Recorder())


@METHODS
def test_it_trains_and_every_parameter_is_moved(config: MethodConfig, data: Squares) -> None:
    loop = loop_of(config, data, epochs=10)
    before = {name: value.clone() for name, value in loop.model.named_parameters()}
    start = loop.validate()[loop.model.selection]
    loop.run()
    assert loop.validate()[loop.model.selection] < start - 10  # nats
    for name, value in loop.model.named_parameters():
        assert not torch.equal(value, before[name]), name


@METHODS
def test_its_run_is_stored_resumed_and_loaded(
    config: MethodConfig, data: Squares, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(*_: Any, **__: Any) -> Dataset:
        return data

    for module in ("train", "run"):
        monkeypatch.setattr(f"unbraid.runs.{module}.load_dataset", given)
    training = TrainingConfig(epochs=2, batch_size=64, precision="f32")
    whole = train_run(RunConfig(config, "squares", {}, training), tmp_path / "whole")
    short = RunConfig(config, "squares", {}, replace(training, epochs=1))
    train_run(short, tmp_path / "two")
    longer = RunConfig(config, "squares", {}, training)
    resumed = train_run(longer, tmp_path / "two", resume=True)
    weights = whole.model().state_dict()
    assert all(torch.equal(v, resumed.model().state_dict()[k]) for k, v in weights.items())
    model = load(tmp_path / "whole")
    assert type(model) is type(build(config, (1, 16, 16)))
    assert model.config == config == Run(tmp_path / "whole").config.method
    assert model.encode(data.images[:5]).shape == (5, 4)
    assert np.isfinite(whole.result["reconstruction_stats"]["squared_error"])


def test_the_discriminators_step_cannot_touch_the_encoder(data: Squares) -> None:
    loop = loop_of(CONFIGS[0], data)
    model = loop.model
    assert isinstance(model, FactorVAE)
    batch = loop.supervision.batch(loop.rows[:32], 0)
    context = Context(torch.Generator().manual_seed(0), 0.0, 270, "discriminator")
    model.terms(batch, context)["loss"].backward()  # type: ignore[no-untyped-call]
    for name, value in model.named_parameters():
        assert (value.grad is not None) == name.startswith("discriminator"), name
    moved = {id(p) for phase in model.phases().values() for p in phase.parameters}
    assert len(moved) == sum(len(phase.parameters) for phase in model.phases().values())
    # nor does the VAE's step move the discriminator, though its gradient passes through it
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = loop.optimizers["vae"]
    optimizer.zero_grad()
    optimizer.step(model.terms(batch, context._replace(phase="vae"))["loss"], 1.0)
    for name, value in model.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith("discriminator"), name


def test_weight_decay_moves_the_networks_and_not_the_values_of_latents(data: Squares) -> None:
    def trained(decay: float) -> dict[str, Tensor]:
        loop = loop_of(QLAEConfig(**SMALL, decay=decay), data)
        optimizer = loop.optimizers["model"]
        nothing = sum((0 * p.sum() for p in loop.model.parameters()), start=torch.zeros(()))
        optimizer.step(nothing, 1.0)
        return dict(loop.model.named_parameters())

    plain, decayed = trained(0.0), trained(0.5)
    torch.testing.assert_close(decayed["values"], plain["values"], rtol=0, atol=0)
    for name, value in plain.items():
        if name != "values":  # AdamW: times 1 - lr * decay
            torch.testing.assert_close(decayed[name], value * (1 - 1e-3 * 0.5))


def test_quantised_codes_are_values(data: Squares) -> None:
    model = build(CONFIGS[2], (1, 16, 16))
    assert isinstance(model, QLAE)
    codes = model.encode(data.images[:50])
    assert (codes[:, :, None] == model.values.detach()).any(2).all()
    drawn = model.prior_sample(500, torch.Generator().manual_seed(0))
    assert (drawn[:, :, None] == model.values.detach()).any(2).all()


def test_figures_step_through_the_values_of_quantised_latents(data: Squares) -> None:
    model = build(CONFIGS[2], (1, 16, 16)).eval()
    assert isinstance(model, QLAE)
    with torch.no_grad():
        model.values.copy_(torch.tensor([3.0, -1.0, 0.0, 1.0, 2.0]))  # learned, and not in order
    config = RunConfig(CONFIGS[2], "squares", {}, TrainingConfig(epochs=1))
    run = MemoryRun(model, config, data)
    decoded: list[Tensor] = []
    pixel_mean = model.pixel_mean

    def kept(codes: Tensor) -> Tensor:
        decoded.append(codes)
        return pixel_mean(codes)

    model.pixel_mean = kept  # type: ignore[method-assign]
    traversal = traverse.draw(run, traverse.Config(latents=("z2",), center="zero", steps=5))
    (axis,) = traversal.axes
    (other,) = axis.child_axes
    assert [text.get_text() for text in other.get_yticklabels()] == [
        "\N{MINUS SIGN}1.0 to 3.0, 5 levels"
    ]
    plane.draw(run, plane.Config(steps=10))
    sample.draw(run, sample.Config(rows=2, columns=2))
    codes = torch.cat(decoded)
    assert (codes[:, :, None] == model.values.detach()).any(2).all()
    assert codes[:5, 2].tolist() == [-1, 0, 1, 2, 3]


def test_metrics_are_told_of_quantised_latents(data: Squares) -> None:
    model = build(CONFIGS[2], (1, 16, 16)).eval()
    encoding = evidence.Encoding(model, data.images)
    groups, _ = evidence.inputs(encoding, data, set(), "none", 1, 0)
    assert groups["codes"]["levels"] == (5, 5, 5, 5)
    score = scores.measure(model, data, scores.Config(metrics="infomec"))["infomec"]
    assert score.variant.startswith("discrete codes")
    assert encoding.coded[1:] == ((), (5, 5, 5, 5))  # what UDR is told
    found = scores.measure(model, data, scores.Config(metrics="udr"), [encoding.coded])["udr"]
    assert found.value > 0.5  # with itself
