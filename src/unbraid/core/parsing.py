"""Options of commands: dataclasses parsed by tyro, its help made readable, its errors sentences."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO, get_args

from unbraid.core.errors import UnbraidError, did_you_mean

BOXED = 60  # columns from which on the parser's boxes are readable
UNBROKEN = 100_000  # columns at which the parser breaks no line of an error
# what shows nothing in a box of help: colours, spaces and the box
BLANK = r"(?:\x1b\[[\d;]*m|[\s│])"
EMPTY_DEFAULT = re.compile(rf"\(default:{BLANK}*(?:''|None|False|)\)")
WIDEST = 120  # columns of its help: lines stay readable, and no boxes stand side by side


def parse(
    shape: Any,
    args: Sequence[str],
    prog: str,
    description: str = "",
    elsewhere: Callable[[str], str] = lambda _: "",
) -> Any:
    """Parse options into a dataclass; invalid options raise an UnbraidError of one sentence.

    Args:
        shape: the dataclass.
        args: the command line's, after what ``prog`` names.
        prog: the command.
        description: what its help starts with.
        elsewhere: a hint at what else takes an option that this command does not, "" for nothing.
    """
    import tyro

    def attempt(columns: int) -> Any:
        with _columns(columns), _in_plain_text(shape):
            return tyro.cli(shape, args=args, prog=prog, description=_plain(description) or None)

    out, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            return attempt(UNBROKEN)
    except SystemExit as stop:
        failed = stop.code
    width = shutil.get_terminal_size().columns
    boxed = not failed and width >= BOXED
    out, args = _Screen(sys.stdout) if boxed else io.StringIO(), ["--help"]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(out):
        attempt(min(width, WIDEST) if boxed else WIDEST)
    if failed:
        known = options_in(out.getvalue())
        raise UnbraidError(one_sentence(errors.getvalue(), prog, known, elsewhere))
    text = without_empty_defaults(out.getvalue())
    print(text if boxed else reflowed(text, width), end="" if boxed else "\n")
    raise SystemExit(0)


class _Screen(io.StringIO):
    """What is printed, kept; with the colours and boxes that a stream can show."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._terminal = stream.isatty()
        self._encoding = stream.encoding

    def isatty(self) -> bool:
        return self._terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def one_or_two_runs(args: Sequence[str], prog: str) -> tuple[list[str], list[str]]:
    """Return the run folders that come first, one or two, and the other arguments.

    Raises:
        UnbraidError: none, or more than two.

    >>> one_or_two_runs(["runs/a", "--float32"], "unbraid explore")
    (['runs/a'], ['--float32'])
    """
    count = next((at for at, arg in enumerate(args) if arg.startswith("-")), len(args))
    if not 1 <= count <= 2 and not {"-h", "--help"} & {*args}:
        raise UnbraidError(f"{prog} takes one run folder or two, found {count or 'none'}.")
    return list(args[:count]), list(args[count:])


@contextlib.contextmanager
def _columns(count: int) -> Iterator[None]:
    """Let the option parser believe in a terminal of so many columns."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


@contextlib.contextmanager
def _in_plain_text(shape: Any) -> Iterator[None]:
    """Quote words and write numbers in the docstrings of dataclasses as a terminal does."""
    marked = {
        owner: owner.__doc__
        for part in _dataclasses(shape)
        for owner in part.__mro__[:-1]
        if owner.__doc__ and _plain(owner.__doc__) != owner.__doc__
    }
    for owner, text in marked.items():
        owner.__doc__ = _plain(text or "")
    try:
        yield
    finally:
        for owner, text in marked.items():
            owner.__doc__ = text


def _dataclasses(shape: Any) -> Iterator[type[Any]]:
    """Yield the dataclass that a shape is, and those of its fields."""
    for part in (shape, *get_args(shape)):
        if isinstance(part, type) and dataclasses.is_dataclass(part):
            yield part
            for field in dataclasses.fields(part):
                yield from _dataclasses(field.type)


def _plain(text: str) -> str:
    # examples are for readers of the source
    text = re.sub(r"\n\s*>>> .*?(?=\n\s*\n|\Z)", "", text, flags=re.DOTALL).replace("``", "'")
    # the parser keeps the break before a line that starts with no letter
    text = re.sub(r"(?<!\n)\n +(?=['\d])", " ", text)
    # and breaks lines at commas, those of numbers too
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)


def without_empty_defaults(text: str) -> str:
    """Return the parser's help without the defaults that say nothing: '', None, False and none.

    The width of each line is kept; a line with nothing else is left out.

    >>> print(without_empty_defaults("| --data STR  a path. (default: '') |"))
    | --data STR  a path.               |
    """
    taken = EMPTY_DEFAULT.sub(
        lambda found: re.sub(f"({BLANK})|.", lambda each: each[1] or "\0", found[0]), text
    )
    kept = [
        line.replace("\0", " ")
        for line in taken.split("\n")
        if "\0" not in line or re.sub(rf"{BLANK}|\0", "", line)
    ]
    return "\n".join(kept)


def reflowed(text: str, width: int) -> str:
    """Return the parser's help for a narrow terminal: each option is a hanging paragraph.

    >>> print(reflowed("  -h, --help  show this\\n              message", 22))
    -h, --help show this
      message
    """
    paragraphs: list[list[str]] = []
    for line in text.splitlines():
        words, depth = line.split(), len(line) - len(line.lstrip())
        if not words:
            paragraphs.append([])
        elif not set(line) <= set("- "):  # no rule
            if paragraphs and paragraphs[-1] and depth not in (1, 2):  # goes on
                paragraphs[-1] += words
            else:
                paragraphs += [[], words] if depth == 1 else [words]  # a title, an option
    filled = ("\n".join(wrapped(" ".join(words), width))[2:] for words in paragraphs)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(filled))


def listing(rows: Mapping[str, str], indent: str = "") -> list[str]:
    """Return lines of names and what they are, each wrapped where a terminal is narrow.

    >>> listing({"ae": "Autoencoder.", "vae": "VAE."})
    ['ae   Autoencoder.', 'vae  VAE.']
    """
    width = shutil.get_terminal_size((UNBROKEN, 24)).columns  # no terminal: nothing is wrapped
    beside = max(map(len, rows)) + 2
    lines = []
    for name, text in rows.items():
        if width < BOXED:
            lines += [indent + name, *wrapped(text, width, f"{indent}  ")]
        else:
            first, *others = wrapped(text, width, indent + " " * beside) or [""]
            lines += [f"{indent}{name:<{beside}}{first.lstrip()}".rstrip(), *others]
    return lines


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """Return text as indented lines of at most ``width`` columns, with no word broken."""
    return textwrap.wrap(
        text,
        max(width, len(indent) + 10),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def options_in(text: str) -> list[str]:
    """Return the options that the parser's help lists."""
    return list(dict.fromkeys(re.findall(r"(?<![\w.-])--[a-z][\w.-]*", text)))


def one_sentence(
    box: str,
    prog: str,
    known: Sequence[str] = (),
    elsewhere: Callable[[str], str] = lambda _: "",
) -> str:
    """Turn the message of the option parser, a titled box of sections, into a sentence."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", box)
    sections: list[list[str]] = [[]]
    for line in text.splitlines()[1:]:  # the first holds the title
        line = line.strip("│ ")
        if line and set(line) <= set("─-╰╯"):  # plain dashes where the terminal has no others
            sections.append([])
        elif line:
            sections[-1].append(line)
    message = " ".join(next(filter(None, sections), ["the options are not understood"]))
    if message.startswith("Missing from "):
        message = _missing(text)
    unknown = re.match(r"Unrecognized options: (--[^\s,=]+)", message)
    hint = ""
    if unknown:
        option = unknown[1].replace("_", "-")
        hint = did_you_mean(option, known)
        if not any(name.startswith(option) for name in known):
            hint = elsewhere(option.removeprefix("--").replace("-", "_")) or hint
    return f"{message.rstrip('.')}{hint}: see {prog} --help."


def _missing(text: str) -> str:
    """Return a sentence on the arguments that the parser misses, without the help of each.

    Their names are the lines indented least below the heading, and what they are is below them.
    """
    below = text[text.index("Missing from ") :].splitlines()[1:]
    lines = [line.replace("│", " ").rstrip() for line in below]
    end = next((at for at, line in enumerate(lines) if set(line.strip()) <= set("─-╰╯")), None)
    depths = {line: len(line) - len(line.lstrip()) for line in lines[:end]}
    names = [line.strip() for line in depths if depths[line] == min(depths.values())]
    *first, last = names
    return f"{', '.join(first)} and {last} are missing" if first else f"{last} is missing"
