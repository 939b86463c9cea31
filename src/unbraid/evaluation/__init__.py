"""Evaluation of models: held-out reconstruction, and the scores of every metric.

``reconstruction.py`` measures what a finished training writes into result.json; ``scores.py`` runs
the metrics on what ``evidence.py`` prepares. ``unbraid.runs.evaluating`` measures run folders.
"""
