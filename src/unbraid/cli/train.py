"""``unbraid train METHOD``."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unbraid.cli.options import data_field, option_value, out_type, plain
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import readable
from unbraid.core.parsing import parse

if TYPE_CHECKING:
    from unbraid.runs import Run

TRAIN_HELP = """The data set and the run folder.

Args:
    data: a data set (unbraid datasets lists them), or the path of your own images.
    recipe: settings of a published study, which other options given replace (unbraid recipes
        lists them).
    out: the run folder; default runs/METHOD-DATA-SEED.
    resume: continue an interrupted run, to the same weights as an uninterrupted one; with more
        epochs (or steps) than a finished run has, train for those. If its data were moved, give
        their new path.
    restarts: train under this many seeds and keep the best; seeds are compared without labels that
        the run was not given.
    fleet: of the restarts, how many to train at once in one process. It is meant for GPUs, which
        one small model leaves idle; each seed's run is that of a training by itself, to rounding.
    log: logs to write into the run folder besides metrics.jsonl: csv, tensorboard, or both.
"""


def train(args: list[str]) -> None:
    """Train a method: ``unbraid train METHOD --data DATASET``."""
    names = registry.names("methods")
    if not args or args[0] in ("-h", "--help"):
        print(
            f"usage: unbraid train METHOD [--data DATASET] [OPTIONS]\n\nmethods: {', '.join(names)}"
        )
        print("\nunbraid train METHOD --help lists a method's options.")
        return
    method = args[0]
    if ":" not in method and not method.endswith(".py"):  # before torch is loaded
        registry.check("methods", method)

    from unbraid import datasets, methods
    from unbraid.progress import Display
    from unbraid.runs import RunConfig, train_restarts, train_run
    from unbraid.training import Interrupted

    method_config, summary = methods.named(method)
    preset = preset_of(method, args)
    given_data = option_value(args, "--data") or preset.data
    data, _ = datasets.resolve(given_data)
    options = train_options(method_config, given_data, preset)
    others = partial(registry.with_option, "methods")
    given = parse(options, args[1:], f"unbraid train {method}", summary, others)
    if option_value(args, "--epochs") and option_value(args, "--steps"):
        raise UnbraidError("--epochs and --steps are both given: give one of them.")
    if given.fleet != 1 and given.restarts == 1:
        raise UnbraidError(
            f"--fleet is {given.fleet}, but one seed is trained: give --restarts how many to train."
        )
    data_name = readable(datasets.called(data, dataclasses.asdict(given.data_options)))
    out = given.out or Path("runs") / f"{readable(method)}-{data_name}-{given.training.seed}"
    chosen = datasets.anchored(plain(given.data_options))
    config = RunConfig(given.method, data, chosen, given.training, given.recipe)
    how: dict[str, Any] = {"resume": given.resume, "log": given.log}
    with Display(f"{method} on {data_name}") as display:
        try:
            if given.restarts == 1:
                run = train_run(config, out, **how, display=display)
            else:
                count = given.restarts
                run = train_restarts(config, out, count, **how, fleet=given.fleet, display=display)
        except Interrupted:
            again = [arg for arg in args if arg != "--resume"]
            again += [] if given.out else ["--out", str(out)]
            command = shlex.join(["unbraid", "train", *again, "--resume"])
            display.console.print(
                f"stopped; all is saved. Continue with: {command}", soft_wrap=True
            )
            raise SystemExit(128 + (display.stopped_by or 2)) from None
    show_result(run, out)


def show_result(run: Run, out: Path) -> None:
    """Print a finished run's reconstruction and KL, and the scores of its seeds."""
    result = run.result
    found = result["reconstruction_stats"]
    shown = [k for k in ("reconstruction", "kl", "squared_error", "active_units") if k in found]
    print(f"{out}: " + ", ".join(f"{k.replace('_', ' ')} {found[k]:.4g}" for k in shown))
    if note := result.get("data", {}).get("note"):
        print(note)
    if "restarts" in result:
        told = result["restarts"]
        scores = (
            f"seed {seed} " + ("diverged" if score is None else f"{score:.4g}")
            for seed, score in told["scores"].items()
        )
        print(f"kept seed {told['kept']} of the highest score: {', '.join(scores)}")


@dataclasses.dataclass(frozen=True)
class Preset:
    """What options are if they are not given: the data set, and those of each part."""

    data: str = "mnist"
    method: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def preset_of(method: str, args: Sequence[str]) -> Preset:
    """Return what the recipe of a command sets, or the defaults if it names none."""
    from unbraid import datasets, recipes

    name = option_value(args, "--recipe")
    if not name:
        return Preset()
    recipe = recipes.load(name, method)
    given = option_value(args, "--data") or next(iter(recipe.data))
    data, _ = datasets.resolve(given)
    lengths = {each: 0 for each in recipes.LENGTHS if option_value(args, f"--{each}")}
    training = recipe.training_options(lengths)
    return Preset(
        given,
        recipe.method_options(method, data),
        {option: value for option, value in training.items() if option not in lengths},
        recipe.data.get(data, {}),
    )


def train_options(
    method_config: type[Any], given_data: str, preset: Preset | None = None
) -> type[Any]:
    """Return the dataclass of a training's options, of which tyro makes the parser.

    Args:
        method_config: the method's Config.
        given_data: a data set's name or a path.
        preset: what options are if they are not given.
    """
    import tyro

    from unbraid.training import TrainingConfig

    def factory(config: type[Any], options: Mapping[str, Any]) -> Any:
        return default(default_factory=lambda: config(**options))

    flat = tyro.conf.OmitArgPrefixes
    default = dataclasses.field
    preset = preset or Preset()
    options = dataclasses.make_dataclass(
        "Train",
        [
            ("data", str, default(default=preset.data)),
            ("recipe", str, default(default="")),
            ("out", out_type(), default(default=None)),
            ("resume", tyro.conf.FlagCreatePairsOff[bool], default(default=False)),
            ("restarts", int, default(default=1)),
            ("fleet", int, default(default=1)),
            ("log", tuple[str, ...], default(default=())),
            ("method", flat[method_config], factory(method_config, preset.method)),
            ("training", flat[TrainingConfig], factory(TrainingConfig, preset.training)),
            ("data_options", *data_field(given_data, preset.data_options)),
        ],
        frozen=True,
        kw_only=True,
    )
    options.__doc__ = TRAIN_HELP
    return options
