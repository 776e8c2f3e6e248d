import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads import ClassificationHead


def head() -> ClassificationHead:
    return ClassificationHead((4, 8), 10, widths=(2, 4), hidden=24).eval()


def pyramid() -> list[torch.Tensor]:
    return [torch.randn(2, 4, 9, 7), torch.randn(2, 8, 5, 4)]


def test_logits_classify_the_mean_of_the_final_map() -> None:
    made, x = head(), pyramid()
    assert made.final_map(x).shape == (2, 24, 5, 4)
    torch.testing.assert_close(made.pre_logits(x), made.final_map(x).mean((2, 3)))
    torch.testing.assert_close(made(x), made.classifier(made.pre_logits(x)))
    assert made(x).shape == (2, 10)


def test_increased_features_are_four_times_their_widths() -> None:
    assert [y.shape for y in head().increased(pyramid())] == [(2, 8, 9, 7), (2, 16, 5, 4)]


def test_finer_branches_are_added_to_coarser_ones() -> None:
    made, x = head(), pyramid()
    fine, coarse = made.increased(x)
    assert torch.equal(made.final_map(x), made.final(coarse + made.downsample[0](fine)))


def test_convolutions_outside_the_bottlenecks_have_a_bias() -> None:
    made = head()
    assert made.downsample[0][0].bias is not None
    assert made.final[0].bias is not None
    assert made.increase[0][0].conv1.bias is None


def test_one_width_a_branch_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"widths=\(2, 4\), but there are 3 branches; give one for each"):
        ClassificationHead((4, 8, 16), widths=(2, 4))


def test_another_pyramid_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"ClassificationHead got maps of \(4,\) channels"):
        head()(pyramid()[:1])
