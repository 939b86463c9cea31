"""One contender of train_speed.py: trains one case, each time it is told to, and says how fast.

Runs in a process of its own, under the contender's own Python. All train the very modules of
``unbraid.nn.nets`` on the same images with Adam, learning rate 1e-3; one of them instead the same
network of torch's layers only, to show what the others owe to unbraid's.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
import os
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.nn import nets

LATENTS, BETA, LR = 10, 4.0, 1e-3


@dataclass(frozen=True)
class Case:
    """What is trained: a method, a network, an image size and a batch size."""

    method: str  # beta-vae or beta-tcvae
    net: nets.Net
    size: int
    batch: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1, self.size, self.size)

    def networks(self, layers: str = "unbraid") -> tuple[nn.Sequential, nn.Sequential]:
        """Return the encoder and the decoder, the latter's layers unbraid's own or torch's."""
        torch.manual_seed(0)
        encoder = nets.encoder(self.net, self.shape, 2 * LATENTS)
        decoder = nets.decoder(self.net, self.shape, LATENTS)
        assert isinstance(encoder, nn.Sequential)
        assert isinstance(decoder, nn.Sequential)
        for index, layer in enumerate(decoder):
            if layers == "torch" and isinstance(layer, nets.Upsample):
                sizes = layer.in_channels, layer.out_channels, layer.kernel_size
                decoder[index] = nn.ConvTranspose2d(*sizes, stride=2, padding=1)
                decoder[index].load_state_dict(layer.state_dict())
        return encoder, decoder


Train = Callable[[], list[float]]  # one epoch; returns the time at the end of each step


# -- a bare loop, as one would write it ------------------------------------------------------------


def log_density(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mean) ** 2 / logvar.exp())


def total_correlation(z: Tensor, mean: Tensor, logvar: Tensor, weights: Tensor) -> Tensor:
    """Chen et al. 2018, from a batch."""
    density = log_density(z[:, None], mean[None], logvar[None])  # (B, B, D)
    joint = torch.logsumexp(weights + density.sum(2), 1)
    return (joint - torch.logsumexp(weights[:, :, None] + density, 1).sum(1)).mean()


def bare(case: Case, images: np.ndarray, layers: str = "unbraid", device: str = "cpu") -> Train:
    """Plain PyTorch in float32, with the allocator and the optimizer at their defaults."""
    encoder, decoder = (net.to(device) for net in case.networks(layers))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LR)
    data = torch.from_numpy(images).to(device)
    total, others = len(data), case.batch - 1
    weights = torch.full((case.batch, case.batch), 1 / others)
    weights.fill_diagonal_(1 / total)
    weights[range(case.batch), [*range(1, case.batch), 0]] = (total - others) / (total * others)
    weights = weights.log_().to(device)

    def train() -> list[float]:
        ends = []
        for rows in torch.randperm(total, device=device).split(case.batch):
            pixels = data[rows].float() / 255
            mean, logvar = encoder(pixels).chunk(2, 1)
            z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
            logits = decoder(z)
            loss = F.binary_cross_entropy_with_logits(logits, pixels, reduction="sum") / case.batch
            kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1).mean()
            if case.method == "beta-vae":
                loss = loss + BETA * kl
            else:
                loss = loss + kl + (BETA - 1) * total_correlation(z, mean, logvar, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # as any loop that logs it
            ends.append(time.perf_counter())
        return ends

    return train


# -- unbraid ---------------------------------------------------------------------------------------


def unbraid(case: Case, images: np.ndarray, precision: str) -> Train:
    from unbraid.datasets import Dataset
    from unbraid.methods import configure
    from unbraid.training import Progress, Recorder
    from unbraid.training import train as train_unbraid

    ends: list[float] = []

    class Clock(Recorder):
        def step(self, progress: Progress, terms: dict[str, float], rate: float) -> None:
            ends.append(time.perf_counter())

    config = configure(case.method, net=case.net, latent_dim=LATENTS, beta=BETA)
    options = {"batch_size": case.batch, "lr": LR, "validation": 0.0, "precision": precision}

    def train() -> list[float]:
        ends.clear()
        train_unbraid(config, Dataset("images", images), recorder=Clock(), epochs=1, **options)
        return ends

    return train


# -- peers -----------------------------------------------------------------------------------------


def pythae(case: Case, images: np.ndarray, device: str = "cpu") -> Train:
    from pythae import models
    from pythae.data.datasets import BaseDataset
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    ours, theirs = case.networks()

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = ours

        def forward(self, x: Tensor) -> Any:
            mean, logvar = self.net(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = theirs

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=torch.sigmoid(self.net(z)))

    ends: list[float] = []

    class Clock(TrainingCallback):
        def on_train_step_end(self, training_config: Any, **_: Any) -> None:
            ends.append(time.perf_counter())

    options = {"input_dim": case.shape, "latent_dim": LATENTS, "reconstruction_loss": "bce"}
    if case.method == "beta-vae":
        model = models.BetaVAE(models.BetaVAEConfig(beta=BETA, **options), Encoder(), Decoder())
    else:
        config = models.BetaTCVAEConfig(alpha=1, beta=BETA, gamma=1, use_mss=True, **options)
        model = models.BetaTCVAE(config, Encoder(), Decoder())
    data = BaseDataset(torch.from_numpy(images).float() / 255, torch.zeros(len(images)))
    folder = tempfile.mkdtemp()
    config = BaseTrainerConfig(
        folder, case.batch, case.batch, num_epochs=1, learning_rate=LR, no_cuda=device == "cpu"
    )
    trainer = BaseTrainer(model, data, training_config=config, callbacks=[Clock()])

    def train() -> list[float]:
        ends.clear()
        trainer.train()
        return ends

    return train


def disent(case: Case, images: np.ndarray) -> Train:
    import lightning

    # disent imports torchvision for data sets and a loss that are not used here, and PyPI's build
    # of it does not load beside a CPU build of torch
    for name in ("", ".datasets", ".models", ".transforms", ".transforms.functional"):
        module = types.ModuleType(f"torchvision{name}")
        module.ImageFolder = module.vgg19_bn = object
        sys.modules[module.__name__] = module

    from disent.frameworks.vae import BetaTcVae, BetaVae
    from disent.model import AutoEncoder, DisentDecoder, DisentEncoder

    ours, theirs = case.networks()

    class Encoder(DisentEncoder):
        def __init__(self) -> None:
            super().__init__(case.shape, LATENTS, z_multiplier=2)
            self.net = ours

        def encode(self, x: Tensor) -> Tensor:
            return self.net(x)

    class Decoder(DisentDecoder):
        def __init__(self) -> None:
            super().__init__(case.shape, LATENTS)
            self.net = theirs

        def decode(self, z: Tensor) -> Tensor:
            return self.net(z)

    ends: list[float] = []

    class Clock(lightning.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            ends.append(time.perf_counter())

    framework = BetaVae if case.method == "beta-vae" else BetaTcVae
    config = framework.cfg(
        optimizer="adam",
        optimizer_kwargs={"lr": LR},
        recon_loss="bce",
        loss_reduction="mean_sum",
        beta=BETA,
    )
    module = framework(AutoEncoder(Encoder(), Decoder()), cfg=config)
    pixels = torch.from_numpy(images).float() / 255
    data = [{"x_targ": (image,)} for image in pixels]
    loader = torch.utils.data.DataLoader(data, case.batch, shuffle=True)

    def train() -> list[float]:
        ends.clear()
        lightning.Trainer(
            accelerator="cpu",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Clock()],
        ).fit(module, loader)
        return ends

    return train


CONTENDERS: dict[str, Callable[[Case, np.ndarray], Train]] = {
    "bare": bare,
    "bare, torch's layers": lambda case, images: bare(case, images, "torch"),
    "unbraid f32": lambda case, images: unbraid(case, images, "f32"),
    "unbraid auto": lambda case, images: unbraid(case, images, "auto"),
    "pythae": pythae,
    "disent": disent,
}


def main() -> None:
    """Warm up, say what is ready, then train an epoch for each line read, until there is none."""
    name, case, path = sys.argv[1], Case(**json.loads(sys.argv[2])), sys.argv[3]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else is printed goes to the log
    warnings.simplefilter("ignore")
    train = CONTENDERS[name](case, np.load(path))
    train()
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        name = f"{name} {importlib.metadata.version(name)}"
    print(name, file=answers)
    for _ in sys.stdin:
        ends = train()
        steps = len(ends) - 2  # the first step and the start of the epoch are left out
        print(case.batch * steps / (ends[-1] - ends[1]), file=answers)


if __name__ == "__main__":
    main()
