"""Write docs/images/explorer.png: the explorer's page of a run.

``python tools/explorer_image.py RUN`` renders it, for a run such as
``unbraid train beta-tcvae --data mnist --net mlp --latent-dim 10 --beta 6 --epochs 2``. It needs
playwright and Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from unbraid.explorer import page

IMAGE = Path(__file__).parent.parent / "docs/images/explorer.png"
SHAPE = {"width": 1280, "height": 860}
RESTS = "() => explorer.strips.idle && !explorer.state.dirty"


def main(run: Path) -> None:
    """Render the page of a run, with the eighth held-out image as its input."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        written = page.write([run], Path(folder) / "explorer.html")
        found = os.environ.get("UNBRAID_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        opened = browser.new_page(viewport=SHAPE)
        opened.goto(f"{written.as_uri()}#image=7")
        opened.wait_for_selector("html[data-ready]", state="attached")
        opened.wait_for_timeout(500)  # strips begin a little after the last move
        opened.wait_for_function(RESTS)
        over = opened.locator("canvas.over").bounding_box()
        opened.mouse.move(over["x"] + 0.3 * over["width"], over["y"] + 0.35 * over["height"])
        opened.wait_for_timeout(300)
        opened.screenshot(path=IMAGE)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
