"""Train the judge of speech and measure how well it hears.

``python benchmarks/speech_judge.py`` trains it on renderings of takes that nothing else is trained
on, measures it on the test split's takes, and writes src/unbraid/pretrained/speech_judge and
benchmarks/results/speech_judge.json. About ten minutes of one core.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, machine

from unbraid.control.assessment.judge_training import Config, train_judge
from unbraid.control.assessment.speech_judge import (
    FOLDER,
    MEASURED,
    SPECS,
    TAKES,
    UNVOICED,
    SpeechJudge,
    log_mel,
)
from unbraid.core import hardware
from unbraid.core.files import atomic, cache_folder, write_json
from unbraid.core.store import write_tensors
from unbraid.datasets.speech import SPEAKERS, Renderer
from unbraid.datasets.speech import Config as SpeechConfig
from unbraid.sound import sound_of

# A little wider than the default ranges, so that what lies just outside is heard as such.
WIDER = {"pitch": 1.0, "duration": 20.0, "tract": 3.0, "loudness": 1.0}
TESTED = 1_000


def drawn(
    renderer: Renderer, count: int, seed: list[int], margin: bool
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return sounds, factors (count, 5) and speakers (count,): half as pictures sound."""
    rng = np.random.default_rng(seed)
    ranges = {name: getattr(SpeechConfig(), name) for name in WIDER}
    columns = [
        rng.uniform(low - margin * WIDER[name], high + margin * WIDER[name], count)
        for name, (low, high) in ranges.items()
    ]
    factors = np.column_stack([rng.integers(0, 10, count), *columns])
    styles = renderer.choose(factors, [*seed, 1])
    pictures = renderer.draw(factors, styles)
    sounds = [
        sound_of(pictures[row], row)
        if row % 2
        else renderer.sound(factors[row], int(styles[row]), row)
        for row in range(count)
    ]
    return sounds, factors, styles // 50 % len(SPEAKERS)


def spectrograms(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spectrograms (count, 1, 64, 64) and word, tract and speaker, made once."""
    renderer = Renderer(TAKES)
    known = hashlib.sha256(renderer.voices.own.tobytes()).hexdigest()[:16]
    path = cache_folder() / f"speech-judge-{count}-{seed}-{known}.npz"
    if not path.is_file():
        sounds, factors, speaker = drawn(renderer, count, [seed], margin=True)
        labels = np.column_stack([factors[:, 0], factors[:, 3], speaker])
        images = np.array([log_mel(each) for each in sounds])
        with atomic(path) as temporary:
            np.savez(temporary, images=images, labels=labels)
    with np.load(path) as found:
        return found["images"], found["labels"]


def errors(judge: SpeechJudge, renderer: Renderer, count: int, seed: int) -> dict[str, Any]:
    """Measure the judge on renderings of which it knows no take."""
    sounds, factors, speaker = drawn(renderer, count, [seed, 1_000_000], margin=False)
    heard = judge.hear(sounds)
    word = factors[:, 0] == heard.word
    miss = {}
    for column, name in ((1, "pitch"), (2, "duration"), (4, "loudness")):
        values = np.array([getattr(each, name) for each in heard.measures])
        miss[name] = np.abs(np.where(np.isnan(values), UNVOICED, values) - factors[:, column])
    assert set(miss) == set(MEASURED)
    return {
        "word accuracy (%)": 100 * float(word.mean()),
        "worst word (%)": 100 * min(float(word[factors[:, 0] == w].mean()) for w in range(10)),
        "speaker accuracy (%)": 100 * float((heard.speaker == speaker).mean()),
        "pitch, median (semitones)": float(np.median(miss["pitch"])),
        "pitch, beyond a semitone (%)": 100 * float((miss["pitch"] > 1).mean()),
        "duration (%)": 100 * float((miss["duration"] / factors[:, 2]).mean()),
        "tract (%)": 100 * float((np.abs(heard.tract - factors[:, 3]) / factors[:, 3]).mean()),
        "loudness (dB)": float(miss["loudness"].mean()),
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--renderings", type=int, default=5_000)
    parser.add_argument("--passes", type=int, default=14)
    parser.add_argument("--render", action="store_true", help="make the sounds alone")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    hardware.keep_freed_memory()
    begun, cpu = time.perf_counter(), time.process_time()
    images, labels = spectrograms(given.renderings, given.seed)
    print(f"{len(images):,} sounds after {time.perf_counter() - begun:.0f} s", flush=True)
    if given.render:
        return
    last = [0.0]

    def told(step: int, steps: int) -> None:
        if time.perf_counter() - last[0] > 20:
            last[0] = time.perf_counter()
            print(f"step {step} of {steps}, {last[0] - begun:.0f} s", flush=True)

    network = train_judge(
        SPECS, images, labels, Config(passes=given.passes, seed=given.seed, device="cpu"), told
    )
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    weights = {k: v.half() for k, v in network.net.state_dict().items() if "num_batches" not in k}
    ranges = torch.from_numpy(network.heads.ranges).float()
    write_tensors(given.out / "model.safetensors", weights | {"ranges": ranges}, {"format": "pt"})
    network.net.load_state_dict({name: each.float() for name, each in weights.items()}, False)
    network.net.eval()
    judge = SpeechJudge(network)
    result: dict[str, Any] = {
        "command": f"python benchmarks/speech_judge.py --seed {given.seed} --renderings "
        f"{given.renderings} --passes {given.passes}",
        "seed": given.seed,
        "renderings": given.renderings,
        "trained on": f"takes {TAKES[0]} to {TAKES[1] - 1} of the Free Spoken Digit Dataset",
        "parameters": sum(p.numel() for p in network.net.parameters()),
        "seconds": round(seconds),
        "cpu seconds": round(cpu_seconds),
        "errors": {
            "test split": errors(judge, Renderer((0, 5)), TESTED, given.seed),
            "its own takes": errors(judge, Renderer(TAKES), TESTED // 2, given.seed),
        },
        "sounds": TESTED,
        "machine": machine(),
    }
    write_json(given.out / "result.json", result)
    if given.out == FOLDER:
        write_json(RESULTS / "speech_judge.json", result)
    print(result["errors"])


if __name__ == "__main__":
    main()
