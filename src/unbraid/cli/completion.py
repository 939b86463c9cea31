"""``unbraid completion SHELL``: a script that completes commands, names and options.

The script is static: pressing Tab starts no Python. It is made from the help of every command, so
that it knows every option there is.
"""

from __future__ import annotations

import dataclasses
import io
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Literal, get_args, get_origin, get_type_hints

from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.parsing import WIDEST, listing, options_in

# Options whose values are names of things, wherever they are.
NAMED = {"--data": "datasets", "--metrics": "metrics", "--log": "loggers"}
OF_DATA = ("show", "judge")  # commands whose first word is a data set


@dataclass
class Words:
    """What can be completed.

    Args:
        commands: their summaries by name.
        first: the words that may follow a command; it takes a path where there are none.
        options: by command, and by ``train METHOD``.
        values: the values of an option, by ``COMMAND --OPTION``.
    """

    commands: dict[str, str] = field(default_factory=dict)
    first: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)


def completion(args: list[str]) -> None:
    """Print a shell's script: ``unbraid completion SHELL``."""
    if not args or args[0] in ("-h", "--help"):
        print(f"usage: unbraid completion {{{','.join(SHELLS)}}}\n")
        print("\n".join(listing({name: where for name, (_, where) in SHELLS.items()})))
        return
    if args[0] not in SHELLS or len(args) > 1:
        found = " ".join(args)
        raise UnbraidError(
            f"unbraid completion takes a shell, {' or '.join(SHELLS)}, found '{found}'"
            f"{did_you_mean(args[0], SHELLS)}."
        )
    print(SHELLS[args[0]][0](collected()), end="")


def collected() -> Words:
    """Return all commands, names, options and values."""
    from unbraid.cli import COMMANDS
    from unbraid.cli.study import COMMANDS as OF_STUDIES

    words = Words(commands={name: summary for name, (_, summary) in COMMANDS.items()})
    for name in registry.usable("figures"):
        if name not in COMMANDS:
            words.commands[name] = registry.summary("figures", name)
    words.first = {name: registry.names("datasets") for name in OF_DATA}
    words.first |= {"train": registry.names("methods"), "completion": list(SHELLS)}
    words.first["study"] = list(OF_STUDIES)
    for command in words.commands:
        if command == "study":  # options of all that it does
            _take(words, command, "".join(_help(command, each) for each in OF_STUDIES))
        elif command not in ("completion", "train"):
            _take(words, command, _help(command))
    _take_methods(words)
    return words


def _take(words: Words, place: str, text: str) -> None:
    """Take in the options of a help, and the values of those that have a choice."""
    words.options[place] = ["--help", *(each for each in options_in(text) if each != "--help")]
    plain = re.sub(r"[\s│]+", " ", text)
    for option, choices in re.findall(r"(--[a-z][\w.-]*) \{([^}\[]+)\}", plain):
        _add(words, f"{place} {option}", choices.replace(" ", "").split(","))
    for option, folder in NAMED.items():
        # of other commands it is the path of data that were moved
        named = option != "--data" or place in ("train", "evaluate")
        if named and option in words.options[place]:
            _add(words, f"{place} {option}", registry.names(folder))


def _add(words: Words, option: str, values: Iterable[str]) -> None:
    known = words.values.setdefault(option, [])
    known += [each for each in values if each not in (*known, "", "None")]


def _take_methods(words: Words) -> None:
    """Take in the options of ``unbraid train METHOD``: those of one method's help, and its own."""
    names = registry.usable("methods")
    _take(words, "train", _help("train", names[0]))
    shared = [o for o in words.options["train"] if o not in _own(names[0])]
    for name in names:
        words.options[f"train {name}"] = [*shared, *_own(name)]
        for option, hint in get_type_hints(registry.load("methods", name).Config).items():
            if get_origin(hint) is Literal:
                _add(words, f"train {_option(option)}", map(str, get_args(hint)))


def _own(method: str) -> list[str]:
    """Return the options of a method's Config."""
    found = []
    for each in dataclasses.fields(registry.load("methods", method).Config):
        found.append(_option(each.name))
        if each.type in (bool, "bool"):
            found.append(_option(f"no_{each.name}"))
    return found


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _help(*command: str) -> str:
    """Return what ``unbraid COMMAND --help`` prints."""
    from unbraid.cli import dispatch

    out, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(WIDEST)
    try:
        with redirect_stdout(out), suppress(SystemExit):
            dispatch([*command, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return out.getvalue()


# -- scripts --------------------------------------------------------------------------------------


def _cases(variable: str, rows: Mapping[str, list[str]]) -> str:
    """Return a ``case`` of bash and zsh that prints the words of a key."""
    lines = [f"    case {variable} in"]
    for key, words in rows.items():
        if words:
            pattern = shlex.quote(key) if " " in key else key
            lines.append(f"    {pattern}) echo {shlex.join(words)};;")
    return "\n".join([*lines, "    esac"])


def _functions(words: Words) -> str:
    """Return functions for bash and zsh: the words for a command, an option's values, options."""
    return f"""_unbraid_first() {{
{_cases('"$1"', words.first)}
}}
_unbraid_values() {{
{_cases('"$1"', words.values)}
}}
_unbraid_options() {{
{_cases('"$1"', words.options)}
}}
"""


def bash(words: Words) -> str:
    """Return the script of bash."""
    return f"""# completion of unbraid for bash, written by: unbraid completion bash
{_functions(words)}_unbraid() {{
    local now=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}} place words
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{" ".join(words.commands)} --help --version"
    elif [[ $now == -* ]]; then
        place=$command
        [ "$command" = train ] && [ "$COMP_CWORD" -gt 2 ] && place="train ${{COMP_WORDS[2]}}"
        words=$(_unbraid_options "$place")
    elif [[ $before == --* ]]; then
        words=$(_unbraid_values "$command $before")
    elif [ "$COMP_CWORD" -eq 2 ]; then
        words=$(_unbraid_first "$command")
    fi
    [ -n "$words" ] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$now")
}}
complete -o bashdefault -o default -F _unbraid unbraid
"""


def zsh(words: Words) -> str:
    """Return the script of zsh."""
    told = "\n".join(
        f"        {shlex.quote(f'{name}:{text}')}" for name, text in words.commands.items()
    )
    return f"""#compdef unbraid
# completion of unbraid for zsh, written by: unbraid completion zsh
{_functions(words)}_unbraid() {{
    local now=$words[CURRENT] before=$words[CURRENT-1] place found
    local -a commands
    if (( CURRENT == 2 )); then
        commands=(
{told}
        )
        _describe command commands
        return
    elif [[ $now == -* ]]; then
        place=$words[2]
        [[ $place == train ]] && (( CURRENT > 3 )) && place="train $words[3]"
        found=$(_unbraid_options "$place")
    elif [[ $before == --* ]]; then
        found=$(_unbraid_values "$words[2] $before")
    elif (( CURRENT == 3 )); then
        found=$(_unbraid_first "$words[2]")
    fi
    [[ -n $found ]] && compadd -- ${{=found}}
    [[ $now == -* ]] || _files
}}
if [[ $funcstack[1] == _unbraid ]]; then
    _unbraid "$@"
else
    compdef _unbraid unbraid
fi
"""


def fish(words: Words) -> str:
    """Return the script of fish."""
    quote = _fish_quote
    lines = ["# completion of unbraid for fish, written by: unbraid completion fish"]
    first = "-n __fish_use_subcommand"
    lines += [
        f"complete -c unbraid -f {first} -a {name} -d {quote(text)}"
        for name, text in words.commands.items()
    ]
    for command, names in words.first.items():
        only = "test (count (commandline -opc)) -eq 2; and __fish_seen_subcommand_from"
        lines.append(
            f"complete -c unbraid -n {quote(f'{only} {command}')} -a {quote(' '.join(names))}"
        )
    for place, options in words.options.items():
        if place == "train":
            continue
        command, _, method = place.partition(" ")
        seen = f"__fish_seen_subcommand_from {command}"
        seen += f"; and __fish_seen_subcommand_from {method}" if method else ""
        for option in options:
            values = words.values.get(f"{command} {option}", [])
            more = f" -x -a {quote(' '.join(values))}" if values else ""
            lines.append(f"complete -c unbraid -n {quote(seen)} -l {option[2:]}{more}")
    return "\n".join(lines) + "\n"


def _fish_quote(text: str) -> str:
    """Return text in quotes as fish takes it.

    >>> print(_fish_quote("the run's"))
    'the run\\'s'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: dict[str, tuple[Callable[[Words], str], str]] = {
    "bash": (bash, "unbraid completion bash > ~/.local/share/bash-completion/completions/unbraid"),
    "zsh": (zsh, "unbraid completion zsh > a file _unbraid in a folder of $fpath"),
    "fish": (fish, "unbraid completion fish > ~/.config/fish/completions/unbraid.fish"),
}
