"""The latents of a model as the page's rows: their columns, ranges, histograms and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.figures import Order, order_of
from unbraid.methods import FactorCodes, HasPosterior, Method, TakesFactors

if TYPE_CHECKING:
    from unbraid.core.factors import FactorSpec
    from unbraid.figures import Codes, Latent

OFF = 0.01  # nats, or a share of the largest variance: a latent below it is switched off
BINS = 48  # of a histogram
LEVELS = 40  # values at most of a latent that is quantised
Row = dict[str, Any]


def described(model: Method, codes: Codes) -> list[Row]:
    """Return a row for each latent, in falling order of KL, or of variance where codes are points.

    Of methods that take factors, the factors come first, under their names.

    Args:
        model: the model.
        codes: of held-out images.
    """
    top = max((latent.weight for latent in codes.latents), default=0.0)
    off = OFF if isinstance(model, HasPosterior) else OFF * top
    rows = [_row(model, codes, latent, off) for latent in codes.latents]
    return _with_factors(model, codes, rows) if isinstance(model, TakesFactors) else rows


def _row(model: Method, codes: Codes, latent: Latent, off: float) -> Row:
    row: Row = {
        "name": latent.name,
        "first": int(latent.columns.start),
        "size": latent.categories,
        "weight": float(f"{latent.weight:.4g}"),
        "off": bool(latent.weight < off),
    }
    if latent.categories > 1:
        order = Order(list(range(latent.categories)), [], "")
        if not isinstance(model, TakesFactors):  # else they are named after the factor's values
            order = order_of(model, codes, latent)
        shares = codes.mean[:, latent.columns].mean(0)
        return row | {
            "kind": "categories",
            "order": order.categories,
            "names": order.names,
            "note": order.note,
            "shares": [round(float(share), 4) for share in shares],
        }
    return row | numbers(codes.mean[:, latent.columns.start])


def numbers(values: NDArray[np.float32], ends: tuple[float, float] | None = None) -> Row:
    """Return the range, percentiles and histogram of a continuous or quantised latent.

    Args:
        values: (N,), of held-out images.
        ends: of the range; the lowest and highest value if not given.

    >>> found = numbers(np.repeat(np.float32([-1, 0, 1]), 50))
    >>> found["kind"], found["levels"]
    ('levels', [-1.0, 0.0, 1.0])
    """
    values = values.astype(np.float64)
    quantiles = np.quantile(values, np.linspace(0, 1, 101))
    low, high = ends or (float(values.min()), float(values.max()))
    if high - low < 1e-6:  # constant
        low, high = low - 1.0, high + 1.0
    levels = np.unique(values.round(4))
    found: Row = {
        "kind": "number",
        "quantiles": [round(float(value), 4) for value in quantiles],
        "range": [round(low, 4), round(high, 4)],
        "histogram": np.histogram(values, BINS, (low, high))[0].tolist(),
    }
    if 2 <= len(levels) <= LEVELS and len(levels) < len(values) / 4:
        found |= {"kind": "levels", "levels": levels.tolist()}
    return found


def _with_factors(model: Any, codes: Codes, rows: list[Row]) -> list[Row]:
    """Return rows in which the columns of factors have their names, and come first."""
    coder = FactorCodes(model.specs)
    if coder.width != model.factor_width:  # a method with columns of its own
        return rows
    by_column = {row["first"]: row for row in rows}
    factors, at = [], 0
    for index, levels in zip(coder.categorical, coder.levels, strict=True):
        spec = model.specs[index]
        names = [str(value) for value in spec.values or ()]
        factors.append(by_column.pop(at) | {"label": spec.name, "names": names, "size": levels})
        at += levels
    for index in coder.real:
        spec, bounds = model.specs[index], coder.bounds(index)
        factors.append(by_column.pop(at) | {"label": spec.name, **_scale(spec, bounds)})
        at += 1
    for index in coder.periodic:
        sine, cosine = by_column.pop(at), by_column.pop(at + 1)
        turn, spec = coder.turn(index), model.specs[index]
        angle = np.arctan2(codes.mean[:, at], codes.mean[:, at + 1])
        low = coder.bounds(index)[0]
        factors.append(
            sine
            | numbers(((angle / (2 * np.pi) * turn - low) % turn).astype(np.float32), (0.0, turn))
            | {
                "label": spec.name,
                "kind": "circle",
                "size": 2,
                "range": [0, turn],
                "weight": float(f"{sine['weight'] + cosine['weight']:.4g}"),
                "low": low,
                "wrap": spec.wrap_level,
                **_unit(spec),
            }
        )
        at += 2
    style = [row | {"label": f"style {row['name']}"} for row in rows if row["first"] in by_column]
    return [row | {"factor": True, "off": False} for row in factors] + style


def _scale(spec: FactorSpec, bounds: tuple[float, float]) -> Row:
    """Return what code columns of -1 and 1 mean in the factor's unit."""
    return {"bounds": list(bounds), **_unit(spec)}


def _unit(spec: FactorSpec) -> Row:
    values = None if spec.values is None else list(spec.values)
    return {"unit": spec.unit, "values": values}
