"""The command line: ``unbraid COMMAND``. Each command imports what it needs when it runs.

A figure's command is its file in ``figures/``: a new figure is a command without a change here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from unbraid import __version__
from unbraid.cli.compare import compare
from unbraid.cli.completion import completion
from unbraid.cli.control import ask, control, judge
from unbraid.cli.evaluate import evaluate
from unbraid.cli.explore import explore
from unbraid.cli.export import export
from unbraid.cli.figure import figure
from unbraid.cli.score import score
from unbraid.cli.study import study
from unbraid.cli.tables import output_of, present, print_table
from unbraid.cli.train import train
from unbraid.core import memory, registry, streams
from unbraid.core.errors import UnbraidError, did_you_mean, one_line
from unbraid.core.parsing import listing, parse

__all__ = ["COMMANDS", "dispatch", "main", "print_table", "usage"]


def usage() -> str:
    """Return what ``unbraid --help`` prints."""
    commands = {name: summary for name, (_, summary) in COMMANDS.items()}
    figures = [name for name in registry.names("figures") if name not in COMMANDS]
    commands |= {name: registry.summary("figures", name) for name in figures}
    lines = [
        "unbraid: train, measure and control disentangled representations.",
        "",
        "usage: unbraid COMMAND [OPTIONS]      (unbraid COMMAND --help lists a command's options)",
        "",
        *listing(commands, "  "),
        "",
        "  unbraid train beta-tcvae --data mnist --out runs/first",
        "  unbraid traverse runs/first",
    ]
    return "\n".join(lines)


def list_folder(folder: str) -> Callable[[list[str]], None]:
    """Return the command that lists what is registered in a folder."""

    def run(args: list[str]) -> None:
        rows = registry.listed(folder)
        if args and args[0] in ("-h", "--help"):
            print(f"usage: unbraid {folder} [--json | --csv]\n")
            args = []
        output = output_of(args, f"unbraid {folder}")
        records = [{"name": name, "summary": text} for name, text in rows.items()]
        present(output, lambda: print("\n".join(listing(rows))), records, records)

    return run


def tour(args: list[str]) -> None:
    """Write the tour: ``unbraid tour``."""
    import tyro

    from unbraid import tour as package

    shape = tyro.conf.FlagCreatePairsOff[package.Config]
    package.run(parse(shape, args, "unbraid tour", package.__doc__ or ""))


COMMANDS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "train": (train, "Train a method on a data set into a run folder."),
    "explore": (explore, "Open a run in the browser: sliders, your own images, a map of codes."),
    "export": (export, "Write a run as a page for the browser, or as ONNX files."),
    "generate": (ask("generate"), 'Generate images from a request: "small seven in the top".'),
    "edit": (ask("edit"), 'Change an image and keep its style: "bigger, in the bottom left".'),
    "swap": (ask("swap"), "Give one image a factor of another."),
    "methods": (list_folder("methods"), "List the methods."),
    "datasets": (list_folder("datasets"), "List the data sets."),
    "recipes": (list_folder("recipes"), "List the recipes: settings of published studies."),
    "evaluate": (evaluate, "Measure disentanglement and likelihood of runs."),
    "compare": (compare, "List runs side by side and draw their latents, matched."),
    "score": (score, "Measure codes and factors that any tool wrote, without a run."),
    "metrics": (list_folder("metrics"), "List the metrics."),
    "control": (control, "Measure how accurately a run generates requested factors."),
    "judge": (judge, "Train the judge of a data set and measure its errors."),
    "study": (study, "Train a grid of methods, settings and seeds, and compare them."),
    "completion": (completion, "Print a script that completes commands in bash, zsh or fish."),
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
    """Run the command line; return 0, 2 for invalid user input or 130 for Ctrl-C."""
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
    """Run a command, flush its output, and return its exit code."""
    code = 0
    try:
        dispatch(args)
    except SystemExit as stop:  # of the option parser, after --help
        code = int(stop.code or 0)
    sys.stdout.flush()
    return code
