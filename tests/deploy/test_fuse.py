import copy
import inspect
import pickle

import pytest
import torch
from torch import nn

from hrpose import Predictor, create_model
from hrpose.deploy import fuse
from hrpose.deploy.walk import CALLERS
from hrpose.errors import ConfigError
from hrpose.layers.blocks import conv_bn
from hrpose.models import TopDown
from hrpose.models.families import FAMILIES
from hrpose.types import PoseMaps
from tests.deploy.networks import NETWORKS, flat, furthest, network

CLOSE = 1e-5  # float32 sums in another order; the contract allows 1e-4
SIZES = ((1, 3, 64, 96), (2, 3, 75, 101), (1, 3, 72, 80))  # 32 divides the first alone


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_fused_network_gives_what_the_network_gives(name) -> None:
    model = network(name)
    fused = fuse(model)
    for shape in SIZES:
        x = torch.randn(shape)
        came, wanted = fused(x), model(x)
        assert type(came) is type(wanted)
        assert furthest(came, wanted) < CLOSE


@pytest.mark.parametrize("name", NETWORKS)
def test_no_batch_norm_is_left_but_those_before_a_relu(name) -> None:
    left = [part for part in fuse(network(name)).modules() if isinstance(part, nn.BatchNorm2d)]
    assert bool(left) == (name == "hourglass")


def test_every_network_of_the_library_is_known() -> None:
    assert set(FAMILIES.values()) <= set(CALLERS)


def test_a_predictor_finds_the_same_with_a_fused_model() -> None:
    model = create_model("hrnet_tiny.synthetic_128x96", pretrained=True).eval()
    picture = torch.randint(0, 256, (3, 160, 120), dtype=torch.uint8)
    came, wanted = (Predictor(each, flip_test=True)(picture) for each in (fuse(model), model))
    torch.testing.assert_close(came.keypoints, wanted.keypoints, rtol=0, atol=0.01)
    torch.testing.assert_close(came.scores, wanted.scores, rtol=1e-3, atol=1e-4)


def test_the_model_itself_stays_as_it_was() -> None:
    model = network("topdown v1")
    before = copy.deepcopy(model.state_dict())
    grads = [p.requires_grad for p in model.parameters()]
    fuse(model)
    after = model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [p.requires_grad for p in model.parameters()] == grads
    model.train()


def test_a_fused_model_is_of_its_class_with_its_settings() -> None:
    model = network("topdown v1")
    fused = fuse(model)
    assert isinstance(fused, TopDown)
    assert type(fused).__name__ == "FusedTopDown"
    assert fused.config == model.config
    assert (fused.spec, fused.finds_people) == (None, False)
    assert inspect.signature(fused.forward) == inspect.signature(model.forward)
    assert not any(p.requires_grad for p in fused.parameters())


def test_results_need_no_gradient() -> None:
    assert not any(y.requires_grad for y in flat(fuse(network("backbone"))(torch.randn(1, 3, 32, 32))))


@pytest.mark.parametrize("again", [fuse, copy.deepcopy, lambda fused: pickle.loads(pickle.dumps(fused))])
def test_a_fused_model_can_be_fused_copied_and_stored(again) -> None:
    fused = fuse(network("topdown v1"))
    x = torch.randn(1, 3, 64, 48)
    wanted = fused(x)
    made = again(fused)
    assert type(made) is type(fused)
    assert furthest(made(x), wanted) == 0
    with pytest.raises(ConfigError, match=r"fuse it again"):
        made.train()


def test_changed_weights_are_seen() -> None:
    fused = fuse(nn.Sequential(*conv_bn(3, 4, 3)).eval())
    x = torch.randn(1, 3, 8, 8)
    before = fused(x)
    fused.load_state_dict({name: 2 * value for name, value in fused.state_dict().items()})
    torch.testing.assert_close(fused(x), 2 * before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_fused_model_can_change_its_type(dtype) -> None:
    model = network("topdown v1")
    fused = fuse(model)
    x = torch.randn(1, 3, 64, 48)
    wanted = fused(x)
    came = fused.to(dtype)(x.to(dtype))
    assert came.heatmaps[0].dtype == dtype
    assert furthest(PoseMaps((came.heatmaps[0].float(),)), wanted) < 0.1
    assert furthest(fused.float()(x), wanted) < 0.1


def test_a_model_in_double_precision_is_fused_in_its_type() -> None:
    model = network("topdown v1").double()
    x = torch.randn(1, 3, 64, 48, dtype=torch.float64)
    with torch.no_grad():
        assert furthest(fuse(model)(x), model(x)) < 1e-12


def test_autocast_reaches_a_fused_model() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        maps = fuse(network("topdown v1"))(torch.randn(1, 3, 64, 48))
    assert maps.heatmaps[0].dtype == torch.bfloat16


def test_no_images_make_no_maps() -> None:
    maps = fuse(network("topdown v1"))(torch.randn(0, 3, 64, 48))
    assert maps.heatmaps[0].shape == (0, 5, 16, 12)


@pytest.mark.parametrize("make", [torch.no_grad, torch.inference_mode])
def test_a_model_can_be_fused_where_gradients_are_off(make) -> None:
    with make():
        model = network("topdown v1")
        fused = fuse(model)
    x = torch.randn(1, 3, 64, 48)
    with torch.no_grad():
        assert furthest(fused(x), model(x)) < CLOSE


def test_recomputation_is_switched_off() -> None:
    model = network("hourglass")
    model.set_grad_checkpointing()
    fused = fuse(model)
    assert not any(getattr(part, "grad_checkpointing", False) for part in fused.modules())
    assert any(getattr(part, "grad_checkpointing", False) for part in model.modules())


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a str cannot be fused; give a network, such as hrpose.create"):
        fuse("hrnet_w32")  # type: ignore[type-var]


def test_a_network_in_training_is_refused() -> None:
    model = network("topdown v1").train()
    with pytest.raises(ConfigError, match=r"the model is in training mode, .* call model.eval"):
        fuse(model)


def test_a_part_in_training_is_named() -> None:
    model = network("topdown v1")
    model.backbone.stage1.train()
    with pytest.raises(ConfigError, match=r"its part 'backbone.stage1' is in training mode"):
        fuse(model)


def test_a_fused_network_is_not_trained() -> None:
    fused = fuse(network("topdown v1"))
    assert fused.eval() is fused
    with pytest.raises(
        ConfigError, match=r"no batch norms left to train; train the network that it was made"
    ):
        fused.train()
    assert not any(part.training for part in fused.modules())
    with pytest.raises(ConfigError, match=r"the weights of a fused network get no gradient; train the"):
        fused.requires_grad_()


def test_an_input_that_needs_a_gradient_is_refused() -> None:
    fused = fuse(network("topdown v1"))
    x = torch.randn(1, 3, 64, 48, requires_grad=True)
    with pytest.raises(ConfigError, match=r"the input needs a gradient, .* give x.detach"):
        fused(x)
    with torch.no_grad():
        fused(x)


def test_a_pyramid_that_needs_a_gradient_is_refused() -> None:
    head = fuse(network("topdown v2").head)
    with pytest.raises(ConfigError, match=r"the input needs a gradient"):
        head([torch.randn(1, 4 * 2**b, 8, 8, requires_grad=True) for b in range(4)])
