"""The gates of the comparison of methods, on made-up figures, and its table with rows missing."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def imported(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gates = imported("benchmarks/_gates.py")
tuning = imported("benchmarks/_tuning.py")


def row(method: str, seed: int, setting: str = "published", **scores: float | None) -> Any:
    named = {name.replace("_", " "): [value, 0.01] for name, value in scores.items()}
    return {
        "data": "made-up",
        "method": method,
        "setting": setting,
        "seed": seed,
        "scores": named,
        "stats": {"reconstruction": 100.0 + seed},
        "gaussian_tc": None,
        "training": {"steps": 20},
    }


def of(method: str, *values: float | None, **options: Any) -> list[Any]:
    return [row(method, seed, mig=value, **options) for seed, value in enumerate(values)]


def told(rows: list[Any], **milliseconds: float) -> dict[str, Any]:
    times = {"made-up": {name.replace("_", "-"): ms for name, ms in milliseconds.items()}}
    return {gate["gate"]: gate for gate in gates.evaluate(rows, times if milliseconds else {})}


def test_an_order_is_of_means_over_the_seeds_that_both_have() -> None:
    rows = of("vae", 0.1, 0.2, 0.3) + of("factor-vae", 0.3, 0.2, 0.4, 9.0)
    (gate,) = told(rows).values()
    assert gate["gate"] == "factor-vae above the VAE in mig"
    assert gate["met"]
    assert gate["difference"]["mean"] == pytest.approx(0.1)
    assert gate["difference"]["seeds"] == 3
    half = 4.303 * 0.1 / math.sqrt(3)  # t of 2 degrees of freedom
    assert gate["difference"]["high"] == pytest.approx(0.1 + half, abs=1e-4)
    rows = of("vae", 0.1, 0.2) + of("beta-tcvae", 0.1, 0.1)
    (gate,) = told(rows).values()
    assert not gate["met"]


def test_equal_is_not_above() -> None:
    (gate,) = told(of("vae", 0.1) + of("factor-vae", 0.1)).values()
    assert not gate["met"]
    assert gate["difference"]["low"] is None  # one seed has no interval


def test_the_best_of_several_counts() -> None:
    rows = of("vae", 0.1) + of("beta-vae", 0.5) + of("ada-gvae", 0.4)
    (gate,) = told(rows).values()
    assert gate["compared with"] == "beta-vae"
    assert not gate["met"]
    assert "factor-vae" in gate["not measured"]


def test_what_is_not_measured_is_no_gate() -> None:
    assert told(of("vae", 0.1, 0.2)) == {}
    assert told(of("factor-vae", 0.1) + of("vae", None)) == {}
    assert told(of("factor-vae", 0.1) + of("vae", math.nan)) == {}
    assert told(of("factor-vae", 0.1) + of("vae", 0.2, setting="tuned")) == {}
    assert gates.evaluate([], {}) == []


def test_settings_are_told_apart() -> None:
    rows = of("vae", 0.1) + of("factor-vae", 0.2)
    rows += of("vae", 0.3, setting="tuned") + of("factor-vae", 0.2, setting="tuned")
    found = gates.evaluate(rows, {})
    assert [(gate["setting"], gate["met"]) for gate in found] == [
        ("published", True),
        ("tuned", False),
    ]


def test_another_network_is_compared_with_the_others_as_published() -> None:
    rows = of("vae", 0.5) + of("beta-vae", 0.7) + of("vae", 0.9, setting="tuned")
    rows = [{**row, "scores": {"infomec InfoM": row["scores"]["mig"]}} for row in rows]
    own = [{**row, "scores": {"infomec InfoM": [0.6, None]}} for row in of("qlae", 0)]
    conv = [{**row, "setting": "net=conv", "scores": {"infomec InfoM": [0.8, None]}} for row in own]
    found = gates.evaluate([*rows, *own, *conv], {})
    assert [(g["setting"], g["met"], g["compared with"]) for g in found] == [
        ("published", False, "beta-vae"),
        ("net=conv", True, "beta-vae"),
    ]


@pytest.mark.parametrize(
    ("sampled", "means", "met"),
    [
        ([3.0, 2.0, 1.0], [3.0, 4.0, 5.0], True),
        ([3.0, 2.0, 1.0], [3.0, 3.0, 3.0], True),
        ([3.0, 2.0, 1.0], [5.0, 4.0, 3.0], False),  # means fall, too
        ([1.0, 2.0, 3.0], [3.0, 4.0, 5.0], False),  # sampled codes do not
    ],
)
def test_total_correlation(sampled: list[float], means: list[float], met: bool) -> None:
    rows = []
    for weight, one, other in zip((1, 10, 4), (0, 2, 1), (0, 2, 1), strict=True):
        each = row("beta-tcvae", 0, f"beta={weight}")
        each["gaussian_tc"] = {"sampled": sampled[one], "means": means[other]}
        rows.append(each)
    (gate,) = told(rows).values()
    assert gate["weights"] == [1.0, 4.0, 10.0]  # in the order of their size
    assert gate["met"] is met
    assert told(rows[:2]) == {}  # two are no trend
    other = [{**each, "seed": 1} for each in rows]
    assert told([*rows[:2], other[2]]) == {}  # they have no seed in common
    assert told([*rows, other[0]])[gate["gate"]]["sampled"] == gate["sampled"]


def test_a_seeds_tuned_run_is_chosen_by_the_others() -> None:
    rows = of("m", 0.9, 0.1, 0.2, setting="w=1") + of("m", 0.3, 0.4, 0.5, setting="w=2")
    rows += of("m", 0.7, 0.7, 0.7)
    found = tuning.tuned(rows, ["w=1", "w=2"], "mig")
    # seeds 1 and 2 prefer w=2; 0 and 2, as 0 and 1, w=1
    assert [row["scores"]["mig"][0] for row in found] == [0.3, 0.1, 0.2]
    assert {row["setting"] for row in found} == {"tuned"}


def test_nothing_is_tuned_before_all_values_are_tried() -> None:
    rows = of("m", 0.1, 0.2, setting="w=1") + of("m", 0.3, setting="w=2")
    assert tuning.tuned(rows, ["w=1", "w=2"], "mig") == []
    assert tuning.tuned(rows[:2], ["w=1", "w=2"], "mig") == []  # as a published value alone is
    assert tuning.tuned(rows, [], "mig") == []


def test_runs_without_the_score_are_not_chosen() -> None:
    rows = of("m", math.nan, 0.1, setting="w=1") + of("m", 0.0, None, setting="w=2")
    found = tuning.tuned(rows, ["w=1", "w=2"], "mig")
    assert [(row["seed"], row["scores"]["mig"][0]) for row in found[1:]] == [(1, None)]
    diverged = [{**row, "scores": {}} for row in of("m", 0.0, 0.0, setting="w=1")]
    found = tuning.tuned([*diverged, *of("m", 0.0, 0.0, setting="w=2")], ["w=1", "w=2"], "mig")
    assert len(found) == 2
    assert all(row["scores"] for row in found)


def test_speed() -> None:
    (gate,) = told([], vae=10.0, factor_vae=22.0).values()
    assert gate["met"]
    assert not next(iter(told([], vae=10.0, factor_vae=23.0).values()))["met"]
    assert told([], vae=10.0) == {}


def test_speed_tells_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    methods_page = importlib.import_module("_tables.methods_page")
    times = {"made-up": {"vae": 10.0, "factor-vae": 46.0}}
    counts = {"made-up": {"vae": 1.5, "factor-vae": 6.6}}
    (gate,) = gates.evaluate([], times, counts)
    assert gate["ratio of operations"] == pytest.approx(4.4)
    line = methods_page._gate(gate)
    assert line.endswith(": 4.60, with 4.40 times its floating-point operations; **missed**")
    (gate,) = gates.evaluate([], times, {})
    assert gate["ratio of operations"] is None


def test_the_table_copes_with_rows_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    tables = importlib.import_module("_tables")
    rows = of("vae", 0.1, 0.2) + of("factor-vae", 0.3) + of("qlae", None)
    rows.append({**row("vae", 2), "stats": {}, "diverged": "training stopped"})
    machine = {"torch": "2", "cores": 2, "device": "cpu", "vector instructions": "AVX2"}
    result: dict[str, Any] = {
        "command": "python benchmarks/methods.py",
        "machine": machine,
        "load_before": 0.1,
        "steps": 20,
        "common": {"batch_size": 64, "lr": 5e-4},
        "tuned by": "DCI",
        "published": {"made-up": [{"source": "someone", "values": {"vae": {"mig": 0.5}}}]},
        "milliseconds a step": {"made-up": {"vae": 10.0, "factor-vae": 23.0}},
        "rows": rows,
        "gates": gates.evaluate(rows, {"made-up": {"vae": 10.0, "factor-vae": 23.0}}),
    }
    text = tables.methods(result)
    assert "| `vae` | published | 3, 1 diverged | 0.10, 0.20 |  |" in text
    assert "`vae` MIG 0.50" in text
    assert "| `factor-vae` | published | 1 | 0.30 |" in text
    assert "| `qlae` | default | 1 |" in text
    own = tables.of_method(result, "factor-vae")
    assert "| `made-up` | `vae` |  | 3 | 0.10, 0.20 |" in own
    assert "| `made-up` | `factor-vae` | published | 1 | 0.30 |" in own
    assert "qlae" not in own
    assert "- factor-vae above the VAE in mig (published): +0.200; met, by one seed" in text
    assert "at most 2.2 times one of the VAE: 2.30; **missed**" in text
    empty = tables.methods({**result, "rows": [], "gates": []})
    assert "|---" in empty
    assert "1 to 3 seeds each, 20 steps of 64 images each." in text
    slow = {**row("qlae", 1), "training": {"steps": 4}}
    text = tables.methods({**result, "rows": [*rows, slow]})
    assert "20 steps of 64 images each; `qlae` 4." in text


def test_which_method_says_what_was_measured() -> None:
    """The sentences of docs/methods/which.md that compare methods by the result."""
    page = (ROOT / "docs/methods/which.md").read_text(encoding="utf-8")
    result = json.loads((ROOT / "benchmarks/results/methods.json").read_text(encoding="utf-8"))

    def first(data: str, score: str, *left_out: str) -> tuple[str, str]:
        values: dict[tuple[str, str], list[float]] = {}
        for row in result["rows"]:
            shown = row["data"] == data and row["setting"] in ("published", "net=conv", "tuned")
            if shown and row["method"] not in left_out and score in row["scores"]:
                key = row["method"], row["setting"]
                values.setdefault(key, []).append(row["scores"][score][0])
        return max(values, key=lambda key: float(np.mean(values[key])))

    given = ("ada-gvae", "ada-ml-vae", "slow-vae", "s2-vae")
    assert (
        "highest SAP and FactorVAE score](#before-trusting-any-of-them) on both data sets" in page
    )
    for data, score in itertools.product(("dsprites", "shapes3d"), ("sap", "factorvae")):
        assert first(data, score)[0] == "s2-vae"
    assert "on 3D Shapes also the highest DCI and InfoM" in page
    for score in ("infomec InfoM", "dci disentanglement"):
        assert first("shapes3d", score)[0] == "s2-vae"
    assert "highest InfoM](#before-trusting-any-of-them) of images alone on 3D" in page
    assert first("shapes3d", "infomec InfoM", *given) == ("qlae", "net=conv")
    assert first("dsprites", "infomec InfoM", *given) != ("qlae", "net=conv")
    assert "[`tripod`](tripod.md) is second there with a fifth of the steps" in page
    assert first("shapes3d", "infomec InfoM", *given, "qlae")[0] == "tripod"
    assert "highest InfoM and DCI](#before-trusting-any-of-them) on dSprites" in page
    for score in ("infomec InfoM", "dci disentanglement"):
        assert first("dsprites", score)[0] == "slow-vae"
    assert "MIG and DCI above those of images alone on dSprites, not on 3D Shapes" in page
    for score in ("mig", "dci disentanglement"):
        others = [name for name in given if name != "ada-gvae"]
        assert first("dsprites", score, *others)[0] == "ada-gvae"
        assert first("shapes3d", score, *others)[0] != "ada-gvae"


def test_the_short_table_names_the_highest_and_what_is_not_told_apart_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    tables = importlib.import_module("_tables.methods_page")
    rows = of("vae", 0.1, 0.12) + of("beta-vae", 0.3, 0.5) + of("factor-vae", 0.39, 0.41)
    rows += of("beta-vae", 0.6, 0.62, setting="tuned") + of("vae", 0.9, setting="beta=4")
    rows += of("ada-gvae", 0.7)
    told = {"steps": 20, "common": {"batch_size": 64}}
    text = tables.methods_first({"rows": rows, **told})
    images = next(line for line in text.split("\n") if "| images |" in line)
    # the other is factor-vae
    assert images.split(" | ")[2] == "`beta-vae` 0.60, 0.62; overlaps 1"
    assert "| `made-up` | pairs | `ada-gvae` 0.70 |" in text
    assert tables.methods_first({"rows": [], **told}) == "No method is measured yet."
    # of codes that tell nothing, modularity is a ratio of noise
    scores = {"dci_disentanglement": 0.0, "infomec_InfoM": 0.9}
    rows += [row("hfs", 0, "points=0", mig=0.0, **scores)]
    rows += [row("qlae", 0, mig=0.1, **{**scores, "infomec_InfoM": 0.6})]
    text = tables.methods_first({"rows": rows, **told})
    assert "`qlae` 0.60 |" in text
    assert "hfs" not in text
