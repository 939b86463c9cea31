"""Graphs of every method, run by net.js in a real browser, against torch."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.methods.test_all import NAMES, PUBLISHED, model_of
from unbraid.core.errors import UnbraidError
from unbraid.explorer import graph
from unbraid.nn.nets import Net, conv, decoder, encoder

pytestmark = pytest.mark.filterwarnings("error::FutureWarning")  # torch's, which users would see
HALF_A_GREY_LEVEL = 0.5 / 255
RUN = """({graphs, weights, inputs, scalar}) => {
    const bytes = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0)).buffer;
    const found = {};
    for (const [name, graph] of Object.entries(JSON.parse(graphs))) {
        const net = new Net(graph, bytes, {scalar});
        if (net.simd === scalar) throw new Error("the wrong kernel");
        const rows = inputs[name].map(row => net.run(row).map(({data}) => [...data]));
        found[name] = rows;
    }
    return found;
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A page that has Net, opened from a file."""
    complaints: list[str] = []
    opened = empty_page(browser)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    opened.close()
    assert complaints == []


def empty_page(browser: Any) -> Any:
    """Return an empty page that has Net."""
    opened = browser.new_page()
    opened.goto(Path(__file__).with_name("empty.html").as_uri())
    opened.add_script_tag(content=(files("unbraid.explorer") / "static/net.js").read_text())
    return opened


Rows = dict[str, list[list[NDArray[Any]]]]  # of functions, for each row each output


def in_page(
    page: Any, found: graph.Exported, rows: dict[str, list[list[Tensor]]], scalar: bool = False
) -> Rows:
    """Run functions in the page on rows of inputs."""
    given = {
        "graphs": json.dumps(found.functions),
        "weights": base64.b64encode(found.weights).decode(),
        "inputs": {
            name: [[each.flatten().tolist() for each in row] for row in some]
            for name, some in rows.items()
        },
        "scalar": scalar,
    }
    answer = page.evaluate(RUN, given)
    return {
        name: [[np.array(each) for each in row] for row in some] for name, some in answer.items()
    }


def in_torch(function: Callable[..., Any], inputs: list[Tensor]) -> list[NDArray[Any]]:
    with torch.no_grad():
        found = function(*inputs)
    found = [found] if isinstance(found, Tensor) else found
    return [each.float().flatten().numpy() for each in found]


def worst(page: Any, found: graph.Exported, model: Any, scalar: bool = False) -> dict[str, float]:
    """Return the largest difference to torch of each function, on three rows of inputs."""
    tried = [graph.functions(model, seed) for seed in range(1, 4)]
    rows = {name: [list(each[name][1]) for each in tried] for name in tried[0]}
    answers = in_page(page, found, rows, scalar)
    differences = {}
    for name, answered in answers.items():
        exact = [in_torch(each[name][0], list(each[name][1])) for each in tried]
        assert [len(row) for row in answered] == [len(row) for row in exact]
        differences[name] = max(
            float(np.abs(one - other).max(initial=0))
            for row, right in zip(answered, exact, strict=True)
            for one, other in zip(row, right, strict=True)
        )
        assert all(np.isfinite(one).all() for row in answered for one in row)
    return differences


@pytest.mark.parametrize("name", NAMES)
def test_every_method_computes_in_the_page_what_it_does_in_torch(
    name: str, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conv, "DENSE", 40)
    model = model_of(name, (1, 16, 16), net="conv", path_steps=1, layers=1).eval()
    plans = graph.plans(graph.functions(model), model, name)
    exact = worst(page, graph.packed(plans, float32=True), model)
    assert max(exact.values()) < 1e-4, exact
    halved = worst(page, graph.packed(plans), model)
    assert halved["decode"] < HALF_A_GREY_LEVEL
    assert max(halved.values()) < 0.02, halved


@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_any_shape_of_images_with_and_without_the_kernel(net: str, page: Any) -> None:
    model = model_of("vae", (3, 45, 33) if net == "conv" else (1, 28, 28), net=net).eval()
    plans = graph.plans(graph.functions(model), model, "vae")
    exported = graph.packed(plans)
    for scalar in (False, True):
        found = worst(page, exported, model, scalar)
        assert found["decode"] < HALF_A_GREY_LEVEL
        assert found["encode"] < 0.02
    assert len(exported.weights) < 0.52 * len(graph.packed(plans, float32=True).weights)


@pytest.mark.parametrize("net", PUBLISHED)
def test_the_published_networks(net: Net, page: Any) -> None:
    torch.manual_seed(0)
    parts = nn.ModuleList([encoder(net, (1, 16, 16), 3), decoder(net, (1, 16, 16), 3)]).eval()
    inputs = [torch.rand(1, 1, 16, 16), torch.randn(1, 3)]
    named = {str(at): (part, (inputs[at],)) for at, part in enumerate(parts)}
    found = graph.packed(graph.plans(named, parts, net), float32=True)
    answers = in_page(page, found, {key: [list(given)] for key, (_, given) in named.items()})
    for key, (part, given) in named.items():
        (exact,) = in_torch(part, list(given))
        np.testing.assert_allclose(answers[key][0][0], exact, atol=1e-4)


def test_the_default_decoder_of_28_by_28_is_exported() -> None:
    model = model_of("vae", (1, 28, 28), net="conv")
    found = graph.export(model).functions["decode"]
    assert [node[0] for node in found["nodes"]].count("deconv") == 3
    assert found["inputs"] == [[1, model.latent_dim]]
    assert model.training  # as it was


def test_a_run_changes_neither_memory_nor_earlier_results(page: Any) -> None:
    model = model_of("infogan", (1, 28, 28)).eval()
    found = graph.export(model)
    given = {
        "graph": json.dumps(found.functions["decode"]),
        "weights": base64.b64encode(found.weights).decode(),
        "codes": [model.prior_sample(1, torch.Generator().manual_seed(s)).flatten().tolist()
                  for s in (0, 1)],
    }  # fmt: skip
    same, told, buffers = page.evaluate(
        """({graph, weights, codes}) => {
            const bytes = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0)).buffer;
            const net = new Net(JSON.parse(graph), bytes);
            const first = [...net.run([codes[0]])[0].data];
            const other = [...net.run([codes[1]])[0].data];
            const again = net.run([codes[0]])[0];
            let told = "";
            try { net.run([[1, 2]]); } catch (error) { told = error.message; }
            return [first.every((each, at) => each === again.data[at])
                    && first.some((each, at) => each !== other[at]), told,
                    again.data.buffer === net.run([codes[1]])[0].data.buffer];
        }""",
        given,
    )
    assert same
    assert buffers
    assert told == f"input 0 has 2 numbers, expected {model.latent_dim}"


# -- operators that today's methods do not use -----------------------------------------------------


class Layers(nn.Module):
    """Layers that a method of one's own may have."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.odd = nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2)
        self.up = nn.ConvTranspose2d(6, 4, 3, stride=3, padding=1, output_padding=2, groups=2)
        self.line = nn.Conv1d(3, 5, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.GroupNorm(2, 4)])
        self.table = nn.Embedding(9, 4)

    def forward(self, maps: Tensor, flat: Tensor) -> list[Tensor]:
        """Return what each makes of maps (1, 4, 7, 6) and numbers (1, 24)."""
        rows = flat.view(1, 3, 8)
        tall = flat.view(1, 2, 3, 4)
        shapes = [F.gelu, F.elu, F.softplus, F.silu, F.mish, F.hardswish,
                  F.hardsigmoid, F.hardtanh, F.leaky_relu, F.tanhshrink, torch.erf,
                  lambda x: F.gelu(x, approximate="tanh"), torch.special.ndtr]  # fmt: skip
        whole = (flat * 7).round().long() % 9
        return [
            self.odd(maps),
            self.up(self.odd(maps)),
            self.line(rows),
            F.conv2d(maps, maps[:, :2, :2, :2].reshape(2, 4, 1, 1) + self.odd.bias[0]),
            *(norm(maps) for norm in self.norms),
            self.table(whole),
            torch.cat([shape(flat * 3) for shape in shapes], 1),
            F.avg_pool2d(maps, 3, 2, ceil_mode=True),
            F.adaptive_avg_pool2d(maps, (3, 4)),
            *(F.interpolate(maps, (9, 5), mode=mode) for mode in ("nearest", "bilinear", "area")),
            F.interpolate(maps, scale_factor=2, mode="bicubic"),
            F.pad(maps, (1, 2, 0, 3), value=0.5),
            F.pad(maps, (1, 2, 2, 3), mode="reflect"),
            F.pixel_shuffle(maps, 2),
            F.grid_sample(maps, tall.flatten(2).view(1, 3, 4, 2) * 2, align_corners=True),
            F.grid_sample(
                maps, tall.flatten(2).view(1, 3, 4, 2), mode="nearest", align_corners=False
            ),
            tall.softmax(1), tall.log_softmax(3), tall.cumsum(1),
            tall.var(2), tall.norm(dim=3), tall.prod(1), tall.mean((1, 3)),
            tall.max(2)[0], tall.amin((0, 1)), tall.argmax(3).float(), tall.argmin().float(),
            (tall > 0).any(2).float(), (tall > -1).all().float(),
            tall.gather(1, (tall[:, :1] > 0).long()), tall.flip(1, 3), tall.roll(1, 2),
            tall @ tall.transpose(2, 3),
            rows[:, [2, 0]], rows[0, whole[0, :3] % 3, whole[0, 3:6] % 8],
            torch.where(tall > 0, tall, tall.flip(2)), tall.clamp(-0.5, 0.7), tall.clamp_min(0),
            tall % 0.4, torch.fmod(tall, 0.4), tall.pow(3), tall.abs().pow(0.3),
            torch.atan2(tall, tall.flip(1)), 1 - tall / 3, tall.sign() * tall.abs().sqrt(),
            torch.maximum(tall, tall.mean(2, keepdim=True)), tall.round().nan_to_num(),
            torch.stack([tall, tall * 2], 2), F.normalize(flat),
            torch.addcmul(tall, tall, tall, value=0.3),
            (tall / tall.clamp_min(0)).nan_to_num(0.3, 7, -9),
            torch.ones(5, 3).cumsum(0) @ tall[:, :, :, :3].transpose(2, 3)[:, :, :3],
            F.one_hot(whole, 9).float(), tall.index_select(2, torch.tensor([2, 0])),
        ]  # fmt: skip


class Decomposed(nn.Module):
    """What the page has only in parts: torch decomposes it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.InstanceNorm2d(4, affine=True)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(12, 7))

    def forward(self, maps: Tensor, flat: Tensor) -> list[Tensor]:
        """Return what each makes of maps (1, 4, 7, 6) and numbers (1, 24)."""
        rows, tall = flat.view(1, 3, 8), flat.view(1, 2, 3, 4)
        return [
            self.norm(maps),
            self.attend(rows, rows, rows, need_weights=False)[0],
            self.spectral(flat[:, :12]),
            F.max_pool2d(maps, 3, 2, 1),
            torch.cat([shape(flat * 3) for shape in (F.selu, F.celu, F.logsigmoid)], 1),
            tall.logsumexp(2), tall.std(), tall // 0.3, torch.tril(tall),
            torch.lerp(tall, tall.flip(1), 0.3), torch.einsum("bihw,bjhw->bij", tall, tall),
            rows.new_ones(5, 3) @ tall[0, :, :, :3],
        ]  # fmt: skip


@pytest.mark.parametrize("kind", [Layers, Decomposed])
def test_operators_that_a_new_method_may_use(kind: type[nn.Module], page: Any) -> None:
    layers, noise = kind().eval(), torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, 4, 7, 6, generator=noise), torch.randn(1, 24, generator=noise)]
    plans = graph.plans({"all": (layers, tuple(inputs))}, layers, "layers")
    found = in_page(page, graph.packed(plans, float32=True), {"all": [inputs]})["all"][0]
    exact = in_torch(layers, inputs)
    assert len(found) == len(exact)
    for at, (one, other) in enumerate(zip(found, exact, strict=True)):
        np.testing.assert_allclose(one, other, atol=2e-5, rtol=2e-5, err_msg=str(at))


class Refused(nn.Module):
    """A function with a weight."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.function = nn.Parameter(torch.ones(4, 4)), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * self.weight)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.sort().values, "decode of mine uses the operator aten.sort, which a page"),
        (lambda x: torch.linalg.inv(x), "decode of mine uses the operator aten.linalg_inv_ex"),
        (lambda x: x + torch.rand(4, 4), "aten.rand, which draws random numbers"),
        (lambda x: x if x.sum() > 0 else -x, "decode of mine cannot be exported by torch.export"),
        (lambda x: F.conv3d(x.view(1, 1, 1, 4, 4), x[:1].view(1, 1, 1, 2, 2)), "three dimensions"),
        (lambda x: x[x > 0], "operator aten.index with masks"),
    ],
)
def test_what_a_page_cannot_run_is_refused_by_name(
    function: Callable[[Tensor], Tensor], message: str
) -> None:
    module = Refused(function)
    with pytest.raises(UnbraidError, match=message) as caught:
        graph.plans({"decode": (module, (torch.rand(4, 4),))}, module, "mine")
    assert "\n" not in str(caught.value)


def test_a_number_that_float32_does_not_hold_is_refused() -> None:
    module = Refused(lambda x: x + torch.tensor([2**24 + 1]))
    with pytest.raises(UnbraidError, match="an integer of 16777217 is used, expected at most"):
        graph.plans({"decode": (module, (torch.rand(4, 4),))}, module, "mine")
