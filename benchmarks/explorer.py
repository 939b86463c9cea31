"""The explorer's pages: size, time to export and to show, milliseconds a slider step, exactness.

Each page is opened from disk in headless Chromium, on one CPU. Two models are trained for a few
steps only, which changes none of these figures; the third is a finished run, if it is there. Writes
benchmarks/results/explorer.json; run as ``python benchmarks/explorer.py``.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import tyro
from _common import load, write
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # torch and the page are compared as in the tests

from tests.conftest import CHROMIUM  # noqa: E402
from tests.explorer.test_net import empty_page, worst  # noqa: E402
from unbraid.explorer import graph, page  # noqa: E402
from unbraid.methods import configure  # noqa: E402
from unbraid.runs import Run, RunConfig, train_run  # noqa: E402
from unbraid.training import TrainingConfig  # noqa: E402

AIMS = {
    "page, MB": 4.0,
    "export, core seconds": 10.0,
    "first picture, ms": 1000.0,
    "step p95, ms": 16.0,
    "f32 off torch": 1e-4,
    "f16 off torch, grey levels": 0.5,
    "heap growth, MB": 0.5,
}
# Moves the first slider from end to end and back; a step ends when its pixels are drawn.
STEPS = """([count]) => {
    const slider = document.querySelector('input.slider');
    const [low, high] = [Number(slider.min), Number(slider.max)];
    const times = [];
    for (let at = 0; at < count; at++) {
        slider.value = low + (high - low) * (0.5 - 0.5 * Math.cos(at / 7));
        const start = performance.now();
        slider.dispatchEvent(new Event('input', { bubbles: true }));
        if (!explorer.state.dirty) throw new Error('nothing moved');
        explorer.state.flush();
        times.push(performance.now() - start);
    }
    return times;
}"""


def main(
    steps: int = 200,
    moves: int = 1000,
    flow: Path = ROOT / "runs/control/conditional-flow-all-seed-0",
    runs: Path | None = None,
) -> None:
    """Measure the pages.

    Args:
        steps: of training of the models that are trained here, and slider steps that are timed.
        moves: after which the heap is looked at.
        flow: a finished run of conditional-flow; left out if it is not there.
        runs: where the models that are trained here are kept, and taken from if they are there.
    """
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})  # chromium inherits it
    torch.set_num_threads(1)
    result: dict[str, Any] = {"load": load(), "aims": AIMS, "steps": steps, "pages": {}}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        path = os.environ.get("UNBRAID_CHROMIUM") or shutil.which("chromium")
        flags = [*CHROMIUM, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        os.sched_setaffinity(0, cpus)
        kept = runs or Path(scratch)
        vae, infogan = (trained(name, kept, steps) for name in ("vae", "infogan"))
        cases = {"vae": [vae], "infogan": [infogan], "vae and infogan": [vae, infogan]}
        if (flow / "result.json").exists():
            cases["conditional-flow"] = [Run(flow)]
        for name, shown_runs in cases.items():
            out = Path(scratch) / "page.html"
            start, core = time.perf_counter(), time.process_time()
            page.write(shown_runs, out)
            found = {
                "data": shown_runs[0].config.data,
                "shape": list(shown_runs[0].model().image_shape),
                "page, MB": round(out.stat().st_size / 1e6, 2),
                "export, seconds": round(time.perf_counter() - start, 1),
                "export, core seconds": round(time.process_time() - core, 1),
            }
            found |= shown(browser, out, steps, moves)
            if len(shown_runs) == 1:
                found |= exactness(browser, shown_runs[0])
            result["pages"][name] = found
            print(name, found, flush=True)
            write("explorer", result)  # whole after each page
        browser.close()


def trained(name: str, folder: Path, steps: int) -> Run:
    """Return a run of a method on MNIST."""
    if (folder / name / "result.json").exists():
        return Run(folder / name)
    training = TrainingConfig(steps=steps, precision="f32")
    return train_run(RunConfig(configure(name), "mnist", {}, training), folder / name)


def shown(browser: Browser, path: Path, steps: int, moves: int) -> dict[str, Any]:
    """Return how long a page takes to show, and slider steps on it."""
    firsts = []
    for _ in range(3):
        opened = browser.new_page()
        opened.goto(path.as_uri())
        opened.wait_for_selector("html[data-ready]", state="attached")
        mark = "performance.getEntriesByName('first-picture')[0].startTime"
        firsts.append(opened.evaluate(mark))
        if len(firsts) < 3:
            opened.close()
    opened.wait_for_timeout(3000)  # strips are decoded
    session = opened.context.new_cdp_session(opened)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    opened.evaluate(STEPS, [20])
    before = busy(session)
    times = sorted(opened.evaluate(STEPS, [steps]))
    spent = busy(session) - before
    heap = "(gc(), performance.memory.usedJSHeapSize)"
    opened.evaluate(STEPS, [moves // 2])
    opened.wait_for_timeout(1000)
    first = opened.evaluate(heap)
    opened.evaluate(STEPS, [moves])
    opened.wait_for_timeout(1000)
    growth = opened.evaluate(heap) - first
    opened.close()
    return {
        "first picture, ms": round(min(firsts)),
        "step p50, ms": round(times[len(times) // 2], 1),
        "step p95, ms": round(times[int(0.95 * len(times))], 1),
        "step, ms of the processor": round(1000 * spent / steps, 1),
        "heap growth, MB": round(growth / 1e6, 2),
    }


def busy(session: Any) -> float:
    """Return the seconds of its processor that the page's main thread has used."""
    metrics = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    return float(metrics["TaskDuration"])


def exactness(browser: Browser, run: Run) -> dict[str, Any]:
    """Return the largest differences of a model's functions in the page to those of torch."""
    model = page.on_cpu(run)
    plans = graph.plans(graph.functions(model), model, "the model")
    opened = empty_page(browser)
    exact = worst(opened, graph.packed(plans, float32=True), model)
    halved = worst(opened, graph.packed(plans), model)
    opened.close()
    return {
        "f32 off torch": float(f"{max(exact.values()):.2g}"),
        "f16 off torch, grey levels": round(255 * halved["decode"], 3),
        "operators": {name: len(plan.nodes) for name, plan in plans.items()},
    }


if __name__ == "__main__":
    tyro.cli(main)
