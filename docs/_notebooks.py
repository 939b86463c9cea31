"""Notebooks of these pages: executed when the docs are built, and written as Markdown.

nbclient executes them; turning the result into Markdown takes a few lines, where a Sphinx extension
for notebooks would bring dozens of packages. Notebooks are stored without outputs.
"""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path
from typing import Any

TIMEOUT = 1200  # seconds a cell: the first one may have to prepare the digits


def write_all(docs: Path, generated: Path) -> None:
    """Execute each notebook below a folder, and write it as NAME.md."""
    generated.mkdir(exist_ok=True)
    for path in sorted(docs.rglob("[!_]*.ipynb")):
        text = markdown(executed(path))
        (generated / f"{path.stem}.md").write_text(text, encoding="utf-8")


def executed(path: Path) -> dict[str, Any]:
    """Return a notebook after running its cells in an empty folder; a failing cell raises."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as scratch:
        resources = {"metadata": {"path": scratch}}
        NotebookClient(
            notebook, timeout=TIMEOUT, kernel_name="python3", resources=resources
        ).execute()
    return dict(notebook)


def markdown(notebook: dict[str, Any]) -> str:
    """Return the cells of a notebook and their outputs as Markdown."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif source.strip():
            parts.append(f"```python\n{source}\n```")
            alt = cell["metadata"].get("alt", "")
            parts += filter(None, (shown(output, alt) for output in cell["outputs"]))
    return "\n\n".join(parts) + "\n"


def shown(output: dict[str, Any], alt: str) -> str:
    """Return an output as Markdown: its picture, its HTML or its text, the first there is."""
    data = output.get("data", {})
    if output["output_type"] == "stream":
        data = {"text/plain": output["text"]}
    text = "".join(data.get("text/plain", ""))
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return raw(f'<img alt="{escape(alt)}" src="data:image/png;base64,{picture}">')
    if "text/html" in data:
        return raw("".join(data["text/html"]))
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""


def raw(html: str) -> str:
    """Return HTML as a directive that passes it on."""
    return f"```{{raw}} html\n{html}\n```"
