import pytest
import torch

from hrpose.codecs import UDP, UDPOffset
from hrpose.errors import ConfigError, ShapeError


def test_mmpose_does_not_undo_its_own_step() -> None:
    codec, points = UDP(input_size=(128, 64), form="mmpose"), torch.tensor([[[15.0, 31.0]]])
    assert codec.to_crop(points).tolist() == [[[64.0, 128.0]]]
    torch.testing.assert_close(UDP(input_size=(128, 64)).to_crop(points), torch.tensor([[[63.0, 127.0]]]))


def test_both_forms_agree_on_the_image() -> None:
    points, center, scale = (
        torch.tensor([[[3.0, 8.0]]]),
        torch.tensor([[50.0, 40.0]]),
        torch.tensor([[0.3, 0.4]]),
    )
    original, mmpose = (
        UDP(input_size=(64, 48), form=form).to_image(points, center, scale) for form in ("original", "mmpose")
    )
    assert torch.equal(original, mmpose)


def test_the_disc_has_its_radius_and_offsets_lead_to_the_point() -> None:
    points, ones = torch.tensor([[[20.3, 11.8]]], dtype=torch.float64), torch.ones(1, 1)
    everywhere, within = (UDPOffset(input_size=(256, 128), form=form) for form in ("mmpose", "original"))
    (disc, x, y), (same, cut, _) = (codec.targets(points, ones)[0][0] for codec in (everywhere, within))
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(32), indexing="ij")
    far = ((columns - 20.3) ** 2 + (rows - 11.8) ** 2).sqrt()
    assert everywhere.radius == within.radius == 3.5
    assert torch.equal(disc.bool(), far <= 3.5)
    assert torch.equal(disc, same)
    torch.testing.assert_close(columns + x * 3.5, torch.full((64, 32), 20.3, dtype=torch.float64))
    torch.testing.assert_close(rows + y * 3.5, torch.full((64, 32), 11.8, dtype=torch.float64))
    assert torch.equal(cut, x * disc)


def test_the_radius_follows_the_height_or_the_longer_side() -> None:
    assert UDPOffset(input_size=(128, 256)).radius == 1.75
    assert UDPOffset(input_size=(128, 256), form="mmpose").radius == 3.5


@pytest.mark.parametrize(
    ("size", "kernel", "most"), [((64, 48), 3, 0.3), ((128, 96), 5, 0.05), ((256, 192), 11, 0.05)]
)
def test_a_kernel_that_suits_the_map_reads_what_was_drawn(
    size: tuple[int, int], kernel: int, most: float
) -> None:
    codec = UDP(input_size=size, kernel=kernel)
    share = torch.rand(16, 17, 2, generator=torch.Generator().manual_seed(0)) * 10 / 12 + 1 / 12
    points = share * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    found, _ = codec.decode(codec.encode(points, torch.ones(16, 17))[0])
    assert (codec.to_crop(found) - points).norm(dim=2).mean() < most


@pytest.mark.parametrize("form", ["original", "mmpose"])
@pytest.mark.parametrize("codec", [UDP, UDPOffset])
def test_no_value_above_zero_gives_the_corner_or_minus_one(codec: type[UDP], form: str) -> None:
    maps = torch.zeros(1, codec.maps_per_keypoint, 16, 16)
    points, _ = codec(input_size=(64, 64), form=form).decode(maps)
    assert points.tolist() == [[[0.0, 0.0] if form == "original" else [-1.0, -1.0]]]


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="radius_factor=0 leaves no disc; give a number above 0"):
        UDPOffset(input_size=(64, 64), radius_factor=0)
    with pytest.raises(ConfigError, match="kernel=2 has no middle"):
        UDPOffset(input_size=(64, 64), kernel=2)


def test_maps_that_do_not_come_in_threes_are_named() -> None:
    with pytest.raises(
        ShapeError, match="17 maps, but udp_offset reads 3 to a keypoint; give the network more"
    ):
        UDPOffset(input_size=(64, 64)).decode(torch.zeros(1, 17, 16, 16))
    with pytest.raises(ShapeError, match=r"heatmaps has the shape \(1, 17, 16, 16\), but \(N, 51, h, w\)"):
        UDPOffset(input_size=(64, 64)).unflip(torch.zeros(1, 17, 16, 16), range(17))
