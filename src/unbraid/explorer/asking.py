"""What a page needs to draw requests: words, styles, the model of codes given factors, the judge.

A model that takes factors draws as ``control.Native`` does, with ready-made styles in place of
random numbers: hand k of the page is style k of ``unbraid generate``. For any other model, see
``explorer.linear``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from unbraid.control import loading
from unbraid.control.assessment import judge
from unbraid.control.closed_loop import MARGIN, reader_tolerance
from unbraid.control.controller import Controller
from unbraid.control.factor_distance import range_length
from unbraid.control.language.request import Request
from unbraid.control.linear_gaussian.controller import Fitted
from unbraid.control.native import Native
from unbraid.control.unlabelled import unlabelled_factors
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.explorer import graph, linear, words
from unbraid.explorer.linear import packed
from unbraid.methods import TakesFactors

if TYPE_CHECKING:
    from unbraid.runs import Run

HANDS = 24  # styles in a page
MOST_STYLES = 64  # combinations of categories that get styles of their own


@dataclass(frozen=True)
class Asked:
    """What a page holds to draw requests.

    Args:
        about: what JSON holds.
        table: of the words of requests.
        judge: the network that reads drawn images, None if there is no judge of the data.
    """

    about: dict[str, Any]
    table: dict[str, Any]
    judge: graph.Exported | None


def asked(run: Run) -> Asked | None:
    """Return what a page needs to draw requests for a run; None if it cannot be controlled."""
    try:
        controller = loading.open(run)
    except UnbraidError:  # data without factors, or too few labels to estimate a controller from
        return None
    found = _judge(run, controller)
    reader = "judge" if found else "model" if isinstance(controller, Native) else ""
    about = {
        "hands": HANDS,
        "free": packed(_free(controller)),
        "reader": reader,
        **(
            _native(controller)
            if isinstance(controller, Native)
            else linear.about(cast(Fitted, controller), HANDS)
        ),
    }
    notes = []
    if run.config.data == "digits":
        notes += ["Lengths are in pixels of a canvas of 64 by 64 pixels, whatever the model's."]
    if left_out := unlabelled_factors(controller):
        notes += [
            f"The model was trained without labels of {', '.join(left_out)}: requests of them "
            "are not followed."
        ]
    if notes:
        about["note"] = " ".join(notes)
    if found:
        about["judge"] = found.functions["judge"]
    return Asked(about, words.cached_table(controller.specs), found)


def _free(controller: Controller) -> np.ndarray:
    """Return values of the factors that a request leaves free, (HANDS, F)."""
    examples = controller.examples if isinstance(controller, Native) else None
    return Request({}).rows(controller.specs, HANDS, 0, examples)


# -- models that take factors ---------------------------------------------------------------------


def _native(controller: Native) -> dict[str, Any]:
    """Return the styles of all hands, for each combination of categories if these are few."""
    specs = controller.specs
    model = cast(TakesFactors, controller.model)
    loop = {"loop": _loop(controller)}
    columns = [at for at, spec in enumerate(specs) if spec.kind == "categorical"]
    counts = [len(specs[at].values or ()) for at in columns]
    base = np.stack(
        [np.random.default_rng(k).standard_normal(model.style_dim + 1) for k in range(HANDS)]
    ).astype(np.float32)
    if int(np.prod(counts)) > MOST_STYLES:
        return {"kind": "native", "base": packed(base), **loop}
    found = []
    for levels in itertools.product(*map(range, counts)):
        rows = np.tile([_middle(spec) for spec in specs], (HANDS, 1))
        rows[:, columns] = levels
        given = torch.from_numpy(rows).float().to(controller.model.device)
        found.append(model.style_from(torch.from_numpy(base).to(given.device), given).cpu().numpy())
    return {
        "kind": "native",
        "categories": columns,
        "styles": packed(np.stack(found)),  # (combinations, hands, S), the last category fastest
        **loop,
    }


def _loop(controller: Native) -> list[dict[str, Any]]:
    """Return what the page's closed loop knows of each factor, as ``control.ClosedLoop`` has it.

    ``low`` and ``high`` bound a corrected value, and are None where there is no correction. Each of
    ``symmetries`` is (column, level, period) of a factor and what the period is at its level.
    """
    specs = controller.specs
    tolerance = np.broadcast_to(reader_tolerance(controller), len(specs))
    values = {spec.name: list(spec.values or ()) for spec in specs}
    names = list(values)
    found = []
    for spec, allowed in zip(specs, tolerance, strict=True):
        levels = spec.values is not None
        low, high = spec.range or (0.0, 0.0)
        margin = MARGIN * (high - low)
        turn = spec.stored_turn or 0.0
        unit = turn / spec.period if spec.period else 1.0
        found.append(
            {
                "categorical": spec.kind == "categorical",
                "tolerance": float(allowed),
                "length": range_length(spec),
                "period": turn,
                "low": None if levels else low - margin,
                "high": None if levels else high + margin,
                "symmetries": [
                    (names.index(name), values[name].index(level), period * unit)
                    for name, level, period in (
                        (each.factor, each.value, each.period) for each in spec.symmetries
                    )
                    if level in values.get(name, ())
                ],
            }
        )
    return found


def _middle(spec: FactorSpec) -> float:
    if spec.values is not None:
        return float(len(spec.values) // 2)
    low, high = spec.range or (0.0, 0.0)
    return (low + high) / 2


# -- the judge ------------------------------------------------------------------------------------


def _judge(run: Run, controller: Controller) -> graph.Exported | None:
    """Return the judge of ``digits`` as a graph, None on other data."""
    names = tuple(spec.name for spec in controller.specs)
    shape = controller.model.image_shape
    sides = (judge.SIDE, 2 * judge.SIDE)
    if run.config.data != "digits" or names != judge.FACTORS or shape[0] != 1:
        return None
    if shape[1] not in sides or shape[1] != shape[2]:
        return None
    net = judge.Judge.load().net

    def read(images: Tensor) -> tuple[Tensor, Tensor]:
        pooled = torch.nn.functional.avg_pool2d(images, shape[1] // judge.SIDE)
        logits, scaled = net(pooled)
        half, middle = torch.tensor(judge.HALF), torch.tensor(judge.MIDDLE)
        limit = judge.MAX_DEVIATION
        return logits, scaled.clamp(-limit, limit) * half + middle

    plans = graph.plans({"judge": (read, (torch.rand(1, *shape),))}, net, "the judge")
    return graph.packed(plans)
