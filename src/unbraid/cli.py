"""The command line: ``unbraid COMMAND``. Each command imports what it needs when it runs.

A figure's command is its file in ``figures/``: a new figure is a command without a change here.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from unbraid import __version__, memory, registry, streams
from unbraid.errors import UnbraidError, did_you_mean, one_line
from unbraid.files import readable
from unbraid.parsing import listing, parse, wrapped

TABLE = 72  # columns from which on a table of numbers breaks no word


def usage() -> str:
    """Return what ``unbraid --help`` prints."""
    commands = {name: summary for name, (_, summary) in COMMANDS.items()}
    commands |= {name: registry.summary("figures", name) for name in registry.names("figures")}
    lines = [
        "unbraid: train, measure and steer disentangled representations.",
        "",
        "usage: unbraid COMMAND [OPTIONS]      (unbraid COMMAND --help lists a command's options)",
        "",
        *listing(commands, "  "),
        "",
        "  unbraid train beta-tcvae --data mnist --out runs/first",
        "  unbraid traverse runs/first",
    ]
    return "\n".join(lines)


# -- commands -------------------------------------------------------------------------------------


def train(args: list[str]) -> None:
    """Train a method: ``unbraid train METHOD --data DATASET``."""
    import tyro

    names = registry.names("methods")
    if not args or args[0] in ("-h", "--help"):
        print(
            f"usage: unbraid train METHOD [--data DATASET] [OPTIONS]\n\nmethods: {', '.join(names)}"
        )
        print("\nunbraid train METHOD --help lists a method's options.")
        return
    method = registry.check("methods", args[0])

    from unbraid import datasets
    from unbraid.progress import Display
    from unbraid.restarts import train_restarts
    from unbraid.runs import RunConfig, train_run
    from unbraid.training import Interrupted, TrainingConfig

    given_data = option_value(args, "--data") or "mnist"
    data, _ = datasets.resolve(given_data)
    method_config = registry.load("methods", method).Config
    flat = tyro.conf.OmitArgPrefixes
    default = dataclasses.field
    options = dataclasses.make_dataclass(
        "Train",
        [
            ("data", str, default(default="mnist")),
            ("out", out_type(), default(default=None)),
            ("resume", tyro.conf.FlagCreatePairsOff[bool], default(default=False)),
            ("restarts", int, default(default=1)),
            ("method", flat[method_config], default(default_factory=method_config)),
            ("training", flat[TrainingConfig], default(default_factory=TrainingConfig)),
            ("data_options", *data_field(given_data)),
        ],
        frozen=True,
        kw_only=True,
    )
    options.__doc__ = TRAIN_HELP
    summary = registry.summary("methods", method)
    given = parse(options, args[1:], f"unbraid train {method}", summary)
    if option_value(args, "--epochs") and option_value(args, "--steps"):
        raise UnbraidError("--epochs and --steps are both given: give one of them.")
    data_name = readable(datasets.called(data, dataclasses.asdict(given.data_options)))
    out = given.out or Path("runs") / f"{method}-{data_name}-{given.training.seed}"
    chosen = datasets.anchored(plain(given.data_options))
    config = RunConfig(given.method, data, chosen, given.training)
    with Display(f"{method} on {data_name}") as display:
        try:
            if given.restarts == 1:
                run = train_run(config, out, resume=given.resume, display=display)
            else:
                count = given.restarts
                run = train_restarts(config, out, count, resume=given.resume, display=display)
        except Interrupted:
            again = [arg for arg in args if arg != "--resume"]
            again += [] if given.out else ["--out", str(out)]
            command = shlex.join(["unbraid", "train", *again, "--resume"])
            display.console.print(
                f"stopped; all is saved. Continue with: {command}", soft_wrap=True
            )
            raise SystemExit(128 + (display.stopped_by or 2)) from None
    found = run.result["figures"]
    shown = [k for k in ("reconstruction", "kl", "squared_error", "active_units") if k in found]
    print(f"{out}: " + ", ".join(f"{k.replace('_', ' ')} {found[k]:.4g}" for k in shown))
    if note := run.result.get("data", {}).get("note"):
        print(note)
    if "restarts" in run.result:
        told = run.result["restarts"]
        scores = (
            f"seed {seed} " + ("diverged" if score is None else f"{score:.4g}")
            for seed, score in told["scores"].items()
        )
        print(f"kept seed {told['kept']}; the higher the score, the better: {', '.join(scores)}")


TRAIN_HELP = """Where and on what.

Args:
    data: a data set (unbraid datasets lists them), or the path of your own images.
    out: the run folder; runs/METHOD-DATA-SEED if not given.
    resume: go on where an interrupted run stopped, to the very same weights; with more epochs (or
        steps) than a finished one has, add those. If its data have moved, name their new path.
    restarts: train so many seeds and keep the best, judged without labels they were not given.
"""


def out_type() -> Any:
    """Return the type of the option ``--out`` or ``-o``, a path that need not be given."""
    import tyro

    return Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="PATH")]


def data_field(data: str) -> tuple[Any, Any]:
    """Return type and default of the options ``--data.OPTION`` of a data set or path."""
    import tyro

    from unbraid import datasets

    name, implied = datasets.resolve(data) if data else ("mnist", {})
    implied = datasets.anchored(implied)
    config = datasets.config_of(name)
    needed = {field.name for field in dataclasses.fields(config) if is_needed(field)}
    default: Any = dataclasses.field()
    if not needed - implied.keys():
        default = dataclasses.field(default_factory=lambda: config(**implied))
    return Annotated[config, tyro.conf.arg(name="data")], default


def option_value(args: Sequence[str], option: str) -> str | None:
    """Return what last follows an option on the command line, before it is parsed in full."""
    found = None
    for index, arg in enumerate(args):
        if arg == option and index + 1 < len(args):
            found = args[index + 1]
        elif arg.startswith(f"{option}="):
            found = arg.split("=", 1)[1]
    return found


def is_needed(field: dataclasses.Field[Any]) -> bool:
    """Whether a config's option has no default."""
    return field.default is field.default_factory is dataclasses.MISSING


def plain(config: Any) -> dict[str, Any]:
    """Return a data config's options as config.json stores them: only those not at default."""
    fields = {field.name: field for field in dataclasses.fields(config)}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in dataclasses.asdict(config).items()
        if value != fields[name].default
    }


def list_folder(folder: str) -> Callable[[list[str]], None]:
    """Return the command that lists what is registered in a folder."""

    def run(args: list[str]) -> None:
        if args and args[0] not in ("-h", "--help"):
            raise UnbraidError(f"unbraid {folder} takes no options, found '{args[0]}'.")
        rows = {name: registry.summary(folder, name) for name in registry.names(folder)}
        print("\n".join(listing(rows)))

    return run


def figure(name: str, args: list[str]) -> None:
    """Draw a figure: ``unbraid NAME RUN_OR_DATASET [OPTIONS]``."""
    from unbraid import figures

    module = registry.load("figures", name)
    of_run = module.TARGET == "run"
    target = figures.TARGETS[module.TARGET]
    if not args or args[0].startswith("-"):
        if args and args[0] not in ("-h", "--help"):
            raise UnbraidError(f"unbraid {name} takes a {module.TARGET} first, found '{args[0]}'.")
        print(f"usage: unbraid {name} {module.TARGET.upper()} [OPTIONS]\n")
        if not args:
            raise UnbraidError(f"unbraid {name} takes a {module.TARGET}.")
        args = ["", "--help"]
    import tyro

    flat = tyro.conf.OmitArgPrefixes
    fields: list[Any] = [
        ("out", out_type(), dataclasses.field(default=None)),
        ("figure", flat[module.Config], dataclasses.field(default_factory=module.Config)),
    ]
    if of_run:
        fields.append(("data", str, dataclasses.field(default="")))
    else:
        fields.append(("data_options", *data_field(args[0])))
    options = dataclasses.make_dataclass("Figure", fields, kw_only=True)
    options.__doc__ = (
        "Where to.\n\nArgs:\n    out: PNG, SVG, PDF"
        + (" or GIF" if hasattr(module, "animate") else "")
        + f" by suffix; {name}.png beside the run if not given."
        + ("\n    data: where the run's data lie now, if they have moved." if of_run else "")
    )
    summary = registry.summary("figures", name)
    given = parse(options, args[1:], f"unbraid {name} {module.TARGET.upper()}", summary)
    place = {"data": given.data} if of_run and given.data else {}
    opened = target(args[0], **(place if of_run else plain(given.data_options)))
    for note in getattr(opened, "notes", ()):
        print(f"note: {note}", file=sys.stderr)
    path = figures.produce(module, name, opened, given.figure, given.out)
    for line in figures.report(module, opened, given.figure):
        print(line)
    print(path)


def evaluate(args: list[str]) -> None:
    """Measure runs: ``unbraid evaluate RUN [RUN ...]``."""
    from unbraid import scoring

    first = next((i for i, arg in enumerate(args) if arg.startswith("-")), len(args))
    names, rest = args[:first], args[first:]
    config = parse(scoring.Config, rest, "unbraid evaluate RUN [RUN ...]")
    if not names:
        raise UnbraidError("unbraid evaluate takes one or more run folders first.")
    try:
        found, unstored = scoring.evaluate(names, config), None
    except scoring.NotStored as error:  # what was measured is shown all the same
        found, unstored = error.scores, error
    show_scores(found, config)
    if unstored:
        raise unstored


def show_scores(found: dict[str, Any], config: Any) -> None:
    """Print scores by run folder, as a table or JSON."""
    if config.json:
        plain_scores = {
            folder: {name: score.to_json() for name, score in scores.items()}
            for folder, scores in found.items()
        }
        print(json.dumps(plain_scores, indent=2))
        return
    from unbraid import scoring

    for folder, scores in found.items():
        header = ("metric", "value", "± se", "variant")
        print_table(folder, header, scoring.table_rows(scores), scoring.note_lines(scores))


def control(args: list[str]) -> None:
    """Measure how well a run does what it is asked: ``unbraid control RUN``."""
    from unbraid.control.assessment import report_tables, run_report

    if args and args[0] not in ("-h", "--help") and args[0].startswith("-"):
        raise UnbraidError(f"unbraid control takes a run folder first, found '{args[0]}'.")
    folder = args[0] if args else ""
    rest = args if folder in ("-h", "--help") else args[1:]
    config = parse(run_report.Config, rest, "unbraid control RUN")
    if not folder:
        raise UnbraidError("unbraid control takes a run folder.")
    report = run_report.assess(folder, config)
    if config.json:
        print(json.dumps(report, indent=2))
        return
    tables = report_tables.tables(folder, report)
    for told in tables:
        print_table(
            told.title, told.header, told.rows, report["notes"] if told is tables[-1] else ()
        )


def judge(args: list[str]) -> None:
    """Train a judge of some data: ``unbraid judge DATA``."""
    import tyro

    asks_help = bool(args) and args[0] in ("-h", "--help")
    if not args or (args[0].startswith("-") and not asks_help):
        found = f", found '{args[0]}'" if args else ""
        raise UnbraidError(f"unbraid judge takes a data set or the path of images first{found}.")
    from unbraid import datasets
    from unbraid.control.assessment import judge_cache

    name = "" if asks_help else args[0]
    options = dataclasses.make_dataclass(
        "Judge",
        [
            (
                "judge",
                tyro.conf.OmitArgPrefixes[judge_cache.Options],
                dataclasses.field(default=judge_cache.Options()),
            ),
            ("data_options", *data_field(name)),
        ],
        frozen=True,
        kw_only=True,
    )
    options.__doc__ = "Options of a judge, and of its data."
    given = parse(options, args if asks_help else args[1:], "unbraid judge DATA")
    kind = datasets.resolve(name)[0]
    told = judge_cache.judge_report(kind, plain(given.data_options), given.judge)
    if given.judge.json:
        print(json.dumps(told, indent=2))
        return
    title = f"a judge of {told['data']}, on {told['measured_on']:,} images that it never saw"
    notes = [f"It learnt from {told['learnt_from']:,} images.", *told["notes"]]
    header = ("factor", "error", "chance", "unit")
    print_table(title, header, judge_cache.table_rows(told), notes)


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> None:
    """Print numbers by name, as a table or, on a narrow terminal, one below the other."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False)
    console.width = console.width or 80  # COLUMNS=0 says nothing
    if console.width < TABLE:
        print(title)
        for name, *cells in rows:
            print(name)
            named = zip(header[1:], cells, strict=True)
            print("\n".join(wrapped("  ".join(" ".join(each) for each in named), console.width)))
    else:
        table = Table(title=Text(title), title_justify="left")
        longest = max((len(word) for row in rows for word in row[0].split()), default=0)
        table.add_column(header[0], min_width=longest)
        for heading in header[1:]:
            table.add_column(heading, no_wrap=heading in ("value", "± se", "real"), overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    for note in notes:
        console.print(note, style="dim", soft_wrap=True)


def ask(name: str) -> Callable[[list[str]], None]:
    """Return the command that asks a model for images: generate, edit or swap."""

    def run(args: list[str]) -> None:
        from unbraid.control.commands import COMMANDS

        options, work = COMMANDS[name]
        # all is written before anything is printed, which may fail
        print("\n".join(list(work(parse(options, args, f"unbraid {name}")))))

    return run


def tour(args: list[str]) -> None:
    """Write the tour: ``unbraid tour``."""
    import tyro

    from unbraid import tour as package

    shape = tyro.conf.FlagCreatePairsOff[package.Config]
    package.run(parse(shape, args, "unbraid tour", package.__doc__ or ""))


COMMANDS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "train": (train, "Train a method on a data set into a run folder."),
    "generate": (ask("generate"), 'Draw what is asked for: "small seven in the top".'),
    "edit": (ask("edit"), 'Change an image and keep its style: "bigger, in the bottom left".'),
    "swap": (ask("swap"), "Give one image a factor of another."),
    "methods": (list_folder("methods"), "List the methods."),
    "datasets": (list_folder("datasets"), "List the data sets."),
    "evaluate": (evaluate, "Measure runs with the metrics of the field."),
    "metrics": (list_folder("metrics"), "List the metrics."),
    "control": (control, "Measure whether a run draws what is asked for, by a judge."),
    "judge": (judge, "Train the judge of a data set, and say how well it reads."),
    "tour": (tour, "Train small models and write the illustrated report."),
}


def dispatch(args: list[str]) -> None:
    """Run the command that the arguments name."""
    if not args or args[0] in ("-h", "--help"):
        print(usage())
    elif args[0] == "--version":
        print(f"unbraid {__version__}")
    elif args[0] in COMMANDS:
        COMMANDS[args[0]][0](args[1:])
    elif args[0] in registry.names("figures"):
        figure(args[0], args[1:])
    else:
        known = [*COMMANDS, *registry.names("figures")]
        raise UnbraidError(
            f"unknown command '{args[0]}'{did_you_mean(args[0], known)}: "
            f"it is one of {', '.join(known)}."
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for a user's mistake, 130 for Ctrl-C."""
    with streams.guarded(), warnings.catch_warnings():
        # warnings of ours are sentences for the user, not lines of source
        warnings.showwarning = lambda message, *_: print(
            f"warning: {one_line(str(message))}", file=sys.stderr
        )
        try:
            return _answer(sys.argv[1:] if argv is None else argv)
        except UnbraidError as error:
            print(f"unbraid: {one_line(str(error))}", file=sys.stderr)
            return 2
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            print(f"unbraid: {memory.sentence(error)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130
        except streams.ReaderGone:
            return 0


def _answer(args: list[str]) -> int:
    """Run a command, see that all of its output has arrived, and return its exit code."""
    code = 0
    try:
        dispatch(args)
    except SystemExit as stop:  # of the option parser, after --help
        code = int(stop.code or 0)
    sys.stdout.flush()
    return code
