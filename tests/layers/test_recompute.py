import copy

import pytest
import torch
from torch import nn

from hrpose.layers import BasicBlock
from hrpose.layers.recompute import Steps, recompute, statistics_held


def twins(**kwargs) -> tuple[Steps, Steps]:
    plain = Steps(BasicBlock(4, 4, **kwargs), BasicBlock(4, 4, **kwargs))
    again = copy.deepcopy(plain)
    again.grad_checkpointing = True
    return plain, again


def step(net: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)  # drop path
    y = net(x)
    y.square().sum().backward()
    return y, *(p.grad for p in net.parameters()), *net.buffers()


@pytest.mark.parametrize("settings", [{}, {"drop_path": 0.5}, {"attention": "se"}])
def test_outputs_gradients_and_statistics_are_those_of_a_plain_step(settings) -> None:
    plain, again = twins(**settings)
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64)
    plain.double(), again.double()
    assert all(torch.equal(a, b) for a, b in zip(step(plain, x), step(again, x), strict=True))


def test_each_batch_counts_once_in_the_statistics() -> None:
    _, again = twins()
    step(again, torch.randn(2, 4, 6, 6))
    assert {int(b) for name, b in again.named_buffers() if name.endswith("num_batches_tracked")} == {1}


def test_cumulative_statistics_count_each_batch_once_too() -> None:
    plain, again = (Steps(nn.BatchNorm2d(4, momentum=None)) for _ in range(2))
    again.grad_checkpointing = True
    for net in (plain, again):
        torch.manual_seed(0)
        for _ in range(2):
            step(net, torch.randn(2, 4, 3, 3, requires_grad=True))
    assert torch.equal(plain[0].running_mean, again[0].running_mean)
    assert again[0].momentum is None


def test_fewer_activations_are_kept() -> None:
    def kept(net: nn.Module) -> int:
        sizes = []
        hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t)
        with hooks:
            net(torch.randn(1, 4, 32, 32, requires_grad=True))
        return sum(sizes)

    plain, again = twins()
    assert kept(again) < kept(plain) / 3


def test_without_gradients_nothing_is_recomputed() -> None:
    _, again = twins()
    with torch.no_grad():
        y = again(torch.randn(1, 4, 6, 6))
    assert not y.requires_grad


def test_the_settings_of_batch_norm_come_back_after_an_error() -> None:
    norm = nn.BatchNorm2d(4, momentum=0.3)
    with pytest.raises(ValueError, match="expected 4D input"), statistics_held(norm):
        norm(torch.ones(2, 4))
    assert norm.momentum == 0.3
    assert norm.num_batches_tracked == 0


def test_lists_of_maps_can_be_recomputed() -> None:
    class Double(nn.Module):
        def forward(self, x: list[torch.Tensor]) -> list[torch.Tensor]:
            return [y * y for y in x]

    x = [torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)]
    sum(y.sum() for y in recompute(Double(), x)).backward()
    assert torch.equal(x[1].grad, torch.full((3,), 2.0))


def test_a_compiled_step_is_the_same_and_counts_once() -> None:
    plain, again = twins()
    x = torch.randn(2, 4, 6, 6)
    compiled = torch.compile(again, backend="aot_eager")
    compiled(x).square().sum().backward()
    expected = step(plain, x)
    got = [*(p.grad for p in again.parameters()), *again.buffers()]
    for a, b in zip(got, expected[1:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
