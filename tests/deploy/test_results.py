import pytest
import torch

from hrpose.deploy.results import on_tensors, tensors_of
from hrpose.errors import ConfigError
from hrpose.types import PoseMaps

ONE, TWO = torch.ones(1), torch.full((1,), 2.0)


def test_a_result_keeps_its_form() -> None:
    assert torch.equal(on_tensors(torch.neg, ONE), -ONE)
    assert on_tensors(torch.neg, [ONE, TWO]) == [-ONE, -TWO]
    maps = on_tensors(torch.add, PoseMaps((ONE, TWO), (ONE,)), PoseMaps((TWO, TWO), (TWO,)))
    assert isinstance(maps, PoseMaps)
    assert [tensor.item() for tensor in tensors_of(maps)] == [3, 4, 3]


def test_results_of_another_kind_are_refused() -> None:
    text = "the model returned a dict; only tensors, lists and named tuples of them can be optimised"
    with pytest.raises(ConfigError, match=text):
        on_tensors(torch.neg, {"maps": ONE})
