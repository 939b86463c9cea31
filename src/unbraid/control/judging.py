"""A judge of any data: trained on labelled images that no generator saw, kept in the cache folder.

It has an architecture of its own, residual blocks and the moments of what differs from an image's
border. Nothing is ever trained on what it says, and its own errors stand beside all it measures.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid import hardware, registry
from unbraid.control._judge_net import Heads, Net, pixels, spread_of
from unbraid.control._progress import Bar
from unbraid.control._scale import Scale, unit_of
from unbraid.control.aside import Aside, Labelled, set_aside
from unbraid.datasets import resolve
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec, specs_to_json
from unbraid.files import cache_folder, read_json, write_json
from unbraid.nets import ImageShape
from unbraid.store import read_tensors, write_tensors

Floats = NDArray[np.float64]
Told = Callable[[int, int], None]  # hears of steps done and of all steps

VERSION = 1  # of all that decides what a judge learns and says of itself
SMALLEST = 16  # pixels of a side
LR, WARM_UP, DECAY = 2e-3, 0.05, 0.05
NOISE, GAIN = 0.03, 0.03  # most of what is done to the grey levels of an image it learns from
SEEN = 240_000  # images it learns from, counted as often as they come
PASSES = (12, 150)  # at least and at most
BLIND = 0.6  # of the error of the best answer without looking, above which it hardly reads
_ANSWERS = 25  # tried
_ROWS = 500  # images looked at together


@dataclass(frozen=True)
class Config:
    """Options of a judge.

    Args:
        passes: over the images it learns from; 0 chooses by their number.
        batch_size: images a step.
        seed: of weights, order and noise.
        device: ``auto`` takes cuda, then mps, then cpu.
        precision: ``auto`` is bf16 where the hardware has it, else f32.

    >>> Config().passes
    0
    """

    passes: int = 0
    batch_size: int = 64
    seed: int = 0
    device: hardware.Device = "auto"
    precision: hardware.Precision = "auto"

    def __post_init__(self) -> None:
        registry.check_types(self, "judge")
        for name, least in (("passes", 0), ("batch_size", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise UnbraidError(
                    f"{name} of the judge is {getattr(self, name)}, expected {least} or more."
                )


@dataclass(frozen=True)
class Options(Config):
    """Options of ``unbraid judge``.

    Args:
        validation: share of the train split that the runs to be judged hold out.
        json: print JSON instead of a table.

    >>> Options().validation
    0.1
    """

    validation: float = 0.1
    json: bool = False


class LearnedJudge:
    """Reads the factors of some data off images.

    Args:
        specs: of the factors that it reads.
        shape: (C, H, W) of the images.
        spread: of the factors it learnt, see ``Heads``.
    """

    def __init__(self, specs: Sequence[FactorSpec], shape: ImageShape, spread: Floats) -> None:
        self.specs, self.shape = tuple(specs), shape
        self.heads = Heads(specs, spread)
        self.net = Net(shape, self.heads.width)
        self.errors: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The factors it reads."""
        return self.heads.scale.names

    @torch.no_grad()
    def read(self, images: Any) -> Floats:
        """Return the factors of images in their own units, (N, F), categories as indices.

        Args:
            images: (N, C, H, W), uint8 or floats on [0, 1].

        Raises:
            UnbraidError: images of another shape than it learnt from.
        """
        array = np.asarray(images)
        if array.shape[1:] != self.shape:
            raise UnbraidError(
                f"the judge was given images of shape {array.shape}, expected "
                f"(N, {', '.join(map(str, self.shape))}), as those that it learnt from."
            )
        where = next(self.net.parameters()).device
        self.net.eval()
        said = [
            self.net(_channels_last(pixels(array[start : start + _ROWS])).to(where)).cpu()
            for start in range(0, len(array), _ROWS)
        ]
        return self.heads.values(torch.cat(said) if said else torch.zeros(0, self.heads.width))

    def measured_on(self, images: Any, values: Floats) -> dict[str, dict[str, Any]]:
        """Return its errors on images whose factors are known, by factor.

        Args:
            images: as in ``read``.
            values: factors in units, NaN where unknown.

        Returns:
            ``value`` and ``unit``: of a category, the share that is read right, in per cent; of
            any other factor, the mean absolute error. ``chance``: the same of the best answer that
            does not look at the image.
        """
        scale = self.heads.scale
        away = np.abs(scale.away(self.read(images), values))
        found = {}
        for column, spec in enumerate(self.specs):
            known = away[~np.isnan(away[:, column]), column]
            if len(known):
                mean = float(known.mean())
                value, chance = mean, _chance(scale, values, column)
                if spec.kind == "categorical":
                    value, chance = 100 * (1 - value), 100 * (1 - chance)
                found[spec.name] = {"value": value, "unit": unit_of(spec), "chance": chance}
        return found

    @property
    def notes(self) -> list[str]:
        """Sentences about factors that it hardly reads."""
        notes = []
        for name, error in self.errors.items():
            whole = 100.0 if error["unit"] == "%" else 0.0
            if abs(error["value"] - whole) > BLIND * abs(error["chance"] - whole):
                notes.append(
                    f"The judge hardly reads {name}: {error['value']:.3g} where the best answer "
                    f"without looking gets {error['chance']:.3g}. What is said of it means little: "
                    "give more labelled images, or look whether images show it."
                )
        return notes


def _chance(scale: Scale, values: Floats, column: int) -> float:
    """Return the mean error of the best single answer, the share it gets wrong of a category."""
    known = values[~np.isnan(values[:, column])]
    answers = np.unique(known[:, column])
    some = np.unique(np.linspace(0, len(answers) - 1, _ANSWERS).astype(int))
    if scale.specs[column].kind == "categorical":
        some = np.arange(len(answers))
    errors = []
    for answer in answers[some]:
        given = known.copy()
        given[:, column] = answer
        errors.append(np.nanmean(np.abs(scale.away(given, known, known)[:, column])))
    return float(np.min(errors))


def train_judge(
    specs: Sequence[FactorSpec], images: Any, factors: Any, config: Config, told: Told | None = None
) -> LearnedJudge:
    """Return a judge that learnt from images.

    Args:
        specs: of the factors.
        images: uint8 (N, C, H, W).
        factors: (N, F) as stored, NaN where unknown.
        config: options.
        told: hears of progress.

    Raises:
        UnbraidError: images smaller than 16 pixels.

    >>> specs = [FactorSpec("grey", "continuous", range=(0, 255))]
    >>> grey = np.random.default_rng(0).integers(0, 256, (300, 1))
    >>> images = np.broadcast_to(grey[:, :, None, None], (300, 1, 16, 16)).astype(np.uint8)
    >>> judge = train_judge(specs, images, grey, Config(passes=5))
    >>> judge.read(images[:2]).shape
    (2, 1)
    """
    _, channels, height, width = np.shape(images)
    if min(height, width) < SMALLEST:
        raise UnbraidError(
            f"the images are {width} by {height} pixels, but a judge reads {SMALLEST} by "
            f"{SMALLEST} or more: make them larger."
        )
    where = hardware.device(config.device)
    precision = hardware.precision(config.precision, where)
    hardware.keep_freed_memory()
    values = Scale(specs).values(factors)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        judge = LearnedJudge(specs, (channels, height, width), spread_of(specs, values))
        net = hardware.place(judge.net, where).train()
        targets = judge.heads.targets(values).to(where)
        optimizer = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=DECAY)
        size = min(config.batch_size, len(images))
        passes = config.passes or min(max(SEEN // len(images), PASSES[0]), PASSES[1])
        steps, step = passes * (len(images) // size), 0
        for number in range(passes):
            order = np.random.default_rng([config.seed, number]).permutation(len(images))
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                for group in optimizer.param_groups:
                    group["lr"] = LR * _rate(step / steps)
                batch = _shaken(pixels(images[rows]).to(where))
                with hardware.autocast(where, precision):
                    outputs = net(_channels_last(batch))
                loss = judge.heads.loss(outputs.float(), targets[rows])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                step += 1
                if told is not None:
                    told(step, steps)
        _settle(net, images, size, where)
    return judge


@torch.no_grad()
def _settle(net: Net, images: Any, size: int, where: torch.device) -> None:
    """Take what batches are normalised by from all images as they are, not from the last steps."""
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all batches
    for start in range(0, len(images) - size + 1, size):
        net(_channels_last(pixels(images[start : start + size]).to(where)))
    net.eval()


def _rate(part: float) -> float:
    """Return the learning rate after a part of the training, of the highest."""
    return min(1.0, part / WARM_UP + 0.01) * (1 + math.cos(math.pi * part)) / 2


def _shaken(images: Tensor) -> Tensor:
    """Return images with a little noise and a slightly other contrast: no label changes by it."""
    most = images.new_empty(len(images), 2, 1, 1, 1).uniform_()
    gain = 1 + GAIN * (2 * most[:, 0] - 1)
    return images * gain + NOISE * most[:, 1] * torch.randn_like(images)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


# -- kept in the cache folder ---------------------------------------------------------------------


def judge_of(aside: Aside, config: Config, told: Told | None = None) -> LearnedJudge:
    """Return the judge that learns from what is set aside, from the cache folder if it is there.

    ``errors`` of what is returned are those on the images set aside to measure on, ``facts`` how
    many there were.

    Raises:
        UnbraidError: images smaller than 16 pixels.
    """
    columns = list(aside.columns)
    specs = [aside.training.specs[column] for column in columns]
    learnt, measured = aside.learnt, aside.measured
    facts = (VERSION, asdict(config), specs_to_json(specs), learnt.digest(), measured.digest())
    key = hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]
    folder = None
    with suppress(RuntimeError):  # no home folder can be determined
        folder = cache_folder() / "judges" / key
        if (found := _stored(folder, specs, learnt)) is not None:
            return found
    judge = train_judge(specs, learnt.images, learnt.factors[:, columns], config, told)
    values = judge.heads.scale.values(measured.factors[:, columns])
    judge.errors = judge.measured_on(measured.images, values)
    judge.facts = {
        "data": aside.training.name,
        "learnt_from": len(learnt),
        "measured_on": len(measured),
        "parameters": sum(weight.numel() for weight in judge.net.parameters()),
    }
    if folder is not None:
        with suppress(UnbraidError):  # a cache that cannot be written is made again next time
            _store(folder, judge)
    return judge


def _store(folder: Path, judge: LearnedJudge) -> None:
    tensors = {f"net.{name}": value for name, value in judge.net.state_dict().items()}
    tensors["spread"] = torch.from_numpy(judge.heads.spread)
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
    write_json(folder / "judge.json", {"errors": judge.errors, **judge.facts})


def _stored(folder: Path, specs: Sequence[FactorSpec], learnt: Labelled) -> LearnedJudge | None:
    """Return the judge in a folder, None if it is missing or broken."""
    if not (folder / "judge.json").is_file():
        return None
    _, channels, height, width = learnt.images.shape
    try:
        found = read_json(folder / "judge.json")
        tensors, _ = read_tensors(folder / "model.safetensors")
        spread = tensors.pop("spread").numpy().astype(np.float64)
        judge = LearnedJudge(specs, (channels, height, width), spread)
        judge.net.load_state_dict({k.removeprefix("net."): v for k, v in tensors.items()})
        judge.errors = found.pop("errors")
    except (UnbraidError, LookupError, RuntimeError, AttributeError):
        return None
    judge.facts = found
    judge.net.eval()
    return judge


def for_data(
    name: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    validation: float = 0.1,
    config: Config | None = None,
    told: Told | None = None,
) -> tuple[LearnedJudge, Aside]:
    """Return the judge of some data, and the images that were set aside for it.

    Args:
        name: of the data set, or the path of your own images.
        options: of the data set.
        validation: share of the train split that runs on it hold out.
        config: options of the judge.
        told: hears of progress.

    Raises:
        UnbraidError: data that cannot be read or has no factors, or too few images.

    >>> judge, aside = for_data("mnist")  # doctest: +SKIP
    """
    data, implied = resolve(os.fspath(name))
    aside = set_aside(data, {**implied, **(options or {})}, validation)
    return judge_of(aside, config or Config(), told), aside


def told_of(name: str, options: Mapping[str, Any], given: Options) -> dict[str, Any]:
    """Return what ``unbraid judge`` says: errors by factor, numbers of images, notes."""
    config = Config(*(getattr(given, each.name) for each in fields(Config)))
    with Bar(f"training a judge of {name}") as bar:
        judge, aside = for_data(name, options, given.validation, config, bar)
    return {**judge.facts, "errors": judge.errors, "notes": [*aside.notes, *judge.notes]}


def table_rows(told: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return (factor, error, that of the best answer without looking, unit) as text.

    >>> table_rows({"errors": {"digit": {"value": 98.5, "unit": "%", "chance": 11.3}}})
    [('digit', '98.50', '11.30', '% right')]
    """
    return [
        (
            name,
            *(f"{error[key]:.2f}" for key in ("value", "chance")),
            error["unit"].replace("%", "% right"),
        )
        for name, error in told["errors"].items()
    ]
