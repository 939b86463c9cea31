"""Requests that the explorer's page understands, against the grammar in Python.

Generated requests, valid, nearly valid and invalid, and all that the docs and the grammar's tests
have, are given to words.js in one session of Chromium. Writes
benchmarks/results/explorer_words.json; run as ``python benchmarks/explorer_words.py``.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import json
import shutil
import sys
import time
import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import tyro
from _common import load, write
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # requests are generated as in the tests

from tests.conftest import CHROMIUM  # noqa: E402
from tests.control.language.test_request import FOLDER, GRIDS, PLAIN, SHAPES  # noqa: E402
from tests.explorer.asked import Tally, documented, requests  # noqa: E402
from unbraid.core.factors import FactorSpec  # noqa: E402
from unbraid.datasets import dsprites, mpi3d, smallnorb, speech  # noqa: E402
from unbraid.datasets.digits import Config, factor_specs  # noqa: E402
from unbraid.explorer import words  # noqa: E402

SPECS: dict[str, Sequence[FactorSpec]] = {
    "digits": factor_specs(Config()),
    "dsprites": dsprites.SPECS,
    "shapes3d": SHAPES,
    "mpi3d": mpi3d.factor_specs("toy"),
    "smallnorb": smallnorb.SPECS,
    "a folder": FOLDER,
    "numbers": GRIDS,
    "reals": PLAIN,
    "voices": speech.factor_specs(speech.Config()),
}
ASK = """([texts]) => { const start = performance.now();
    const found = texts.map(text => Words.understand(window.table, text));
    return [performance.now() - start, JSON.stringify(found)]; }"""


def main(count: int = 20_000, others: int = 5_000, seed: int = 0) -> None:
    """Compare the page with Python.

    Args:
        count: requests for digits.
        others: requests for each other data set.
        seed: of the generator.
    """
    texts_of_docs = documented()
    result: dict[str, Any] = {"load": load(), "seed": seed, "data": {}}
    with sync_playwright() as playwright:
        path = os.environ.get("UNBRAID_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        page = browser.new_page()
        page.goto("about:blank")
        page.add_script_tag(content=(files("unbraid.explorer") / "static/words.js").read_text())
        for name, specs in SPECS.items():
            start = time.process_time()
            text = words.text_of(words.table(specs))
            seconds = time.process_time() - start
            page.evaluate("text => { window.table = JSON.parse(text); }", text)
            texts = [*requests(specs, count if name == "digits" else others, seed), *texts_of_docs]
            milliseconds, answers = page.evaluate(ASK, [texts])
            tally = Tally()
            for request, answer in zip(texts, json.loads(answers), strict=True):
                tally.add(request, specs, answer)
            result["data"][name] = found = {
                "requests": tally.requests,
                "understood otherwise": len(tally.different),
                "python understands": tally.understood,
                "page understands": tally.same,
                "share understood": round(tally.same / tally.understood, 4),
                "described in the same words": tally.same_words,
                "both refuse": tally.both_refuse,
                "refused with the same sentence": tally.same_sentence,
                "milliseconds a request": round(milliseconds / len(texts), 3),
                "core seconds to make": round(seconds, 1),
                "kilobytes": round(len(text.encode()) / 1000, 1),
                "kilobytes deflated": round(len(zlib.compress(text.encode(), 9)) / 1000, 1),
                "otherwise": tally.different[:20],
                "refused by the page": tally.refused[:20],
            }
            print(name, {key: value for key, value in found.items() if not isinstance(value, list)})
        browser.close()
    write("explorer_words", result)


if __name__ == "__main__":
    tyro.cli(main)
