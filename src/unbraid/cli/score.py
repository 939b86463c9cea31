"""``unbraid score FILE``: metrics of codes and factors that any tool wrote."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from unbraid.cli.tables import Output, parse_with_output, present, print_table
from unbraid.core.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.datasets import Coded
    from unbraid.metrics import Score


ROWS = 10_000  # at most, where no other number is given


@dataclass(frozen=True)
class Config:
    """The files, the metrics and their settings.

    Args:
        codes: the file of the codes if it is not given first: .npz, .npy, .csv, .tsv or .parquet,
            with a row for each image.
        factors: the file of the factors, in the same order; by default that of the codes.
        codes_key: the array of a .npz file, or the columns of a table, that are the codes; several
            with commas between them, and ``*`` for any characters, as in ``mean*``. By default the
            first there is of the arrays ``codes``, ``z``, ``latents``, ``means``, ``mean``, ``mu``
            and ``embeddings``; columns such as ``z0`` or ``code_1``.
        factors_key: the same for the factors. By default ``factors``, ``labels``, ``y`` or
            ``arr_1``, and all columns that are no codes.
        factor_names: names for the columns of an array of factors.
        kinds: the kinds of factors, as in ``size=ordinal,age=continuous,angle=circular:360``; those
            of others are inferred.
        units: the units of factors, as in ``size=pixels,angle=degrees``.
        categories: how many values each categorical code has; these are the first codes, each row's
            category as an index.
        metrics: ``all`` that the files allow, or names separated by commas (``mig,dci``).
        protocol: a published set of settings.
        seed: seed of every draw, split and predictor.
        rows: maximum number of rows, drawn at random; 0 takes all. A protocol that says how many
            images it fits and tests on has as many, if not another number is given.
    """

    codes: str = ""
    factors: str = ""
    codes_key: str | None = None
    factors_key: str | None = None
    factor_names: tuple[str, ...] | None = None
    kinds: str | None = None
    units: str | None = None
    categories: tuple[int, ...] = ()
    metrics: str = "all"
    protocol: Literal["none", "locatello2019", "chen2018", "hsu2023"] = "none"
    seed: int = 0
    rows: int = ROWS


def score(args: list[str]) -> None:
    """Measure codes and factors: ``unbraid score FILE``."""
    named = bool(args) and not args[0].startswith("-")
    about = "Measure codes and factors in files that any tool wrote."
    config, output = parse_with_output(Config, args[named:], "unbraid score FILE", about)
    if named and config.codes:
        raise UnbraidError(
            f"codes are given as {args[0]} and as --codes {config.codes}: give one of them."
        )
    if config.rows < 0:
        raise UnbraidError(f"rows is {config.rows}, expected 0 for all or more.")
    if config.seed < 0:
        raise UnbraidError(f"seed is {config.seed}, expected 0 or more.")
    path = args[0] if named else config.codes
    if not path:
        raise UnbraidError("unbraid score takes a file of codes first, as in codes.npz.")
    coded = read(path, config)
    try:
        scores, notes = measure(coded, config)
    except UnbraidError as error:
        if coded.factors is not None or not coded.notes:
            raise
        raise UnbraidError(" ".join([*coded.notes, str(error)])) from error  # why there are none
    show(path, coded, scores, [*coded.notes, *notes], output)


def read(path: str, config: Config) -> Coded:
    """Read the files; factors may be missing only if metrics are named.

    Raises:
        UnbraidError: as ``read_codes``, or there are no factors.
    """
    from unbraid.datasets import read_codes

    coded = read_codes(
        path,
        config.factors or None,
        codes_key=config.codes_key,
        factors_key=config.factors_key,
        factor_names=config.factor_names,
        kinds=config.kinds,
        units=config.units,
    )
    if coded.factors is None and config.metrics == "all":
        raise UnbraidError(
            f"{' '.join([*coded.notes, ''])}{config.factors or path} holds no factors: give their "
            "file with --factors, or their array or columns with --factors-key."
        )
    return coded


def measure(coded: Coded, config: Config) -> tuple[dict[str, Score], list[str]]:
    """Return scores by metric, and a note if they are of some rows only."""
    import numpy as np

    from unbraid import metrics
    from unbraid.core.subsets import some_rows

    inputs: dict[str, Any] = {"codes": coded.codes, "factors": coded.factors}
    inputs["logvar"] = None if config.categories else coded.logvar  # of Gaussian codes only
    inputs = {name: None if each is None else np.asarray(each) for name, each in inputs.items()}
    metrics.gather(**inputs, specs=coded.specs or None)  # all rows: lengths, NaN
    notes = []
    total = len(coded.codes)
    sizes = metrics.SIZES.get(config.protocol) if coded.factors is not None else None
    limit = sum(sizes) if sizes and config.rows == ROWS else config.rows
    if 0 < limit < total:
        rows = some_rows(total, limit, config.seed)
        inputs = _taken(inputs, rows)
        notes.append(f"{limit:,} of {total:,} rows were drawn at random (--rows 0: all)")
    if sizes:
        order = np.random.default_rng(config.seed).permutation(len(inputs["codes"]))
        fit = min(sizes[0], round(len(order) * sizes[0] / sum(sizes)))
        test = _taken(inputs, order[fit:])
        inputs = _taken(inputs, order[:fit]) | {"test": (test["codes"], test["factors"])}
        if len(order) != sum(sizes):
            published = " and ".join(f"{count:,}" for count in sizes)
            notes.append(
                f"{fit:,} rows to fit on and {len(order) - fit:,} to test on replace the "
                f"{published} of {config.protocol}"
            )
    asked = [name.strip() for name in config.metrics.split(",")]
    scores = metrics.evaluate(
        **inputs,
        specs=coded.specs or None,
        metrics="all" if config.metrics == "all" else asked,
        protocol=None if config.protocol == "none" else config.protocol,
        seed=config.seed,
        categories=config.categories,
    )
    return scores, notes


def _taken(inputs: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """Return some rows of all arrays there are."""
    return {name: None if array is None else array[rows] for name, array in inputs.items()}


def show(
    path: str,
    coded: Coded,
    scores: Mapping[str, Score],
    notes: list[str],
    output: Output,
) -> None:
    """Print scores; what was found in the factors goes to standard error unless it is JSON."""
    from unbraid import metrics
    from unbraid.core.factors import specs_to_json

    if not output.json:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
    kinds = ", ".join(f"{spec.name} ({spec.kind})" for spec in coded.specs)
    lines = [f"factors: {kinds}"] if kinds else []
    lines += metrics.note_lines(scores)
    document = {
        "codes": path,
        "shape": list(coded.codes.shape),
        "factors": specs_to_json(coded.specs),
        "notes": notes,
        "scores": {name: each.to_json() for name, each in scores.items()},
    }
    present(
        output,
        lambda: print_table(path, metrics.HEADER, metrics.table_rows(scores), lines),
        document,
        metrics.score_records(scores),
    )
