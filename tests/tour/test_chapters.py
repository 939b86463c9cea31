"""What chapters compute and say, on numbers whose answer is known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unbraid.control.language.parser import parse
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import factor_specs
from unbraid.tour.chapters import ch01_latent_size, ch06_infogan, ch09_control, ch10_speech
from unbraid.tour.exhibits import requests
from unbraid.tour.exhibits.claim import equal_reconstruction, written_interval
from unbraid.tour.exhibits.files import Numbers, slimmed
from unbraid.tour.formatting import number
from unbraid.tour.statistics import claim, comparison, latent_size
from unbraid.tour.statistics.clouds import (
    agreement,
    centres_spread,
    chance_agreement,
    compared_with_chance,
    direction_of,
    measure,
)
from unbraid.tour.statistics.curves import Point

ROOT = Path(__file__).parent.parent.parent


def squares(labels: list[int]) -> Dataset:
    """Images of one grey, 20 times their digit."""
    values = np.array(labels)
    images = np.broadcast_to(values[:, None, None, None] * 20, (len(values), 1, 16, 16))
    spec = FactorSpec("digit", "categorical", values=tuple(range(10)))
    return Dataset("squares", images.astype(np.uint8), values[:, None], (spec,))


def point(reconstruction: list[float], mig: list[float], dci: list[float]) -> Point:
    zeros = [0.0] * len(mig)
    return Point(reconstruction, zeros, {"mig": mig, "dci": dci}, zeros)


def test_numbers_are_typeset() -> None:
    assert number(-1234.56) == "\N{MINUS SIGN}1,234.6"
    assert number(-0.001, 2) == "0.00"
    assert number(3, 0) == "3"


def test_the_average_of_a_digit_draws_it_best() -> None:
    data = squares([3, 3, 5])
    means = latent_size.class_means(data)
    np.testing.assert_allclose(means[3], 60 / 255)
    assert latent_size.squared_error(means[data.factor("digit")], data) == pytest.approx(0)
    off = latent_size.squared_error(means[[3, 3, 3]], data)
    assert off == pytest.approx(256 * (40 / 255) ** 2 / 3)


def test_directions_agree_fully_or_not_at_all() -> None:
    assert agreement([10, 10, 10]) == pytest.approx(1)
    assert agreement([0, 90, 180, 270]) == pytest.approx(0, abs=1e-12)
    assert agreement([359, 1]) == pytest.approx(1, abs=1e-3)


def test_the_spread_of_centres_is_measured_from_their_mean() -> None:
    codes = np.random.default_rng(0).normal(size=(10, 2))
    codes -= codes.mean(0)
    clouds = [measure(codes + np.array([x, 5]), squares(list(range(10)))) for x in (-2, 2)]
    assert centres_spread(clouds) == pytest.approx(2)


def test_sevens_are_found_where_their_codes_are() -> None:
    codes = np.zeros((10, 2))
    codes[7] = [0, 3]
    codes[1] = [1, 0]
    direction, distance = direction_of(measure(codes, squares(list(range(10)))), digit=7)
    assert direction == pytest.approx(90)
    assert distance == pytest.approx(3)


def test_the_sentence_is_what_it_says() -> None:
    specs = factor_specs(DigitsConfig())
    asked = requests.middling(parse(requests.SENTENCE, specs), specs)
    row = dict(zip([spec.name for spec in specs], asked, strict=True))
    assert row["digit"] == 7
    assert row["angle"] == 30
    assert row["size"] < 32
    assert row["y"] > 0
    assert row["x"] == 0  # not asked for, and so in the middle
    changed = [requests.middling(parse(text, specs), specs) for text in requests.OTHERS]
    first = list(row.values())
    assert [sum(a != b for a, b in zip(first, other, strict=True)) for other in changed] == [1] * 4


def test_the_articles_other_request_is_what_it_says() -> None:
    specs = factor_specs(DigitsConfig())
    values = parse(requests.ANOTHER, specs).values
    assert values["digit"] == 1
    assert values["size"] > 32
    assert values["x"] < 0
    assert len(values) == 3


def test_latents_that_gain_nothing_are_not_said_to_be_better() -> None:
    assert "less than the one before" in ch01_latent_size._shape([3.0, 1.0, 0.2])
    assert "were not always better" in ch01_latent_size._shape([3.0, -0.1])
    assert "less than" not in ch01_latent_size._shape([1.0, 2.0])


def curves(seeds: int) -> dict[str, dict[int, Point]]:
    """Two curves: beta-TCVAE's reconstruction 10 and 11 lower at beta 4, its scores hardly."""
    pick = slice(0, seeds)
    same = {1: point([70, 71][pick], [0.1, 0.1][pick], [0.2, 0.2][pick])}
    return {
        "beta-vae": same | {4: point([90, 110][pick], [0.2, 0.3][pick], [0.4, 0.5][pick])},
        "beta-tcvae": same | {4: point([80, 99][pick], [0.21, 0.3][pick], [0.41, 0.5][pick])},
    }


def test_methods_are_compared_seed_by_seed() -> None:
    found = comparison.compare(curves(2))
    (each,) = found.betas
    assert each.beta == 4
    reach = 12.7062 * 0.5  # t of one degree of freedom, standard error
    assert each.parts["reconstruction"] == pytest.approx((-10.5, -10.5 - reach, -10.5 + reach))
    assert each.parts["MIG"].mean == pytest.approx(0.005)
    assert each.decision == "not decided"  # two seeds cannot
    assert claim.verdict(found.betas, found.seeds)[0] == "cannot be decided with 2 seeds"
    gaps = comparison.equal(curves(2), "mig")
    assert len(gaps) == 2
    assert all(gap > 0 for gap in gaps)
    assert found.gaps["MIG"].interval.mean == pytest.approx(sum(gaps) / 2)
    assert 0 < found.chance < 0.05
    assert "no evidence that β-TCVAE is more" in equal_reconstruction(found)


def test_a_single_seed_has_no_interval_and_decides_nothing() -> None:
    found = comparison.compare(curves(1))
    (each,) = found.betas
    assert written_interval(each.parts["reconstruction"], 1) == "\N{MINUS SIGN}10.0"
    assert each.holds == 1.0
    assert "cannot decide it" in equal_reconstruction(found)


def test_curves_that_do_not_overlap_say_so() -> None:
    apart = curves(2)
    apart["beta-tcvae"] = {2: point([20, 21], [0.1] * 2, [0.1] * 2),
                           4: point([30, 31], [0.1] * 2, [0.1] * 2)}  # fmt: skip
    apart["beta-vae"][2] = point([80, 81], [0.1] * 2, [0.1] * 2)
    found = comparison.compare(apart)
    assert found.gaps == {}
    assert "do not reach the same reconstructions" in equal_reconstruction(found)


def test_chance_is_given_beside_the_agreement_of_directions() -> None:
    mean, high = chance_agreement(6)
    known = np.sqrt(np.pi / 6) / 2  # the mean length of six random unit vectors' mean, nearly
    assert mean == pytest.approx(known, abs=0.01)
    assert high == pytest.approx(np.sqrt(-np.log(0.05) / 6), abs=0.03)  # Rayleigh's test
    assert "no more than chance" in compared_with_chance([10, 100, 200, 300, 40, 270])
    assert "by 1.00 (1 if all are the same), more than chance" in compared_with_chance([10] * 6)


def test_no_training_in_which_codes_differ_is_said_so() -> None:
    assert ch06_infogan._apart(0, 5).startswith("In none of 5 trainings slant")
    assert ch06_infogan._apart(2, 5).startswith("In 2 of 5 trainings slant")


def test_a_model_trained_on_the_judges_handwriting_is_named() -> None:
    shared = SimpleNamespace(config=SimpleNamespace(data_options={"canvas": 32}))
    apart = SimpleNamespace(config=SimpleNamespace(data_options={"glyphs": (0, 40_000)}))
    assert ch09_control.writers({"apart": apart}) == ""
    assert "The shared was trained on all" in ch09_control.writers(
        {"apart": apart, "shared": shared}
    )


def test_lengths_are_named_by_their_canvas() -> None:
    assert ch09_control._unit("px") == "px of 64"


def test_images_that_are_measured_are_random_ones() -> None:
    data = squares(sorted(list(range(10)) * 30))  # in the order of their classes
    some = latent_size.images_of(data, 40)
    assert len(np.unique(some)) == 10
    np.testing.assert_array_equal(some, latent_size.images_of(data, 40))


def test_the_documentation_that_is_pointed_to_is_there() -> None:
    for page in ch10_speech.PAGES:
        assert (ROOT / page).is_file()


def test_an_svg_keeps_its_grey_pixels_in_fewer_bytes() -> None:
    import base64
    import io
    import re

    from PIL import Image

    grey = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    data = io.BytesIO()
    Image.fromarray(np.stack([grey, grey, grey, np.full_like(grey, 255)], 2)).save(data, "png")
    before = f'<image href="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"/>'
    after = slimmed(before)
    assert len(after) < 0.7 * len(before)
    (kept,) = re.findall(r"base64,([^\"]+)", after)
    with Image.open(io.BytesIO(base64.b64decode(kept))) as image:
        np.testing.assert_array_equal(np.asarray(image), grey)


def test_a_sheet_quotes_what_holds_commas() -> None:
    assert Numbers(("a, b", "c"), [[1, "x"]]).sheet() == '"a, b",c\n1,x\n'
