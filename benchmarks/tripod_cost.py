"""What a training step of Tripod would cost beside the VAE's, on the networks that there are.

``python benchmarks/tripod_cost.py`` times a sketch of Tripod's step (Hsu et al. 2024, "Tripod:
Three Complementary Inductive Biases for Disentangled Representation Learning") and a step of the
VAE, in turns, on one thread, and writes benchmarks/results/tripod_cost.json. The sketch has all
that costs: quantised latents, the kernel densities of the batch, and second differences of the
decoder's activations, which take eight more passes of the decoder. It is not a method.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from _common import CPU, load, write
from torch import Tensor, nn

from unbraid import methods
from unbraid.core import hardware
from unbraid.methods import Autoencoder, Batch, Context
from unbraid.nn.distributions import bernoulli_log_likelihood

BATCH = 64  # as published
LEVELS = 12
EPSILON = 0.1
DRAWS = 2  # of each kind of perturbation
TURNS = 12
AIM = 4.0  # times the VAE's step, up to which Tripod would be a method here
SHAPES = {"dsprites": (1, 32, 32), "shapes3d": (3, 32, 32)}
PARTS = ("quantised autoencoder", "and kernel densities", "and second differences")


def quantised(z: Tensor) -> Tensor:
    """Return codes on [-1, 1] at the nearest of the levels, with the gradient of codes."""
    steps = LEVELS - 1
    level = 2 * ((z + 1) / 2 * steps).round() / steps - 1
    return z + (level - z).detach()


def log_densities(z: Tensor) -> Tensor:
    """Return mean log q(z) - sum of log q(z_k) of kernel densities over the batch (B, K)."""
    count, latents = z.shape
    deviation = z.std(0) + 1e-6
    scale = (4 / (latents + 2)) ** (1 / (latents + 4)) * count ** (-1 / (latents + 4))

    def kernels(width: Tensor) -> Tensor:
        away = (z[:, None] - z[None]) / width
        return -0.5 * away.square() - width.log()  # constants cancel

    joint = kernels(deviation * scale).sum(2).logsumexp(1)
    marginals = kernels(deviation).logsumexp(1).sum(1)
    return (joint - marginals).mean()


def activations(decoder: nn.Sequential, z: Tensor) -> list[Tensor]:
    """Return the outputs of a decoder's rectified layers and of its last one."""
    found, value = [], z
    for layer in decoder:
        value = layer(value)
        if isinstance(layer, nn.ReLU):
            found.append(value.float())
    return [*found, value.float()]


def second_differences(decoder: nn.Sequential, z: Tensor) -> Tensor:
    """Return the ratio of variances of second differences, random signs by normal draws."""
    deviation = EPSILON * z.detach().std(0)
    signs = torch.randint(2, (DRAWS, *z.shape)) * 2.0 - 1
    steps = torch.cat([signs, torch.randn(DRAWS, *z.shape)]) * deviation  # (2 DRAWS, B, K)
    there = activations(decoder, torch.cat([z + steps, z - steps]).flatten(0, 1))
    total = z.new_zeros(())
    for both in there:
        # of two draws, the variance is a quarter of the squared difference, and f(z) cancels
        one, other = both.reshape(2, 2, DRAWS, len(z), -1).sum(0).unbind(1)  # (2, B, units)
        spread = ((one - other) / EPSILON**2).square().mean(2) / 4  # (2, B)
        total = total + (spread[0] / (spread[1] + 1e-10)).mean()
    return total


def tripod_loss(model: Autoencoder, images: Tensor, parts: int) -> Tensor:
    """Return the loss of the sketch with the first of PARTS, up to ``parts``."""
    assert isinstance(model.decoder, nn.Sequential)
    z = torch.tanh(model.encoder(images).float())
    code = quantised(z)
    here = activations(model.decoder, code)
    loss = -bernoulli_log_likelihood(here[-1], images).mean()
    if parts > 1:
        loss = loss + log_densities(code)
    if parts > 2:
        loss = loss + second_differences(model.decoder, code)
    return loss


def stepper(model: methods.Method, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """Return what takes a step of a loss as training does."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4, fused=True)
    precision = hardware.precision("auto", CPU)

    def step() -> None:
        optimizer.zero_grad()
        with hardware.autocast(CPU, precision):
            value = loss()
        value.backward()
        optimizer.step()

    return step


def measure(shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the milliseconds of one core that steps take, the best of several turns."""
    torch.manual_seed(0)
    images = torch.rand(BATCH, *shape).contiguous(memory_format=torch.channels_last)
    vae = hardware.place(methods.build(methods.configure("vae"), shape), CPU)
    noise = torch.Generator().manual_seed(0)
    context = Context(noise, 0.0, total=50_000)
    steps = {"vae": stepper(vae, lambda: vae.terms(Batch(images), context)["loss"])}
    for parts, name in enumerate(PARTS, 1):
        model = hardware.place(methods.build(methods.configure("ae"), shape), CPU)
        assert isinstance(model, Autoencoder)
        steps[name] = stepper(
            model, lambda model=model, parts=parts: tripod_loss(model, images, parts)
        )
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(TURNS):
        for name, step in steps.items():
            start = time.process_time()
            step()
            best[name] = min(best[name], 1000 * (time.process_time() - start))
    return {
        "milliseconds": {name: round(value, 2) for name, value in best.items()},
        "ratio": round(best[PARTS[-1]] / best["vae"], 2),
    }


def main() -> None:
    """Measure each shape of images, print and write the result."""
    torch.set_num_threads(1)
    busy = load()
    found = {name: measure(shape) for name, shape in SHAPES.items()}
    for name, each in found.items():
        print(name, each)
    write(
        "tripod_cost",
        {"load_before": busy, "batch": BATCH, "turns": TURNS, "aim": AIM, "data": found},
    )


if __name__ == "__main__":
    main()
