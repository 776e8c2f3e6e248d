import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads import (
    AETagHead,
    ClassificationHead,
    HigherHRNetHead,
    HRNetV1Head,
    HRNetV2Head,
    HRNetV2pHead,
)


def test_one_convolution_reads_the_finest_branch_only() -> None:
    head = HRNetV1Head(8, 5)
    x = [torch.randn(2, 8, 6, 4), torch.randn(2, 16, 3, 2)]
    y = head(x)
    assert y.shape == (2, 5, 6, 4)
    assert torch.equal(y, head.conv(x[0]))
    assert list(head.state_dict()) == ["conv.weight", "conv.bias"]


def test_it_takes_the_channels_of_all_branches_as_other_heads_do() -> None:
    head = HRNetV1Head([8, 16], 5)
    assert head.conv.weight.shape == (5, 8, 1, 1)
    assert head([torch.randn(2, 8, 6, 4), torch.randn(2, 16, 3, 2)]).shape == (2, 5, 6, 4)


@pytest.mark.parametrize("head", [HRNetV1Head, HRNetV2Head, HRNetV2pHead])
def test_one_number_stands_for_one_branch(head) -> None:
    assert head(8, 5).in_channels == head([8], 5).in_channels == (8,)


@pytest.mark.parametrize("nonsense", [[], 0, [8, -1], "8", 8.0, [True], None])
@pytest.mark.parametrize("head", [HRNetV1Head, HRNetV2Head, HRNetV2pHead, ClassificationHead])
def test_channels_that_are_no_numbers_are_refused(head, nonsense) -> None:
    with pytest.raises(ConfigError, match=r"in_channels=.*; give the channels of each branch, finest first"):
        head(nonsense, 5)


@pytest.mark.parametrize("nonsense", [0, [17], 5.0])
@pytest.mark.parametrize("head", [HRNetV1Head, HRNetV2Head, HRNetV2pHead])
def test_a_number_of_maps_is_needed(head, nonsense) -> None:
    with pytest.raises(
        ConfigError, match=r"out_channels=.*, but a head makes a number of maps; give 1 or more"
    ):
        head([8], nonsense)


def test_another_finest_branch_is_named() -> None:
    with pytest.raises(
        ShapeError, match=r"HRNetV1Head got maps of \(16,\) channels, but was made for \(8,\)"
    ):
        HRNetV1Head([8, 16], 5)([torch.randn(1, 16, 3, 2)])


@pytest.mark.parametrize(
    "head",
    [HRNetV1Head(8, 5), HRNetV2Head([8], 5), HRNetV2pHead([8], 4), AETagHead(8, 5), HigherHRNetHead(8, 5)],
    ids=lambda head: type(head).__name__,
)
def test_one_map_in_place_of_a_list_is_refused(head: torch.nn.Module) -> None:
    with pytest.raises(ShapeError, match=r"got one map of \(.*8, 8, 8\), but takes a list.*give \[map\]"):
        head(torch.randn(8, 8, 8, 8))


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
