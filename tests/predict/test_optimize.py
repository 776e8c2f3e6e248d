"""Predictor(optimize=True): the same people, faster; and what stays on the device until the last copy."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hrpose.codecs import CODECS, HigherHRNet
from hrpose.codecs.topdown import TopDownCodec
from hrpose.data.synthetic import synthetic_pictures
from hrpose.deploy import Optimized, optimize
from hrpose.deploy import compile as rule
from hrpose.errors import ConfigError
from hrpose.models.bottomup import BottomUp, BottomUpSpec
from hrpose.models.spec import PoseSpec
from hrpose.predict import Predictor
from hrpose.predict.aside import Aside, one_ahead
from hrpose.skeletons import Skeleton
from tests.deploy.networks import HIGHER, filled
from tests.predict.test_bottomup import Dots as CrowdOfDots
from tests.predict.test_bottomup import picture as crowd
from tests.predict.test_predictor import PAIR, Dots

PICTURES = list(synthetic_pictures(3, seed=3, people=(2, 3)))


@pytest.fixture(autouse=True)
def eager_for_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the backends compute is tested with them; here the fused network is enough."""
    monkeypatch.setattr(
        rule, "automatic", lambda job, expected: ("eager", rule.make("eager", job, expected), {})
    )


@pytest.mark.parametrize("flip_test", [False, True])
def test_the_bundled_model_finds_the_same_people(flip_test: bool) -> None:
    boxes = [[person.box for person in each.people] for each in PICTURES]
    images = [each.image for each in PICTURES]
    plain = Predictor("hrnet_tiny.synthetic_128x96", device="cpu", flip_test=flip_test)
    fast = Predictor(
        "hrnet_tiny.synthetic_128x96", device="cpu", flip_test=flip_test, optimize=True, batch_size=3
    )
    assert isinstance(fast.model, Optimized)
    pairs = zip(plain(images, boxes, box_format="xywh"), fast(images, boxes, box_format="xywh"), strict=True)
    for before, after in pairs:
        np.testing.assert_allclose(after.keypoints, before.keypoints, atol=1e-2)
        np.testing.assert_allclose(after.scores, before.scores, atol=1e-4)
        np.testing.assert_allclose(after.person_scores, before.person_scores, atol=1e-4)


@pytest.mark.parametrize(("flip_test", "scales"), [(False, (1,)), (True, (0.5, 1))])
def test_a_bottomup_model_finds_the_same_people(flip_test: bool, scales: tuple[float, ...]) -> None:
    images = [crowd("first", "second"), crowd("second", size=(160, 128)), crowd(), crowd("first")]
    settings: dict[str, Any] = {"flip_test": flip_test, "scales": scales, "batch_size": 2}
    before = Predictor(CrowdOfDots(), **settings)(images)
    after = Predictor(CrowdOfDots(), optimize=True, **settings)(images)
    assert [len(one) for one in before] == [len(one) for one in after]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other.keypoints, one.keypoints, atol=1e-2)


def higher() -> BottomUp:
    """A bottom-up network of five keypoints."""
    spec = BottomUpSpec(skeleton=Skeleton.generic(5), codec=HigherHRNet(input_size=64))
    return filled(BottomUp(dataclasses.replace(HIGHER, spec=spec)))


def test_a_model_is_optimised_in_evaluation_and_left_in_its_mode() -> None:
    model = higher().train()
    fast = Predictor(model, optimize=True)
    assert model.training
    assert isinstance(fast.model, Optimized)
    assert fast.model.model is model
    fast(PICTURES[0].image)


def test_what_was_optimised_already_is_taken_as_it_is() -> None:
    model = optimize(higher(), torch.zeros(1, 3, 64, 64) + 0.5, backend="eager")
    assert Predictor(model).model is model
    assert Predictor(model, optimize=True, device="cpu").model is model
    Predictor(model)(PICTURES[0].image)


def test_weights_that_change_are_an_error() -> None:
    model = higher()
    fast = Predictor(model, optimize=True)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    with pytest.raises(ConfigError, match=r"1 of \d+ weights were changed, replaced or moved since"):
        fast(PICTURES[0].image)


class Steps(TorchDispatchMode):
    """Counts the operations for which a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique_dim", "_unique2", "item"}


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("name", ["msra", "udp", "dark"])
def test_between_crops_and_people_nothing_waits_for_the_device(name: str, flip_test: bool) -> None:
    codec: TopDownCodec = CODECS[name](input_size=(64, 48))
    spec = PoseSpec(skeleton=PAIR, codec=codec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    reader = Predictor(Dots(spec).eval(), flip_test=flip_test).reader
    with Steps() as steps:
        read = list(reader._read(iter([torch.rand(2, 3, 64, 48) * 255 for _ in range(3)])))  # type: ignore[union-attr]
    assert [tuple(each.shape) for each in read] == [(2, 2, 3)] * 3
    assert not WAITS & set(steps.seen)


def test_the_next_crops_are_made_before_these_are_read() -> None:
    order: list[str] = []
    predictor = Predictor(Dots().eval(), batch_size=1)
    reader: Any = predictor.reader

    def batches() -> Iterator[Tensor]:
        for number in range(2):
            order.append(f"made {number}")
            yield torch.zeros(1, 3, 64, 48)

    maps = reader._maps
    reader._maps = lambda crops: order.append("started") or maps(crops)
    for _ in reader._read(batches()):
        order.append("read")
    assert order == ["made 0", "started", "made 1", "read", "started", "read"]


def test_on_cuda_one_more_is_started_before_each_is_handed_out() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    handed = [(item, len(made)) for item in one_ahead(items(), torch.device("cuda"))]
    assert handed == [(0, 2), (1, 3), (2, 3)]
    made.clear()
    assert [(item, len(made)) for item in one_ahead(items(), torch.device("cpu"))] == [(0, 1), (1, 2), (2, 3)]


def test_on_a_cpu_nothing_is_aside() -> None:
    aside = Aside(torch.device("cpu"))
    assert aside.mark() is None
    assert aside.read(None, lambda: 3) == 3
    assert aside.next_of(iter(())) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("flip_test", [False, True])
def test_on_cuda_the_same_people_are_found(flip_test: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # graphs, as auto takes them
    boxes = [[person.box for person in each.people] for each in PICTURES]
    images = [each.image for each in PICTURES]
    name = "hrnet_tiny.synthetic_128x96"
    plain, fast = (
        Predictor(name, device=device, optimize=device == "cuda", flip_test=flip_test, batch_size=2)
        for device in ("cpu", "cuda")
    )
    pairs = zip(plain(images, boxes, box_format="xywh"), fast(images, boxes, box_format="xywh"), strict=True)
    for before, after in pairs:
        sure = before.scores > 0.5
        apart = np.abs(after.keypoints - before.keypoints).max(2)[sure]
        assert np.quantile(apart, 0.9) < 1  # float16: a quarter-pixel step may fall the other way
    whole = Predictor(higher().cuda(), optimize=True, batch_size=2)(images)
    assert len(whole) == len(images)
