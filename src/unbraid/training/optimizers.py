"""Optimizers: one a phase, with its weight decay, clipping, schedule and moving averages."""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unbraid import methods
from unbraid.core.errors import UnbraidError
from unbraid.methods import Method, Phase, Rate

KINDS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def _without_compiler(kind: type[torch.optim.Optimizer]) -> Callable[[torch.optim.Optimizer], Any]:
    """Return the step of a kind of optimizer, and have none of its methods load torch's compiler.

    Loading it takes as long as torch itself. Torch does at the first step, to say where a compiled
    one would have to pause, and at the first call of each of the methods below, to keep a version
    that is never compiled. Nothing is compiled here: the methods themselves are kept, for as long
    as the process runs. Hooks of steps, and their name in profiles, are left out with the compiler.
    """
    kept = "__dynamo_disable"
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        method = inspect.unwrap(getattr(kind, name))
        if "torch._dynamo" not in sys.modules and not hasattr(method, kept):
            setattr(method, kept, method)
    step: Callable[[torch.optim.Optimizer], Any] = torch.no_grad()(inspect.unwrap(kind.step))
    return step


class PhaseOptimizer:
    """What moves the parameters of one phase, and keeps their moving averages if it has some.

    Args:
        name: of the phase.
        phase: its parameters and options.
        lr: the training's learning rate.
        device: where the parameters lie.
        members: of a fleet, whose weights are stacked along the first axis; 0 for one model.

    Raises:
        UnbraidError: options that do not fit.
    """

    def __init__(
        self, name: str, phase: Phase, lr: float, device: torch.device, members: int = 0
    ) -> None:
        _check(name, phase)
        self.name, self.phase, self.lr = name, phase, lr * phase.lr
        self.members, self.on_gpu = members, device.type == "cuda"
        kind = KINDS[phase.optimizer]
        self._step = _without_compiler(kind)  # where it is not loaded yet
        self.optimizer = kind(  # type: ignore[call-arg]
            _groups(phase), lr=self.lr, fused=device.type != "mps"
        )
        self.groups: list[dict[str, Any]] = self.optimizer.param_groups
        # in the order in which the optimizer counts them
        self.parameters = [p for group in self.groups for p in group["params"]]
        self.averages: list[Tensor] = []
        self.steps = 0  # averaged over
        if phase.ema:
            self.averages = [p.detach().clone() for p in self.parameters]

    def step(self, loss: Tensor, share: float) -> None:
        """Take a step down the gradient of a loss, at a share of the learning rate.

        ``average`` follows once all phases have taken theirs.
        """
        rate = self.lr * share
        for group in self.groups:
            if self.on_gpu:  # as recorded steps have it
                group["lr"] = float(np.float32(rate) * np.float32(group["share"]))
            else:
                group["lr"] = rate * group["share"]
        self.move(loss)

    @contextmanager
    def rate(self, lr: Tensor) -> Iterator[None]:
        """Let the learning rate be a tensor on the device, read at each step, within a block."""
        kept = [(group["lr"], group["capturable"]) for group in self.groups]
        for group in self.groups:
            group["lr"], group["capturable"] = lr * group["share"], True
        try:
            yield
        finally:
            for group, (before, capturable) in zip(self.groups, kept, strict=True):
                group["lr"], group["capturable"] = before, capturable

    def move(self, loss: Tensor) -> None:
        """Move the weights down the gradient of a loss."""
        scaled = loss if self.phase.loss_scale == 1 else loss * self.phase.loss_scale
        scaled.backward()  # type: ignore[no-untyped-call]
        if self.phase.clip and self.members:
            self._clip_each(self.phase.clip)
        elif self.phase.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.phase.clip)
        if self.phase.clip_value:
            decayed = self.phase.decayed
            for parameter in self.parameters if decayed is None else decayed:
                if parameter.grad is not None:
                    parameter.grad.clamp_(-self.phase.clip_value, self.phase.clip_value)
        if "torch._dynamo" in sys.modules:
            self.optimizer.step()
        else:
            self._step(self.optimizer)

    def average(self) -> None:
        """Let the moving averages, where there are some, follow the weights."""
        if self.averages:
            self.steps += 1
            # short at first, so that a short training does not average its initial weights
            keep = min(self.phase.ema, self.steps / (self.steps + 9))
            weights = [p.detach() for p in self.parameters]
            torch._foreach_lerp_(self.averages, weights, 1 - keep)

    @torch.no_grad()
    def _clip_each(self, limit: float) -> None:
        """Hold the norm of each member's gradient to a limit, as ``clip_grad_norm_`` does."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        squares = [g.reshape(self.members, -1).square().sum(1) for g in gradients]
        share = (limit / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(share.view(-1, *[1] * (gradient.ndim - 1)))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.optimizer.zero_grad(set_to_none=True)

    def swap(self) -> None:
        """Exchange the parameters with their moving averages."""
        with torch.no_grad():
            for parameter, average in zip(self.parameters, self.averages, strict=False):
                kept = parameter.detach().clone()
                parameter.copy_(average)
                average.copy_(kept)

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds of it, by name, without the moving averages."""
        found = {}
        for index, state in self.optimizer.state_dict()["state"].items():
            for key, value in state.items():
                found[f"optimizer.{self.name}.{index}.{key}"] = value
        if self.averages:
            found[f"averaged.{self.name}"] = torch.tensor(float(self.steps))
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a checkpoint's tensors."""
        state: dict[int, dict[str, Tensor]] = defaultdict(dict)
        prefix = f"optimizer.{self.name}."
        for name, value in tensors.items():
            if name.startswith(prefix):
                index, key = name.removeprefix(prefix).split(".")
                like = self.parameters[int(index)]
                if value.shape == like.shape:  # the fused step needs the parameter's strides
                    value = torch.empty_like(like, dtype=value.dtype).copy_(value)
                state[int(index)][key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
        self.groups = self.optimizer.param_groups
        if self.averages:
            self.steps = int(tensors[f"averaged.{self.name}"])


class Optimizers(dict[str, PhaseOptimizer]):
    """The optimizers of a model's phases, by name, in the order of a step.

    Where a phase keeps moving averages of its weights, these are the model's: validation and the
    finished model use them, and a checkpoint holds them as the model's weights. The weights that
    are moved are held beside them, as ``moved.NAME``.

    Args:
        model: the model.
        phases: what each moves, and how.
        lr: the training's learning rate.
        device: where the parameters lie.
        members: of a fleet, whose weights are stacked along the first axis; 0 for one model.
    """

    def __init__(
        self,
        model: nn.Module,
        phases: Mapping[str, Phase],
        lr: float,
        device: torch.device,
        members: int = 0,
    ) -> None:
        super().__init__(
            {
                name: PhaseOptimizer(name, phase, lr, device, members)
                for name, phase in phases.items()
            }
        )
        self.model = model
        self.averaging = [each for each in self.values() if each.averages]
        twice = _repeated(p for each in self.averaging for p in each.parameters)
        if twice is not None:
            names = ", ".join(each.name for each in self.averaging)
            raise UnbraidError(
                f"the phases {names} all keep moving averages of one weight: let one of them have "
                "it, or set ema in one of them."
            )

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the model have its moving averages within a block."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def swap(self) -> None:
        """Exchange weights and moving averages, where there are some."""
        for each in self.averaging:
            each.swap()

    def tensors(self) -> dict[str, Tensor]:
        """Return all that a checkpoint holds: the model's weights, and what goes on from them."""
        found: dict[str, Tensor] = {}
        averages = {
            id(p): average
            for each in self.averaging
            for p, average in zip(each.parameters, each.averages, strict=True)
        }
        names = {id(p): name for name, p in self.model.named_parameters(remove_duplicate=False)}
        shared = self.model.state_dict(keep_vars=True)
        for name, value in shared.items():
            average = averages.get(id(value))
            found[f"model.{name}"] = value.detach() if average is None else average
            if average is not None and names[id(value)] == name:
                found[f"moved.{name}"] = value.detach()
        for each in self.values():
            found |= each.tensors()
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what ``tensors`` returned.

        Raises:
            UnbraidError: they are of a version of the method that has other phases.
        """
        others = {k.split(".")[1] for k in tensors if k.startswith("optimizer.")} - self.keys()
        if others:
            raise UnbraidError(
                f"the checkpoint has optimizers of {', '.join(sorted(others))}, but this version's "
                f"training has those of {', '.join(self)}: start a new run."
            )
        weights = {
            k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")
        }
        self.model.load_state_dict(weights)
        for each in self.values():
            each.restore(tensors)
        if not self.averaging:
            return
        names = {id(p): name for name, p in self.model.named_parameters(remove_duplicate=False)}
        with torch.no_grad():
            for each in self.averaging:
                for parameter, average in zip(each.parameters, each.averages, strict=True):
                    average.copy_(parameter)
                    parameter.copy_(tensors[f"moved.{names[id(parameter)]}"])


def _check(name: str, phase: Phase) -> None:
    """Raise an UnbraidError unless a phase's options fit."""
    wrong = ""
    rated = [p for rate in phase.rates for p in rate.parameters]
    every = [phase.betas, *(rate.betas for rate in phase.rates)]
    if phase.optimizer not in KINDS:
        wrong = f"optimizer is {phase.optimizer!r}, expected adam or adamw"
    elif not 0 <= phase.ema < 1:
        wrong = f"ema is {phase.ema:g}, expected a decay in [0, 1), such as 0.999"
    elif not min(phase.clip, phase.clip_value, phase.weight_decay) >= 0:
        wrong = (
            f"clip is {phase.clip:g}, clip_value {phase.clip_value:g} and weight_decay "
            f"{phase.weight_decay:g}, expected numbers of at least 0"
        )
    elif not 0 < phase.loss_scale < float("inf"):
        wrong = f"loss_scale is {phase.loss_scale:g}, expected a finite number above 0"
    elif not all(0 <= beta < 1 for betas in every for beta in betas):
        told = " and ".join(map(str, every))
        wrong = f"betas are {told}, expected two numbers in [0, 1), such as (0.9, 0.999)"
    elif not all(rate.lr >= 0 for rate in phase.rates):
        told = " and ".join(f"{rate.lr:g}" for rate in phase.rates)
        wrong = f"the learning rates of its rates are {told}, expected numbers of at least 0"
    elif not phase.parameters:
        wrong = "it has no parameters"
    elif _repeated(phase.parameters) is not None:
        wrong = "it has a parameter twice"
    elif not {id(p) for p in phase.decayed or ()} <= {id(p) for p in phase.parameters}:
        wrong = "decayed has a parameter that is not among its parameters"
    elif not {id(p) for p in rated} <= {id(p) for p in phase.parameters}:
        wrong = "rates have a parameter that is not among its parameters"
    elif _repeated(rated) is not None:
        wrong = "rates have a parameter twice"
    if wrong:
        raise UnbraidError(f"phase {name}: {wrong}.")


def _groups(phase: Phase) -> list[dict[str, Any]]:
    """Return the parameters as an optimizer takes them, by their rates and weight decays.

    A group's ``share`` of the phase's learning rate is the method's and no option of training.
    """
    own = {id(p) for rate in phase.rates for p in rate.parameters}
    rest = Rate([p for p in phase.parameters if id(p) not in own], 1.0, phase.betas)
    decaying = phase.parameters if phase.decayed is None else phase.decayed
    decayed = {id(p) for p in decaying} if phase.weight_decay else set()
    found = []
    for rate in (rest, *phase.rates):
        for decay in dict.fromkeys((0.0, phase.weight_decay)):
            part = [p for p in rate.parameters if (id(p) in decayed) == bool(decay)]
            group = {"params": part, "weight_decay": decay, "betas": rate.betas, "share": rate.lr}
            found.append(group)
    return [group for group in found if group["params"]]


def _repeated(parameters: Iterable[nn.Parameter]) -> nn.Parameter | None:
    """Return a parameter that comes twice, None if there is none."""
    seen: set[int] = set()
    for parameter in parameters:
        if id(parameter) in seen:
            return parameter
        seen.add(id(parameter))
    return None


def check_selection(model: Method, phases: Mapping[str, Phase]) -> None:
    """Raise an UnbraidError unless what ranks seeds is a term of one phase.

    Losses of several phases are no sum: a generator's falls as a discriminator's rises.
    """
    named = model.selection.split(".")[0]
    if model.selection != "restart_score" and len(phases) > 1 and named not in phases:
        name = methods.name_of(model.config)
        raise UnbraidError(
            f"{name} has the phases {', '.join(phases)}, and its selection is "
            f"{model.selection!r}: name a term of one of them, such as "
            f"'{next(iter(phases))}.loss', or 'restart_score'."
        )
