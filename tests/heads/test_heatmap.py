import pytest
import torch

from hrpose.errors import ConfigError
from hrpose.heads import HRNetV1Head, HRNetV2Head


def test_one_convolution_reads_the_finest_branch_only() -> None:
    head = HRNetV1Head(8, 5)
    x = [torch.randn(2, 8, 6, 4), torch.randn(2, 16, 3, 2)]
    y = head(x)
    assert y.shape == (2, 5, 6, 4)
    assert torch.equal(y, head.conv(x[0]))
    assert list(head.state_dict()) == ["conv.weight", "conv.bias"]


def test_a_wider_kernel_keeps_the_size() -> None:
    assert HRNetV1Head(8, 5, kernel=3)([torch.randn(1, 8, 6, 5)]).shape == (1, 5, 6, 5)


def test_weights_start_narrow() -> None:
    torch.manual_seed(0)
    head = HRNetV1Head(256, 64)
    assert abs(float(head.conv.weight.detach().std()) - 0.001) < 5e-5
    assert not head.conv.bias.any()


@pytest.mark.parametrize(
    "head", [lambda: HRNetV1Head(8, 5, kernel=2), lambda: HRNetV2Head((8,), 5, kernel=2)]
)
def test_a_kernel_that_would_change_the_size_is_refused(head) -> None:
    with pytest.raises(ConfigError, match="kernel=2, but the maps must keep their size; give an odd number"):
        head()
