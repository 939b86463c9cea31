"""``unbraid export RUN [RUN2]``: a run as a page, or as ONNX files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unbraid.core.errors import UnbraidError
from unbraid.core.parsing import one_or_two_runs, parse


@dataclass(frozen=True)
class Options:
    """What is written, and where.

    Args:
        html: the path of a page that opens in any browser, ending in .html; the same page as that
            of ``unbraid explore``.
        onnx: a folder for ONNX files of the encoder, the decoder and the method's other functions;
            needs ``pip install 'unbraid[onnx]'``. It must not exist, or be empty.
        float32: keep the page's weights in single precision; the page is about twice as large.
        data: the present path of the run's data if they were moved.
    """

    html: Path | None = None
    onnx: Path | None = None
    float32: bool = False
    data: str = ""


def export(args: list[str]) -> None:
    """Write a run, or the page of two, in forms that need no unbraid; print each path."""
    import tyro

    runs, args = one_or_two_runs(args, "unbraid export")
    flags = tyro.conf.FlagCreatePairsOff[Options]
    about = "Write a run as a page for the browser, or as ONNX files."
    given = parse(flags, args, "unbraid export RUN [RUN2]", about)
    if given.html is None and given.onnx is None:
        raise UnbraidError(
            "unbraid export needs --html FILE.html for a page, --onnx FOLDER for ONNX files, or "
            "both."
        )
    if given.onnx is not None and len(runs) > 1:
        raise UnbraidError("--onnx takes one run, found 2: export them one after the other.")
    from unbraid.explorer import onnx, page

    if given.onnx is not None:
        print(onnx.write(runs[0], given.onnx, data=given.data))
    if given.html is not None:
        print(page.write(runs, given.html, float32=given.float32, data=given.data))
