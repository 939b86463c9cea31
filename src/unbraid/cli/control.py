"""``unbraid control RUN``, ``unbraid judge DATA``, and the commands that ask for images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from unbraid.cli.options import data_field, plain
from unbraid.cli.tables import output_field, parse_with_output, present, print_table
from unbraid.core.errors import UnbraidError
from unbraid.core.parsing import parse


def control(args: list[str]) -> None:
    """Measure how well a run's images match requests: ``unbraid control RUN``."""
    from unbraid.control.assessment import report_tables, run_report

    if args and args[0] not in ("-h", "--help") and args[0].startswith("-"):
        raise UnbraidError(f"unbraid control takes a run folder first, found '{args[0]}'.")
    folder = args[0] if args else ""
    rest = args if folder in ("-h", "--help") else args[1:]
    about = (
        "Measure how accurately a run generates requested factors, as a judge network reads them."
    )
    config, output = parse_with_output(run_report.Config, rest, "unbraid control RUN", about)
    if not folder:
        raise UnbraidError("unbraid control takes a run folder.")
    report = run_report.assess(folder, config)

    def text() -> None:
        tables = report_tables.tables(folder, report)
        for told in tables:
            notes = report["notes"] if told is tables[-1] else ()
            print_table(told.title, told.header, told.rows, notes)

    present(output, text, report, report_tables.records(report))


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
            output_field(),
        ],
        frozen=True,
        kw_only=True,
    )
    options.__doc__ = "Train the judge of a data set and measure its errors."
    given = parse(options, args if asks_help else args[1:], "unbraid judge DATA")
    kind = datasets.resolve(name)[0]
    told = judge_cache.judge_report(kind, plain(given.data_options), given.judge)

    def text() -> None:
        title = f"a judge of {told['data']}, on {told['measured_on']:,} held-out images"
        notes = [f"It was trained on {told['learnt_from']:,} images.", *told["notes"]]
        header = ("factor", "error", "chance", "unit")
        print_table(title, header, judge_cache.table_rows(told), notes)

    records = ({"factor": factor} | error for factor, error in told["errors"].items())
    present(given.output, text, told, records)


def ask(name: str) -> Callable[[list[str]], None]:
    """Return the command that asks a model for images: generate, edit or swap."""

    def run(args: list[str]) -> None:
        from unbraid.control.commands import COMMANDS

        options, work = COMMANDS[name]
        # all files are written before anything is printed, which may fail
        print("\n".join(list(work(parse(options, args, f"unbraid {name}")))))

    return run
