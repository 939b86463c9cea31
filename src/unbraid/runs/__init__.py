"""Run folders: config.json, model.safetensors, metrics.jsonl, result.json and a checkpoint.

Every file of a run folder appears whole or not at all.
"""

from __future__ import annotations

from unbraid.runs.command import command
from unbraid.runs.config import FORMAT, IN_MEMORY, RunConfig
from unbraid.runs.fingerprints import DataChanged
from unbraid.runs.finish import machine
from unbraid.runs.fleets import train_fleet
from unbraid.runs.recorders import FolderRecorder, Forwarding
from unbraid.runs.restarts import train_restarts
from unbraid.runs.results import scores_by_metric
from unbraid.runs.run import Run, load
from unbraid.runs.train import train_run

__all__ = [
    "FORMAT",
    "IN_MEMORY",
    "DataChanged",
    "FolderRecorder",
    "Forwarding",
    "Run",
    "RunConfig",
    "command",
    "load",
    "machine",
    "scores_by_metric",
    "train_fleet",
    "train_restarts",
    "train_run",
]
