"""Methods from outside: of a script or notebook, another module, and an installed package."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.packages import install, run
from unbraid.cli import main
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.methods import configure, named, register, vae
from unbraid.runs import Run

METHOD = '''
    """Sharp VAE: a VAE whose KL counts double.

    Somebody 2024, "Sharp".
    """

    from __future__ import annotations

    from dataclasses import dataclass

    from unbraid.methods import Batch, Context, Terms, vae


    @dataclass(frozen=True)
    class CONFIG(vae.Config):
        """Options.

        Args:
            sharpness: weight of the KL.
        """

        sharpness: float = 2.0


    class MODEL(vae.Model):
        """The model."""

        def terms(self, batch: Batch, context: Context) -> Terms:
            terms = super().terms(batch, context)
            loss = terms["reconstruction"] + self.config.sharpness * terms["kl"]
            return {**terms, "loss": loss}
'''
# trains, saves, loads, draws and measures, as a user would
USE = """
    import numpy as np
    import unbraid
    from unbraid.runs import Run
    from unbraid.evaluation.scores import Config as Measured
    from unbraid.runs.evaluating import evaluate

    if __name__ == "__main__":
        options = {"latent_dim": 3, "net": "mlp", "sharpness": 3.0}
        training = {"epochs": 1, "batch_size": 32, "validation": 0.3}
        data = unbraid.load_dataset(DATA, full=True)
        model = unbraid.train(CONFIG(**options), data, **training)
        unbraid.save(model, "saved")
        loaded = unbraid.load("saved")
        assert type(loaded) is MODEL, type(loaded)
        assert loaded.config == CONFIG(**options)
        images = data.images[:5]
        assert np.array_equal(model.encode(images), loaded.encode(images))
        unbraid.draw("traverse", "saved").savefig("traverse.png")
        scores = evaluate(["saved"], Measured(metrics="mig"))
        assert 0 <= scores["saved"]["mig"].value <= 1
        print(Run("saved").json["method"]["name"])
"""


def text(part: str, config: str, model: str, data: Path) -> str:
    found = part.replace("CONFIG", config).replace("MODEL", model).replace("DATA", repr(str(data)))
    return textwrap.dedent(found).lstrip()


def test_a_method_of_a_notebook_or_script(tmp_path: Path, squares_npz: Path) -> None:
    names = ("SharpVAEConfig", "SharpVAEModel", squares_npz)
    definition = text(METHOD, *names)
    (tmp_path / "script.py").write_text(definition + text(USE, *names))
    assert run(tmp_path, "script.py").splitlines()[-1] == "sharp-vae"
    # another process that defines it, such as the notebook when it is opened again
    again = definition + "\nimport unbraid\nprint(unbraid.load('saved').config.sharpness)\n"
    (tmp_path / "again.py").write_text(again)
    assert run(tmp_path, "again.py").splitlines()[-1] == "3.0"
    # one that imports it from where it has been moved to, and names it
    (tmp_path / "moved.py").write_text(definition)
    code = (
        "import moved, unbraid; from unbraid.methods import register; "
        "register('sharp-vae', moved.SharpVAEConfig, moved.SharpVAEModel); "
        "print(type(unbraid.load('saved')).__name__)"
    )
    assert run(tmp_path, "-c", code).splitlines()[-1] == "SharpVAEModel"
    # and one that does not
    said = run(tmp_path, "-m", "unbraid", "evaluate", "saved", fails=True)
    assert "unknown method 'sharp-vae'" in said
    assert "must be defined there, or imported, before its runs are opened." in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["../../x", "..", ".x", "x.", "a b.c", "lab..x", "lab:"])
def test_what_names_no_module_is_an_unknown_method(name: str) -> None:
    with pytest.raises(UnbraidError, match="unknown method"):
        configure(name)


@pytest.mark.parametrize(
    ("config", "model", "name"),
    [
        ("Config", "Model", "lab.sharp"),
        ("SharpConfig", "Sharp", "lab.sharp:SharpConfig"),
        ("Config", "Model", "sharp:Config"),
    ],
)
def test_a_method_of_another_module(
    tmp_path: Path, squares_npz: Path, config: str, model: str, name: str
) -> None:
    module = name.split(":")[0]
    place = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text("")
    place.write_text(text(METHOD, config, model, squares_npz))
    script = f"from {module} import {config}, {model}\n" + text(USE, config, model, squares_npz)
    (tmp_path / "script.py").write_text(script)
    assert run(tmp_path, "script.py").splitlines()[-1] == name
    # the name alone leads to it
    code = "import unbraid; print(unbraid.load('saved').config.sharpness)"
    assert run(tmp_path, "-c", code).splitlines()[-1] == "3.0"
    place.rename(place.with_name("blunt.py"))
    said = run(tmp_path, "-m", "unbraid", "evaluate", "saved", fails=True)
    assert f"of the module {module}, which cannot be imported (No module named" in said
    assert len(said.strip().splitlines()) == 1


def test_a_method_that_an_installed_package_announces(tmp_path: Path, squares_npz: Path) -> None:
    install(tmp_path, {"methods": {"sharp-vae": "lab.sharp", "vae": "lab.sharp"}})
    (tmp_path / "lab" / "__init__.py").write_text("raise ImportError('listings import nothing')")
    (tmp_path / "lab" / "sharp.py").write_text(text(METHOD, "Config", "Model", squares_npz))
    listed = run(tmp_path, "-m", "unbraid", "methods")
    assert "sharp-vae" in listed
    assert "Sharp VAE: a VAE whose KL counts double." in listed
    said = run(tmp_path, "-m", "unbraid", "train", "sharp-vae", fails=True)
    assert "its module lab.sharp cannot be imported (listings import nothing)" in said
    (tmp_path / "lab" / "__init__.py").write_text("")
    options = f"--data {squares_npz} --sharpness 3 --net mlp --epochs 1 --batch-size 32 --out run"
    run(tmp_path, "-m", "unbraid", "train", "sharp-vae", *options.split())
    code = (
        "import unbraid; from unbraid.runs import Run; model = unbraid.load('run'); "
        "print(type(model).__module__, Run('run').json['method']['name'])"
    )
    assert run(tmp_path, "-c", code).splitlines()[-1] == "lab.sharp sharp-vae"
    # unbraid's own names stay its own
    code = "from unbraid.core import registry; print(registry.load('methods', 'vae').__name__)"
    assert run(tmp_path, "-c", code).strip() == "unbraid.methods.vae"


def test_a_broken_package_is_told_and_others_are_listed(tmp_path: Path) -> None:
    install(tmp_path, {"methods": {"a-typo": "lab.typo", "bare": "lab.bare"}})
    (tmp_path / "lab" / "typo.py").write_text("def f(:\n")
    (tmp_path / "lab" / "bare.py").write_text('"""Bare: a file without a method."""\n')
    listed = run(tmp_path, "-m", "unbraid", "methods")
    assert "announced, but typo.py cannot be read: invalid syntax" in listed
    assert "Bare: a file without a method." in listed
    assert "Variational autoencoder" in listed
    for name, said in (
        ("a-typo", "its module lab.typo cannot be imported (invalid syntax"),
        (
            "bare",
            "its module lab.bare has no Config: expected a module that defines Config and Model.",
        ),
    ):
        assert said in run(tmp_path, "-m", "unbraid", "train", name, fails=True)
    script = run(tmp_path, "-m", "unbraid", "completion", "bash")
    assert "--latent-dim" in script


def test_what_cannot_be_found_again_is_not_stored() -> None:
    from unbraid.methods import stored_name

    class LocalConfig(vae.Config):
        """Defined within a function."""

    with pytest.raises(UnbraidError, match=r"cannot be imported|cannot be found by its name"):
        stored_name(LocalConfig())
    register("local-vae", LocalConfig, vae.Model)
    assert stored_name(LocalConfig()) == "local-vae"
    assert type(configure("local-vae", latent_dim=2)) is LocalConfig
    for name in ("Local VAE", "", "vae", "../x"):
        with pytest.raises(UnbraidError, match=r"the name is '|is the name of another method"):
            register(name, LocalConfig, vae.Model)


def test_a_folder_is_found_as_a_file_is() -> None:
    for name in registry.names("methods"):
        path = registry.source("methods", name)
        assert path is not None
        assert name.replace("-", "_") in (path.stem, path.parent.name)


def test_configs_of_two_scripts_are_two_methods(tmp_path: Path, squares_npz: Path) -> None:
    own = textwrap.dedent(METHOD).replace("CONFIG", "Config").replace("MODEL", "Model")
    train = f"""
        import unbraid
        data = unbraid.load_dataset({str(squares_npz)!r})
        unbraid.save(unbraid.train(Config(net="mlp"), data, steps=2, batch_size=16), "saved")
    """
    (tmp_path / "one_way.py").write_text(own + textwrap.dedent(train))
    opened = "import unbraid\nprint(unbraid.Run('saved').config)\n"
    (tmp_path / "other.py").write_text(own + opened)
    run(tmp_path, "one_way.py")
    assert json.loads((tmp_path / "saved/config.json").read_text())["method"]["name"] == "one-way"
    assert "unknown method 'one-way'" in run(tmp_path, "other.py", fails=True)


def test_a_command_takes_a_module_and_a_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squares_npz: Path
) -> None:
    own = textwrap.dedent(METHOD).replace("CONFIG", "SharpConfig").replace("MODEL", "Sharp")
    (tmp_path / "sharpened.py").write_text(own)
    monkeypatch.syspath_prepend(str(tmp_path))
    few = ["--steps", "2", "--batch-size", "16", "--net", "mlp", "--sharpness", "3"]
    out = tmp_path / "run"
    command = ["train", "sharpened:SharpConfig", "--data", str(squares_npz), "--out", str(out)]
    assert main([*command, *few]) == 0
    assert Run(out).config.method.sharpness == 3  # type: ignore[attr-defined]
    with pytest.raises(UnbraidError, match="is a file: name the class in it"):
        named("sharpened.py")
