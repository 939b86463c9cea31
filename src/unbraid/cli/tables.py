"""Tables of numbers on a terminal of any width."""

from __future__ import annotations

from collections.abc import Sequence

from unbraid.core.parsing import wrapped

TABLE = 72  # columns from which on a table of numbers breaks no word


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> None:
    """Print a table of numbers; on a narrow terminal, each row as lines of text."""
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
