"""What holds for every top-down codec."""

import dataclasses

import numpy as np
import pytest
import torch

from hrpose.codecs import CODECS, DARK, MSRA, UDP, Face, Princeton, TopDownCodec, UDPOffset
from hrpose.errors import ConfigError, HRPoseError, ShapeError, UnknownNameError

SQUARE = (128, 128)
ALL = [
    MSRA(input_size=SQUARE),
    MSRA(input_size=SQUARE, form="mmpose"),
    DARK(input_size=SQUARE),
    DARK(input_size=SQUARE, form="mmpose"),
    UDP(input_size=SQUARE),
    UDP(input_size=SQUARE, form="mmpose"),
    UDPOffset(input_size=SQUARE),
    UDPOffset(input_size=SQUARE, form="mmpose"),
    Face(input_size=SQUARE),
]
# Heatmap pixels. The original's offset form blurs its offsets too, and with them the edge of so small a disc.
ACCURACY = {
    "msra": 0.5,
    "dark": 0.05,
    "udp": 0.1,
    "udp_offset-original": 0.5,
    "udp_offset": 1e-5,
    "face": 0.5,
}


def label(codec: TopDownCodec) -> str:
    return f"{codec.name}-{getattr(codec, 'form', 'only')}"


every = pytest.mark.parametrize("codec", ALL, ids=label)


def points_within(codec: TopDownCodec, people: int = 3, keypoints: int = 5) -> torch.Tensor:
    """Crop pixels, away from the border of the map."""
    height, width = codec.input_size
    free = torch.tensor([width - 48, height - 48])
    generator = torch.Generator().manual_seed(0)
    return 24 + free * torch.rand(people, keypoints, 2, generator=generator, dtype=torch.float64)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_decoding_undoes_encoding_within_the_accuracy_of_the_codec(
    codec: TopDownCodec, dtype: torch.dtype
) -> None:
    points = points_within(codec).to(dtype)
    maps, weights = codec.encode(points, torch.ones(3, 5))
    found, scores = codec.decode(maps)
    assert maps.dtype == weights.dtype == found.dtype == scores.dtype == dtype
    allowed = ACCURACY.get(label(codec), ACCURACY[codec.name])
    assert (found - codec.to_heatmap(points)).abs().max() <= allowed
    assert (scores > 0).all()


@every
def test_the_way_to_the_image_undoes_the_crop(codec: TopDownCodec) -> None:
    codec = dataclasses.replace(codec, subpixel=True) if isinstance(codec, Face) else codec
    center, scale = codec.center_scale(torch.tensor([[30.0, 40.0, 80.0, 50.0]], dtype=torch.float64))
    points = torch.tensor([[[35.0, 44.0], [71.5, 60.0]]], dtype=torch.float64)
    matrices = codec.matrices(center, scale)
    in_crop = (points[:, :, None] * matrices[:, None, :, :2]).sum(3) + matrices[:, None, :, 2]
    torch.testing.assert_close(codec.to_image(codec.to_heatmap(in_crop), center, scale), points)


@pytest.mark.parametrize(
    "codec", [c for c in ALL if label(c) not in ("udp-mmpose", "udp_offset-mmpose")], ids=label
)
def test_heatmap_and_crop_pixels_are_each_others_inverse(codec: TopDownCodec) -> None:
    points = points_within(codec)
    torch.testing.assert_close(codec.to_crop(codec.to_heatmap(points)), points)


@every
def test_hidden_keypoints_are_neither_drawn_nor_weighed(codec: TopDownCodec) -> None:
    visible = torch.tensor([[1.0, 0.0, 1.0, 0.0, 0.0]]).expand(3, -1)
    maps, weights = codec.encode(points_within(codec), visible)
    groups = maps.unflatten(1, (5, codec.maps_per_keypoint))
    assert torch.equal(weights.float(), visible)
    assert not groups[:, [1, 3, 4]].any()
    assert groups[:, [0, 2]].flatten(2).any(2).all()


@every
def test_a_keypoint_that_is_nan_leaves_an_empty_finite_map(codec: TopDownCodec) -> None:
    points = points_within(codec)
    points[0, 1] = float("nan")
    maps, weights = codec.encode(points, torch.ones(3, 5))
    assert torch.isfinite(maps).all()
    assert torch.isfinite(weights).all()
    assert not maps.unflatten(1, (5, codec.maps_per_keypoint))[0, 1].any()


@every
def test_no_people_give_empty_results(codec: TopDownCodec) -> None:
    maps, weights = codec.encode(torch.zeros(0, 4, 2), torch.zeros(0, 4))
    points, scores = codec.decode(maps)
    assert maps.shape == (0, 4 * codec.maps_per_keypoint, 32, 32)
    assert weights.shape == scores.shape == (0, 4)
    assert codec.to_image(points, torch.zeros(0, 2), torch.zeros(0, 2)).shape == (0, 4, 2)
    assert codec.crop([], codec.matrices(*codec.center_scale(torch.zeros(0, 4)))).shape == (0, 3, *SQUARE)


@every
@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_map_that_is_not_finite_gives_nan_for_its_own_keypoint_alone(
    codec: TopDownCodec, broken: float
) -> None:
    maps, _ = codec.encode(points_within(codec), torch.ones(3, 5))
    expected, _ = codec.decode(maps)
    spoilt = maps.clone()
    spoilt[1, 2 * codec.maps_per_keypoint, 7, 9] = broken
    points, scores = codec.decode(spoilt)
    wrong = torch.zeros(3, 5, dtype=torch.bool)
    wrong[1, 2] = True
    assert torch.equal(torch.isnan(points).all(2), wrong)
    assert torch.equal(torch.isnan(scores), wrong)
    torch.testing.assert_close(points[~wrong], expected[~wrong])


@every
@pytest.mark.parametrize("level", [0.0, -1.0, 3.0])
def test_flat_maps_give_finite_points(codec: TopDownCodec, level: float) -> None:
    points, scores = codec.decode(torch.full((2, 3 * codec.maps_per_keypoint, 32, 32), level))
    assert torch.isfinite(points).all()
    assert torch.isfinite(scores).all()


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_maps_are_read_as_float32(codec: TopDownCodec, dtype: torch.dtype) -> None:
    maps = codec.encode(points_within(codec).float(), torch.ones(3, 5))[0].to(dtype)
    points, _ = codec.decode(maps)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points, codec.decode(maps.float())[0])


@every
def test_decoding_leaves_the_maps_as_they_were(codec: TopDownCodec) -> None:
    maps, _ = codec.encode(points_within(codec), torch.ones(3, 5))
    before = maps.clone()
    codec.decode(maps)
    assert torch.equal(maps, before)


@pytest.mark.parametrize("codec", [c for c in ALL if not c.flip_shift and c.unbiased], ids=label)
def test_an_unbiased_codec_sees_the_same_maps_in_a_mirror(codec: TopDownCodec) -> None:
    index, points = (0, 2, 1, 4, 3), points_within(codec)
    mirrored = points[:, list(index)]
    mirrored[..., 0] = codec.input_size[1] - 1 - mirrored[..., 0]
    maps, _ = codec.encode(points, torch.ones(3, 5))
    flipped, _ = codec.encode(mirrored, torch.ones(3, 5))
    # A Gaussian is drawn on the square around the nearest pixel, which a mirror may round the other way.
    atol = 0.02 if codec.name == "udp" else 1e-9
    torch.testing.assert_close(codec.merge_flip(maps, flipped, index), maps, atol=atol, rtol=0)


def test_the_flip_test_of_msra_shifts_by_a_pixel_unless_told_otherwise() -> None:
    maps, mirrored = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32)
    back = mirrored.flip(3)
    still = MSRA(input_size=SQUARE, flip_shift=False).merge_flip(maps, mirrored, (0,))
    moved = MSRA(input_size=SQUARE).merge_flip(maps, mirrored, (0,))
    torch.testing.assert_close(still, (maps + back) / 2)
    torch.testing.assert_close(moved[..., 1:], (maps[..., 1:] + back[..., :-1]) / 2)
    torch.testing.assert_close(moved[..., 0], still[..., 0])


def test_maps_are_rounded_up_where_the_stride_does_not_divide() -> None:
    assert MSRA(input_size=(150, 100)).heatmap_size == (38, 25)
    assert MSRA(input_size=(150, 100), map_size=(37, 25)).heatmap_size == (37, 25)
    assert MSRA(input_size=(64, 64), stride=2).heatmap_size == (32, 32)


def test_sizes_read_from_json_are_taken() -> None:
    codec = MSRA(input_size=[256, 192])  # type: ignore[arg-type]
    assert codec == MSRA(input_size=(256, 192))
    assert hash(codec) == hash(MSRA(input_size=(256, 192)))


def test_every_codec_is_listed_by_its_name() -> None:
    listed = {"msra": MSRA, "udp": UDP, "udp_offset": UDPOffset, "dark": DARK, "face": Face}
    assert {**listed, "princeton": Princeton} == CODECS


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"input_size": (0, 64)},
            r"input_size=\(0, 64\) is no \(height, width\); give two whole numbers above 0",
        ),
        ({"input_size": (64.0, 64)}, "give two whole numbers"),
        ({"input_size": 64}, r"input_size=64 is no \(height, width\); give two whole numbers above 0"),
        ({"input_size": (64, 64, 3)}, "give two whole numbers"),
        ({"input_size": None}, r"input_size=None is no \(height, width\)"),
        ({"sigma": "2"}, "sigma='2', but it must be above 0"),
        ({"map_size": (16,)}, r"map_size=\(16,\) is no \(height, width\)"),
        ({"stride": 0}, "stride=0, but it must be above 0; give another"),
        ({"stride": 2.5}, "stride=2.5 is no whole number; give map_size for sizes between"),
        ({"sigma": -1.0}, "sigma=-1.0, but it must be above 0"),
        ({"padding": float("nan")}, "padding=nan, but it must be above 0"),
    ],
)
def test_settings_without_meaning_are_refused(name: str, settings: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        CODECS[name](**{"input_size": (64, 64)} | settings)


@pytest.mark.parametrize("name", ["msra", "dark", "udp", "udp_offset"])
def test_another_form_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"no form of \w+ is called 'mmpos'; did you mean mmpose"):
        CODECS[name](input_size=(64, 64), form="mmpos")  # type: ignore[call-arg]


@pytest.mark.parametrize("codec", [c for c in ALL if c.unbiased], ids=label)
def test_an_unbiased_codec_needs_two_pixels(codec: TopDownCodec) -> None:
    with pytest.raises(ConfigError, match=r"make heatmaps of \(1, 1\), but \w+ needs two pixels a side"):
        dataclasses.replace(codec, input_size=(4, 4))


@every
def test_wrong_shapes_are_named(codec: TopDownCodec) -> None:
    per = codec.maps_per_keypoint
    with pytest.raises(ShapeError, match=r"points has the shape \(5, 2\), but \(N, K, 2\) is needed"):
        codec.encode(torch.zeros(5, 2), torch.ones(5))
    with pytest.raises(ShapeError, match=r"visible has the shape \(1, 4\), but \(1, 5\) is needed"):
        codec.encode(torch.zeros(1, 5, 2), torch.ones(1, 4))
    with pytest.raises(
        ShapeError, match=r"heatmaps has the shape \(3, 32, 32\), but \(N, K, h, w\) is needed"
    ):
        codec.decode(torch.zeros(3, 32, 32))
    with pytest.raises(ShapeError, match=r"heatmaps are \(16, 16\), but .* are \(32, 32\); set input_size"):
        codec.decode(torch.zeros(1, per, 16, 16))
    with pytest.raises(ShapeError, match=r"mirrored heatmaps has the shape \(1, 1, 32, 32\)"):
        codec.merge_flip(torch.zeros(2, per, 32, 32), torch.zeros(1, 1, 32, 32), (0,))
    with pytest.raises(ShapeError, match="heatmaps came as ndarray, but a tensor is needed; torch"):
        codec.decode(np.zeros((1, per, 32, 32)))
    with pytest.raises(ShapeError, match="boxes came as list, but a tensor is needed"):
        codec.center_scale([[0, 0, 9, 9]])
    with pytest.raises(HRPoseError, match="drop such boxes first"):
        codec.matrices(*codec.center_scale(torch.zeros(1, 4)))
