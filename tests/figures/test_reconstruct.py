from __future__ import annotations

import numpy as np
import pytest

from unbraid.figures import reconstruct
from unbraid.figures._codes import one_of_each
from unbraid.runs import Run


def test_the_errors_are_those_of_unseen_images(tiny_run: Run) -> None:
    figure = reconstruct.draw(tiny_run, reconstruct.Config(rows=2, columns=4))
    unseen = tiny_run.unseen()
    images = unseen.images[one_of_each(unseen, 8, 0)]
    drawn = tiny_run.model().reconstruct(images).numpy()
    errors = np.square(drawn - images / 255).sum((1, 2, 3))
    written = [float(t.get_text()) for ax in figure.axes for t in ax.get_xticklabels()]
    assert written == pytest.approx(errors, abs=0.051)
    assert (
        f"{tiny_run.result['reconstruction_stats']['squared_error']:.1f}"
        in figure.texts[1].get_text()
    )


def test_originals_lie_above(tiny_run: Run) -> None:
    figure = reconstruct.draw(tiny_run, reconstruct.Config(rows=1, columns=1))
    unseen = tiny_run.unseen()
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    original = unseen.images[one_of_each(unseen, 1, 0)][0, 0]
    np.testing.assert_array_equal(sheet[:16, :16, 0], original)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["original", "reconstructed"]


def test_fewer_images_than_asked_for_leave_places_white(wide_run: Run) -> None:
    figure = reconstruct.draw(wide_run, reconstruct.Config(rows=3, columns=5))
    assert len(wide_run.unseen()) == 8
    assert len(figure.axes) == 2
    assert len(figure.axes[1].get_xticks()) == 3
    sheet = np.asarray(figure.axes[1].images[0].get_array())
    assert (sheet[:, 3 * 25 :] == 255).all()


def test_a_run_still_in_training_has_no_mean_yet(ae_run: Run, tmp_path: object) -> None:
    class Unfinished(Run):
        finished = False  # type: ignore[assignment]

    note = reconstruct.draw(Unfinished(ae_run.folder), reconstruct.Config(rows=1)).texts[1]
    assert "mean of" not in note.get_text()
