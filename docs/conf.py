"""How Sphinx builds these pages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import _notebooks  # noqa: E402
import _sounds  # noqa: E402
import _tables  # noqa: E402

import unbraid  # noqa: E402

_tables.write_all(HERE.parent / "benchmarks/results", HERE / "_generated")
_notebooks.write_all(HERE, HERE / "_generated")
_sounds.write_all(HERE / "_generated")

project = "unbraid"
author = copyright = "the unbraid developers"
release = version = unbraid.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "_directives",
    "_commands",
    "_mathml",
]
html_math_renderer = "mathml"
exclude_patterns = ["_build", "_generated"]
suppress_warnings = ["toc.empty_glob"]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["math.css"]
html_title = f"unbraid {release}"
templates_path = ["_templates"]
# tools/versioned_docs.py builds several versions side by side, each with a choice of the others
html_context = {
    "versions": os.environ.get("UNBRAID_DOCS_VERSIONS", "").split(),
    "shown": os.environ.get("UNBRAID_DOCS_SHOWN", ""),
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "versions.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
