"""A run as ONNX files: one for each function of its model, and ``model.json`` that describes them.

The functions are those of ``graph.functions``, in float32, for any number of rows. Each file holds
the description too, under the key ``unbraid`` of its metadata. Every file is run by onnxruntime and
compared with torch before the folder appears. ``torch.onnx``'s tracing exporter writes them: it
needs the package onnx only, and takes seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import specs_to_json
from unbraid.core.files import cannot_write, expand, write_json
from unbraid.explorer.bundle import described
from unbraid.explorer.graph import functions
from unbraid.explorer.page import on_cpu
from unbraid.explorer.tracing import Part, refused
from unbraid.methods import HasPosterior, Method, TakesFactors
from unbraid.runs import Run

OPSET = 18
TRACED, TRIED = 3, 5  # rows that a function is traced with, and compared with torch on
CLOSE = 0.01  # a larger difference to torch is no rounding
NAMES: dict[str, tuple[str, list[str], list[str]]] = {  # file, inputs and outputs of functions
    "encode": ("encoder", ["images"], ["codes", "logvar"]),
    "decode": ("decoder", ["codes"], ["images"]),
    "columns": ("columns", ["factors"], ["columns"]),
    "factors": ("factors", ["codes"], ["factors"]),
    "style": ("style", ["noise", "factors"], ["style"]),
    "restyle": ("restyle", ["style", "before", "after"], ["restyled"]),
}


def write(run: Run | Path | str, out: Path | str, *, data: str = "") -> Path:
    """Write a run's model as a folder of ONNX files.

    Args:
        run: a run folder, or an opened run.
        out: the folder; it must not exist, or be empty.
        data: the present path of the data if they were moved.

    Returns:
        The folder.

    Raises:
        UnbraidError: a run that cannot be opened or exported, a package that is missing, or a
            folder that is not empty or cannot be written.
    """
    needed()
    folder = expand(out)
    check_empty(folder)
    run = run if isinstance(run, Run) else Run(run, data)
    model = on_cpu(run)
    about = description(run, model)
    files = exported(model, about)
    for name, content in files.items():
        told, inputs, outputs, difference = _tried(model, name, content)
        if not difference <= CLOSE:
            raise UnbraidError(
                f"{name} of {run.folder} differs by {difference:g} from torch when onnxruntime "
                f"runs it, expected at most {CLOSE:g}: it cannot be exported to ONNX."
            )
        about["functions"][name] = {
            "file": told,
            "inputs": inputs,
            "outputs": outputs,
            "difference": float(f"{difference:.2g}"),
        }
    _written(folder, {f"{NAMES[name][0]}.onnx": each for name, each in files.items()}, about)
    return folder


def needed() -> None:
    """Raise an UnbraidError if a package that the export needs is not installed."""
    for name in ("onnx", "onnxruntime"):
        try:
            __import__(name)
        except ImportError as error:
            raise UnbraidError(
                f"{name} is not installed: ONNX files need pip install 'unbraid[onnx]'."
            ) from error


def check_empty(folder: Path) -> None:
    """Raise an UnbraidError if a folder holds something, or is a file."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UnbraidError(f"{folder} is not empty: choose another folder, or delete it.")
    if folder.exists() and not folder.is_dir():
        raise UnbraidError(f"{folder} is a file, expected a folder for ONNX files.")


def description(run: Run, model: Method) -> dict[str, Any]:
    """Return what is told of a run: its method, latents, signal and factors."""
    columns = model.layout.columns
    latents = [
        {
            "name": name,
            "kind": type(latent).__name__.lower(),
            "columns": [part.start, part.stop],
            "levels": latent.levels,
            "prior": latent.prior,
        }
        for name, latent, part in zip(
            model.layout.names, model.layout.latents, columns, strict=True
        )
    ]
    found = {
        **described(run),
        "image_shape": list(model.image_shape),
        "latents": latents,
        "posterior": isinstance(model, HasPosterior),
        "signal": run.signal.to_json(),
        "functions": {},
    }
    if isinstance(model, TakesFactors):
        taking: Any = model  # with the specs of its factors, as all of these methods
        found |= {
            "factors": specs_to_json(taking.specs),
            "factor_columns": model.factor_width,
            "style_columns": model.style_dim,
        }
    return found


def exported(model: Method, about: dict[str, Any]) -> dict[str, bytes]:
    """Return a model's functions as ONNX files, by their names in ``graph.functions``.

    Args:
        model: on the CPU.
        about: what each file's metadata hold.

    Raises:
        UnbraidError: a function has an operator that ONNX has not, or cannot be traced.
    """
    import onnx

    training = model.training
    model.eval()
    found = {}
    try:
        for name, (function, inputs) in functions(model, rows=TRACED).items():
            proto = onnx.load_from_string(_traced(name, function, inputs, model))
            entry = proto.metadata_props.add()
            entry.key, entry.value = "unbraid", json.dumps(about | {"functions": name})
            proto.producer_name, proto.doc_string = "unbraid", f"{name} of {about['method']}"
            onnx.checker.check_model(proto)
            found[name] = proto.SerializeToString()
    finally:
        model.train(training)
    return found


def _traced(
    name: str, function: Callable[..., Any], inputs: Sequence[Tensor], owner: nn.Module
) -> bytes:
    from io import BytesIO

    _, given, found = NAMES[name]
    with torch.no_grad():
        results = function(*inputs)
    found = found[: 1 if isinstance(results, Tensor) else len(results)]
    file = BytesIO()
    exporter: Any = torch.onnx  # its types know no files in memory
    torch._C._jit_set_onnx_log_output_stream("stderr")  # a failure prints the whole graph
    # ndtr, the distribution function of a standard normal, is no operator of ONNX
    exporter.register_custom_op_symbolic("aten::special_ndtr", _ndtr, OPSET)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that shapes are compared, and that dynamo is newer
            exporter.export(
                Part(owner, function),
                tuple(inputs),
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=given,
                output_names=found,
                dynamic_axes={each: {0: "rows"} for each in (*given, *found)},
            )
    except Exception as error:
        raise refused(f"{name} cannot be exported to ONNX", error) from error
    finally:
        exporter.unregister_custom_op_symbolic("aten::special_ndtr", OPSET)
    return file.getvalue()


def _ndtr(graph: Any, values: Any) -> Any:
    """Return (1 + erf(x / sqrt 2)) / 2 as operators of ONNX."""

    def number(value: float) -> Any:
        return graph.op("Constant", value_t=torch.tensor(value))

    scaled = graph.op("Mul", values, number(0.5**0.5))
    shifted = graph.op("Add", graph.op("Erf", scaled), number(1.0))
    return graph.op("Mul", shifted, number(0.5))


def _tried(model: Method, name: str, content: bytes) -> tuple[str, list[str], list[str], float]:
    """Return a file's name, inputs and outputs, and its largest difference to torch.

    An input that the function does not use is not in the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    function, inputs = functions(model, seed=1, rows=TRIED)[name]
    file, names, _ = NAMES[name]
    given = {each.name for each in session.get_inputs()}
    fed = {key: each.numpy() for key, each in zip(names, inputs, strict=True) if key in given}
    with torch.no_grad():
        exact = function(*inputs)
    exact = [exact] if isinstance(exact, Tensor) else exact
    differences = [
        float(np.abs(one - other.numpy()).max(initial=0)) if one.shape == other.shape else np.inf
        for one, other in zip(session.run(None, fed), exact, strict=True)
    ]
    outputs = [each.name for each in session.get_outputs()]
    return f"{file}.onnx", [key for key in names if key in given], outputs, max(differences)


def _written(folder: Path, files: dict[str, bytes], about: dict[str, Any]) -> None:
    """Write files into a folder beside, and rename that: it appears whole or not at all."""
    scratch = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        write_json(scratch / "model.json", about)
        mask = os.umask(0)
        os.umask(mask)
        scratch.chmod(0o777 & ~mask)  # mkdtemp makes folders only their owner can open
        if folder.is_dir():
            folder.rmdir()  # it is empty
        scratch.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
