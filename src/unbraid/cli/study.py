"""``unbraid study run|status|table|summary|plots|extend|retry``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from unbraid.cli.tables import as_csv, one_format, print_wide
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.parsing import listing, parse

if TYPE_CHECKING:
    from unbraid.studies.study import Study


@dataclass(frozen=True)
class Place:
    """The folders of studies.

    Args:
        root: folder of studies and of the runs that they share, if the study is given by its file.
    """

    root: Path = Path("studies")


@dataclass(frozen=True)
class Run(Place):
    """How the runs of a study are executed.

    Args:
        on: the engine: processes of this machine, Ray (pip install 'unbraid[ray]'), or a script
            for Slurm.
        jobs: runs side by side; 0 is what the study's file says, or else as many as there is room
            for.
        fleet: runs that differ in their seed alone that each process trains at once; for a GPU.
        shard: only every n-th run, from the i-th on: ``0/8`` to ``7/8`` for eight machines.
        dry_run: list the runs, time some steps of each kind, and say how long all would take.
    """

    on: Literal["local", "ray", "slurm"] = "local"
    jobs: int = 0
    fleet: int = 1
    shard: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Extend(Run):
    """Which seeds are added to a study.

    Args:
        seeds: such as ``10-49``; they are kept in the study's folder.
    """

    seeds: str = ""


@dataclass(frozen=True)
class Retry(Run):
    """Which runs are tried again.

    Args:
        diverged: also those that diverged; on the same machine they diverge again.
    """

    diverged: bool = False


@dataclass(frozen=True)
class Summary(Place):
    """What of a study is summarised, and how.

    Args:
        metrics: scores to print, by their names in the table, such as ``mig,reconstruction``, or
            ``all``; those by labels, and the reconstruction, if none are named. A metric's name
            that is not a score's is all of its scores. Of a score on several numbers of images, it
            is that on the most.
        spread: what is printed beside each mean: its 95% interval, or the standard deviation.
        csv: print the tables as CSV, a row for each mean, with both.
        latex: print them as LaTeX.
        markdown: print them as Markdown.
    """

    metrics: str = ""
    spread: Literal["interval", "std", "none"] = "interval"
    csv: bool = False
    latex: bool = False
    markdown: bool = False


def run(target: str, given: Run) -> None:
    """Train and measure all runs that are not done; continue those that were interrupted."""
    from unbraid.studies.study import open_study

    _check(given)
    _run(open_study(target, given.root, keep=not given.dry_run), target, given)


def extend(target: str, given: Extend) -> None:
    """Add seeds to all settings, and run them."""
    from unbraid.studies.spec import seeds_of
    from unbraid.studies.study import open_study

    if not given.seeds:
        raise UnbraidError("unbraid study extend needs --seeds, such as --seeds 10-49.")
    _check(given)
    seeds = seeds_of(given.seeds)
    _run(open_study(target, given.root, seeds, keep=not given.dry_run), target, given)


def retry(target: str, given: Retry) -> None:
    """Run failed runs again."""
    from unbraid.studies.reports import forget_failures
    from unbraid.studies.study import open_study

    _check(given)
    study = open_study(target, given.root, keep=not given.dry_run)
    again = forget_failures(_part(study, given), given.diverged, keep=given.dry_run)
    of_shard = f" of shard {given.shard}" if given.shard else ""
    print(f"{len(again)} runs{of_shard} {'would be' if given.dry_run else 'are'} tried again")
    _run(study, target, given, again)


def status(target: str, given: Place) -> None:
    """Show the progress of a study, with its failures grouped by cause."""
    from unbraid.studies.reports import status_lines
    from unbraid.studies.study import open_study

    print("\n".join(status_lines(open_study(target, given.root, keep=False, trains=False))))


def table(target: str, given: Place) -> None:
    """Write the table of results from the run folders."""
    from unbraid.studies.study import open_study
    from unbraid.studies.table import write_table

    print(*write_table(open_study(target, given.root, trains=False)), sep="\n")


def summary(target: str, given: Summary) -> None:
    """Print the mean of each score over the seeds of each setting: text, CSV, Markdown or LaTeX."""
    from unbraid.studies.study import open_study
    from unbraid.studies.summary import records, summarise

    form = one_format(given)
    study = open_study(target, given.root, keep=False, trains=False)
    found = summarise(study, given.metrics)
    _warn_of_code(study)
    if form == "csv":
        print(as_csv(records(found)), end="")
        for each in found:
            print(*each.notes(given.spread), sep="\n", file=sys.stderr)
    elif form:
        print("\n".join(getattr(each, f"to_{form}")(given.spread) for each in found), end="")
    else:
        for each in found:
            header, lines = each.header[2:], each.lines(given.spread)
            rows = [[" ".join(filter(None, line[:2])), *line[2:]] for line in lines]
            print_wide(each.data, ("", *header), rows, each.notes(given.spread))


def plots(target: str, given: Place) -> None:
    """Draw the figures of a study from its table, with their numbers as CSV."""
    from unbraid.studies.plots import write_plots
    from unbraid.studies.study import open_study

    print(*write_plots(open_study(target, given.root, trains=False)), sep="\n")


def _check(given: Run) -> None:
    """Raise an UnbraidError for options that make no sense, before any data are read."""
    from unbraid.studies.reports import shard_of

    for option, least in (("jobs", 0), ("fleet", 1)):
        if getattr(given, option) < least:
            raise UnbraidError(f"--{option} is {getattr(given, option)}, expected {least} or more.")
    for option in ("shard", "dry_run"):
        if given.fleet > 1 and getattr(given, option):
            name = option.replace("_", "-")
            raise UnbraidError(f"--fleet and --{name} do not go together: leave out one of them.")
    if given.on == "slurm":
        for option in ("fleet", "shard"):
            if getattr(given, option) != getattr(Run, option):
                raise UnbraidError(
                    f"--{option} is for --on local and --on ray: leave it out for slurm."
                )
    if given.shard:
        shard_of(given.shard)


def _run(study: Study, target: str, given: Run, again: Collection[str] = ()) -> None:
    """Do the runs of a study, and write its table.

    Args:
        study: its runs.
        target: the study, as it was given.
        given: how runs are executed.
        again: the failed runs that would be tried again, of a dry run.
    """
    from unbraid.studies.engines.choosing import by_cores, cores, side_by_side
    from unbraid.studies.reports import ended

    _warn_of_code(study)
    whole, study = study, _part(study, given)
    resources = study.spec.resources
    jobs = given.jobs or resources.jobs
    if given.dry_run:
        from unbraid.studies.estimate import estimate

        at_once = side_by_side(given.on, resources, jobs, len(study.cells))
        for line in estimate(study, at_once, again):
            print(line, flush=True)
        _say_short(study)
        return
    if given.on == "slurm":
        _say_short(study)
        from unbraid.studies.engines.slurm import write_script

        print(*write_script(study, target, given.root, jobs), sep="\n")
        return
    left = _unfinished(study)
    failed: list[str] = []
    if left:
        _say_short(study)
        _drive(study, target, given, jobs)
    if given.shard and _unfinished(whole):
        print("\n".join(ended(study)[:-1]))
        print(f"the shard that ends last writes the table; now: unbraid study table {study.folder}")
        return
    if left or not whole.has_table() or _uncompared(whole):
        from unbraid.studies.comparing import compare
        from unbraid.studies.table import write_table

        failed = compare(whole, min(jobs or by_cores(resources.threads), cores()))
        write_table(whole)
    print("\n".join(ended(study)))
    if failed:
        raise UnbraidError("\n".join(failed))


def _part(study: Study, given: Run) -> Study:
    """Return the part of a study that is asked for, all of it if no shard is."""
    from unbraid.studies.reports import shard_of

    return study.shard(*shard_of(given.shard)) if given.shard else study


def _warn_of_code(study: Study) -> None:
    """Print warnings of runs that are of code that has changed since."""
    from unbraid.studies.code import changed_code

    for line in changed_code(study):
        print(f"warning: {line}", file=sys.stderr)


def _say_short(study: Study) -> None:
    """Print notes on runs that are left and have few steps for their method."""
    from unbraid.studies.estimate import short_trainings

    states = zip(study.cells, study.states(), strict=True)
    for line in short_trainings(cell for cell, state in states if not state.trained):
        print(line, flush=True)


def _uncompared(study: Study) -> bool:
    """Whether seeds can be compared that are not, as after an error."""
    if not study.compared:
        return False
    from unbraid.studies.comparing import missing

    return bool(missing(study))


def _unfinished(study: Study) -> int:
    """Return how many runs are not done."""
    pairs = zip(study.cells, study.states(), strict=True)
    return sum(state.status(cell) == "unfinished" for cell, state in pairs)


def _drive(study: Study, target: str, given: Run, jobs: int) -> None:
    from unbraid.studies.display import Display, Progress
    from unbraid.studies.driver import drive
    from unbraid.studies.engines.choosing import engine_of

    engine = engine_of(given.on, study.spec.resources, jobs, study.folder)
    at_once = engine.room * max(1, given.fleet)
    with Display(Progress(study.cells, study.states(), at_once)) as display:
        done = drive(study, engine, display, given.fleet)
    if not done:
        words = ["unbraid", "study", "run", target]
        words += [] if given.root == Place.root else ["--root", str(given.root)]
        for option in ("on", "jobs", "fleet", "shard"):
            if (value := getattr(given, option)) != getattr(Run, option):
                words += [f"--{option}", str(value)]
        display.say(f"stopped; all is saved. Continue with: {shlex.join(words)}")
        raise SystemExit(128 + (display.interrupts.first or 2))


COMMANDS: dict[str, tuple[Callable[..., None], type[Place]]] = {
    "run": (run, Run),
    "status": (status, Place),
    "table": (table, Place),
    "summary": (summary, Summary),
    "plots": (plots, Place),
    "extend": (extend, Extend),
    "retry": (retry, Retry),
}


def study(args: list[str]) -> None:
    """Run a study: ``unbraid study COMMAND STUDY``."""
    if not args or args[0] in ("-h", "--help"):
        print("usage: unbraid study COMMAND STUDY [OPTIONS]\n")
        print("STUDY: a TOML file, or its folder.\n")
        rows = {name: function.__doc__ or "" for name, (function, _) in COMMANDS.items()}
        print("\n".join(listing(rows, "  ")))
        return
    if args[0] not in COMMANDS:
        raise UnbraidError(
            f"unknown command 'study {args[0]}'{did_you_mean(args[0], COMMANDS)}: it is one of "
            f"{', '.join(COMMANDS)}."
        )
    name, rest = args[0], args[1:]
    function, options = COMMANDS[name]
    given = rest[:1] if rest and not rest[0].startswith("-") else []
    about = function.__doc__ or ""
    parsed = parse(options, rest[len(given) :], f"unbraid study {name} STUDY", about)
    if not given:
        raise UnbraidError(f"unbraid study {name} takes the file or folder of a study first.")
    function(given[0], parsed)
