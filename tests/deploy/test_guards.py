from collections.abc import Callable

import pytest
import torch
from torch import nn

from hrpose.deploy.guards import WeightWatch, check_evaluating
from hrpose.errors import ConfigError
from tests.deploy.networks import network

CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "a write in place": lambda model: next(model.parameters()).requires_grad_(False).mul_(2),
    "a statistic": lambda model: model.get_buffer("backbone.stem.1.running_mean").add_(1),
    "load_state_dict": lambda model: model.load_state_dict(model.state_dict()),
    "load_state_dict with assign": lambda model: model.load_state_dict(
        {name: tensor.clone() for name, tensor in model.state_dict().items()}, assign=True
    ),
    "another tensor in .data": lambda model: setattr(
        next(model.parameters()), "data", torch.zeros_like(next(model.parameters()))
    ),
    "another tensor in .data, twice": lambda model: [
        setattr(weight, "data", weight.data.clone()) for weight in [next(model.parameters())] * 2
    ],
    "another part": lambda model: setattr(model, "head", nn.Identity()),
    "another type": lambda model: model.double(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_weights_are_noticed(what: str) -> None:
    model = network("topdown v1")
    watch = WeightWatch(model)
    watch.check()
    CHANGES[what](model)
    with pytest.raises(
        ConfigError,
        match=r"\d+ of \d+ weights were changed, replaced or moved since the network was optimised, "
        r"backbone.stem.\S+ first, and it has a copy of them as they were; call hrpose.deploy.optimize again",
    ):
        watch.check()


def test_what_changes_no_weight_is_no_change() -> None:
    model = network("topdown v1")
    watch = WeightWatch(model)
    model(torch.zeros(1, 3, 64, 48))
    model.requires_grad_(False).eval().to("cpu")
    torch.save(model.state_dict(), "/dev/null")
    assert watch.changed() == []


def test_weights_made_in_inference_mode_are_watched_by_their_places() -> None:
    with torch.inference_mode():
        model = network("topdown v1")
        watch = WeightWatch(model)
        assert watch.changed() == []
    model.head = nn.Identity()
    assert watch.changed()


def test_training_mode_is_refused_with_the_name_of_what_is_in_it() -> None:
    model = network("topdown v1")
    check_evaluating(model)
    model.get_submodule("backbone.stem.1").train()
    with pytest.raises(
        ConfigError,
        match=r"backbone.stem.1 is in training mode, and only what is done in evaluation can be optimised; "
        r"call .eval\(\) first",
    ):
        check_evaluating(model)
    with pytest.raises(ConfigError, match=r"\d+ parts of the model, TopDown first, are in training mode"):
        check_evaluating(model.train())


def test_a_part_in_a_place_that_was_vacant_is_noticed() -> None:
    model = network("topdown v1")
    block = model.get_submodule("backbone.stem.2")
    assert not block._modules
    watch = WeightWatch(model)
    block.add_module("more", nn.Identity())
    assert watch.changed()


def test_a_part_that_was_taken_out_is_noticed() -> None:
    model = network("topdown v1")
    watch = WeightWatch(model)
    del model.head
    assert watch.changed()
