"""Write docs/images/interactive.png: the sliders and the request form of the tour's page.

``python tools/interactive_image.py RUN`` renders both for a run with fully connected networks, such
as the tour's ``runs/beta-tcvae-b4-0-e40``, and for the pretrained model. It needs playwright and
Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from unbraid.control import loading as control
from unbraid.control.assessment.judge import Judge
from unbraid.control.assessment.run_report import draw_function
from unbraid.runs import Run
from unbraid.tour import page
from unbraid.tour.exhibits.interactive import latent_sliders, request_picker

IMAGE = Path(__file__).parent.parent / "docs/images/interactive.png"
ASSETS = Path(page.__file__).parent
SHAPE = {"width": 720, "height": 900}


def html(run: Run) -> str:
    """Return a page of both boxes alone."""
    sliders = latent_sliders(
        run, "latents", "latents", "decoded image", "Move a latent and see what it encodes:"
    )
    pretrained = control.open(control.PRETRAINED)
    draw = draw_function(pretrained, correct=True)
    requests = request_picker(pretrained, draw, Judge.load(), "Choose a request:")
    style, script = (
        (ASSETS / name).read_text(encoding="utf-8") for name in ("report.css", "touch.js")
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{style}</style>'
        f"<body><main>{sliders}{requests}</main><script>{script}</script></body></html>"
    )


def main() -> None:
    """Render and write."""
    path = Path(tempfile.mkdtemp()) / "page.html"
    path.write_text(html(Run(Path(sys.argv[1]))), encoding="utf-8")
    chromium = os.environ.get("UNBRAID_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_page(viewport=SHAPE, device_scale_factor=2)
        view.goto(path.as_uri())
        view.wait_for_timeout(500)
        view.locator("main").screenshot(path=IMAGE)
        browser.close()


if __name__ == "__main__":
    main()
