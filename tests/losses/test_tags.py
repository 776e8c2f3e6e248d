import pytest
import torch

from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.losses.tags import AELoss


def one_by_one(tags: torch.Tensor, places: torch.Tensor, push: str) -> tuple[list[float], list[float]]:
    """Push and pull of each image, person by person."""
    pushes, pulls = [], []
    for flat, people in zip(tags.flatten(1), places, strict=True):
        own = [flat[person[person >= 0]] for person in people if (person >= 0).any()]
        means = [tag.mean() for tag in own]
        pull = [((tag - mean) ** 2).mean() for tag, mean in zip(own, means, strict=True)]
        pairs = [(a - b) for i, a in enumerate(means) for j, b in enumerate(means) if i != j]
        near = [(-(d**2)).exp() if push == "exp" else (1 - d.abs()).clamp(min=0) for d in pairs]
        pulls.append(float(sum(pull) / max(len(pull), 1)))
        pushes.append(float(0.5 * sum(near) / max(len(near), 1)))
    return pushes, pulls


@pytest.mark.parametrize("push", ["exp", "max"])
def test_all_at_once_is_the_same_as_one_by_one(push: str) -> None:
    torch.manual_seed(0)
    tags = torch.randn(4, 3, 5, 6, dtype=torch.float64)
    places = torch.randint(-40, 90, (4, 6, 3)).clamp(min=-1)
    places[2] = -1  # nobody
    places[3, 1:] = -1  # one person
    pushes, pulls = AELoss(push)(tags, places)  # type: ignore[arg-type]
    expected = one_by_one(tags, places, push)
    assert pushes.tolist() == pytest.approx(expected[0])
    assert pulls.tolist() == pytest.approx(expected[1])


@pytest.mark.parametrize("push", ["exp", "max"])
@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_few_people_give_finite_values_and_gradients(push: str, people: int, dtype: torch.dtype) -> None:
    tags = (
        (torch.ones(1, 2, 4, 4) * 300).to(dtype).requires_grad_()
    )  # a square that half precision cannot hold
    with torch.no_grad():
        tags[0, 0, 0, 0] = -300
    terms = AELoss(push)(tags, torch.arange(2 * people).view(1, people, 2))  # type: ignore[arg-type]
    assert all(torch.isfinite(term).all() and term.dtype == torch.float32 for term in terms)
    (terms.push.sum() + terms.pull.sum()).backward()
    assert tags.grad is not None
    assert torch.isfinite(tags.grad).all()


def test_people_with_the_same_tag_are_pushed_with_full_force() -> None:
    push, pull = AELoss()(torch.zeros(1, 1, 2, 2), torch.tensor([[[0], [1], [2]]]))
    assert (push.item(), pull.item()) == (0.5, 0)


def test_rows_of_nobody_change_nothing() -> None:
    tags, places = torch.randn(2, 3, 4, 4), torch.randint(0, 48, (2, 4, 3))
    padded = torch.cat((places, torch.full((2, 5, 3), -1)), 1)
    for few, many in zip(AELoss()(tags, places), AELoss()(tags, padded), strict=True):
        torch.testing.assert_close(few, many)


def test_every_dimension_of_a_tag_counts() -> None:
    tags = torch.zeros(1, 2, 1, 2)
    tags[0, 1, 0, 1] = 1.0  # the second dimension of the second person
    push, pull = AELoss(tag_dims=2)(tags, torch.tensor([[[0], [1]]]))
    assert push.item() == pytest.approx(0.5 * torch.exp(torch.tensor(-1.0)).item())
    assert pull.item() == 0


def test_people_are_pushed_as_far_as_the_margin() -> None:
    tags = torch.tensor([0.0, 2.0]).view(1, 1, 1, 2).requires_grad_()
    for margin, push in ((1.0, 0.0), (3.0, 0.5)):
        assert AELoss("max", margin=margin)(tags, torch.tensor([[[0], [1]]])).push.item() == push


def test_tags_that_are_nearly_equal_are_pushed_apart_by_max() -> None:
    slopes = []
    for push in ("exp", "max"):
        near = torch.tensor([0.0, 1e-4]).view(1, 1, 1, 2).requires_grad_()
        pushed = AELoss(push)(near, torch.tensor([[[0], [1]]])).push.sum()
        slopes.append(torch.autograd.grad(pushed, near)[0].abs().max().item())
    assert slopes[0] < 1e-3
    assert slopes[1] == pytest.approx(0.5)


def test_a_place_outside_the_maps_is_refused() -> None:
    with pytest.raises(ShapeError, match="place 32 lies outside the 32 tags of an image"):
        AELoss()(torch.zeros(1, 2, 4, 4), torch.tensor([[[0, 32]]]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"tags \(2, 4, 4\) and places \(1, 1, 2\).*are needed"):
        AELoss()(torch.zeros(2, 4, 4), torch.zeros(1, 1, 2, dtype=torch.long))
    with pytest.raises(ShapeError, match="multiple of tag_dims=2"):
        AELoss(tag_dims=2)(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 2, dtype=torch.long))


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="push='exq' is not known; did you mean exp"):
        AELoss("exq")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="tag_dims=0, but a tag is a number at least"):
        AELoss(tag_dims=0)
    with pytest.raises(ConfigError, match="margin=0, but people are pushed apart to it"):
        AELoss("max", margin=0)
