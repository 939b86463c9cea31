"""Tables of measured numbers: a module a page, a function for each file in benchmarks/results.

``train_speed(result)`` turns benchmarks/results/train_speed.json into Markdown, and a page shows it
with an include of ``_generated/train_speed.md``. Numbers are never typed into a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from _tables.control_benchmark_page import control, control_data, judge, judges
from _tables.control_page import edits, request_speed
from _tables.correlated_page import correlated
from _tables.explorer_page import explorer
from _tables.gpu_page import gpu
from _tables.hardening_page import hardening
from _tables.methods_page import (
    autoencoders,
    discrete_codes,
    methods,
    methods_first,
    of_method,
)
from _tables.metrics_page import metrics_speed
from _tables.readme import control_summary, peers, request_time
from _tables.recordings_page import recordings
from _tables.speech_page import speech, speech_control, speech_judge, speech_requests
from _tables.speed_page import data_speed, drawn_speed, nets_speed, render_speed, train_speed
from _tables.studies_page import locatello2019, locatello2019_means, studies, study_time
from _tables.tour_page import claim, gallery, side_by_side, tour
from _tables.voices_page import speech_voices
from _tables.your_data_page import measured

__all__ = ["TABLES", "control_summary", "peers", "request_time", "write_all"]

TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "autoencoders": autoencoders,
    "claim": claim,
    "control": control,
    "control_data": control_data,
    "correlated": correlated,
    "data_speed": data_speed,
    "discrete_codes": discrete_codes,
    "drawn_speed": drawn_speed,
    "edits": edits,
    "explorer": explorer,
    "gallery": gallery,
    "gpu": gpu,
    "hardening": hardening,
    "judge": judge,
    "judges": judges,
    "locatello2019": locatello2019,
    "measured": measured,
    "methods": methods,
    "metrics_speed": metrics_speed,
    "nets_speed": nets_speed,
    "recordings": recordings,
    "render_speed": render_speed,
    "request_speed": request_speed,
    "side_by_side": side_by_side,
    "speech": speech,
    "speech_control": speech_control,
    "speech_judge": speech_judge,
    "speech_requests": speech_requests,
    "speech_voices": speech_voices,
    "studies": studies,
    "study_time": study_time,
    "tour": tour,
    "train_speed": train_speed,
}
# methods whose pages show their own rows of the comparison
PAGES = (
    "factor-vae",
    "dip-vae-i",
    "dip-vae-ii",
    "annealed-vae",
    "info-vae",
    "wae-mmd",
    "ada-gvae",
    "ada-ml-vae",
    "slow-vae",
    "qlae",
    "tripod",
    "hfs",
    "s2-vae",
    "beta-vae",
    "beta-tcvae",
)
# further tables of a result, by the name of their page
MORE: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "locatello2019_means": ("locatello2019", locatello2019_means),
    "methods_first": ("methods", methods_first),
    **{f"method_{name}": ("methods", partial(of_method, method=name)) for name in PAGES},
}


def write_all(results: Path, out: Path) -> None:
    """Write every table; where there is no result yet, the table says which command makes it."""
    out.mkdir(exist_ok=True)
    tables = {name: (name, table) for name, table in TABLES.items()} | MORE
    for name, (source, table) in tables.items():
        result = results / f"{source}.json"
        if result.is_file():
            text = table(json.loads(result.read_text(encoding="utf-8")))
        else:
            text = f"*Not measured yet: `python benchmarks/{source}.py` does.*"
        page = out / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text + "\n":
            page.write_text(text + "\n", encoding="utf-8")
