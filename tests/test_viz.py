import numpy as np
import pytest
from PIL import Image

from hrpose.errors import ConfigError, ImageError, ShapeError
from hrpose.skeletons import COCO, HAND_21, SKELETONS, Skeleton, chains
from hrpose.viz import EDGE, LEFT, MIDDLE, RIGHT, DrawStyle, draw_masks, draw_people, panels

CROSS = Skeleton(
    name="cross",
    keypoints=("left_end", "right_end", "top", "bottom"),
    mirror=(("left_end", "right_end"),),
    links=chains("top bottom", "top left_end", "top right_end"),
)
GROUND = np.full((200, 200, 3), 128, np.uint8)
POINTS = np.array([[[180, 100], [20, 100], [100, 20], [100, 180]]], float)


def near(image: Image.Image, x: int, y: int, color: tuple[int, int, int]) -> bool:
    patch = np.asarray(image).astype(int)[y - 3 : y + 4, x - 3 : x + 4]
    return bool((np.abs(patch - color).max(axis=2) < 30).any())


def test_limbs_have_the_colour_of_their_side() -> None:
    drawn = draw_people(GROUND, POINTS, CROSS)
    assert near(drawn, 140, 60, LEFT)
    assert near(drawn, 60, 60, RIGHT)
    assert near(drawn, 100, 100, MIDDLE)


def test_the_given_picture_stays_as_it_was() -> None:
    given = Image.fromarray(GROUND.copy())
    drawn = draw_people(given, POINTS, CROSS)
    assert drawn.size == given.size
    assert (np.asarray(given) == 128).all()


def test_keypoints_that_are_not_sure_are_left_out_with_their_limbs() -> None:
    scores = [[0.1, 0.9, 0.9, 0.9]]
    drawn = draw_people(GROUND, POINTS, CROSS, scores=scores)
    assert (np.asarray(drawn)[90:110, 165:] == 128).all()
    assert near(drawn, 60, 60, RIGHT)
    everything = draw_people(GROUND, POINTS, CROSS, scores=scores, style=DrawStyle(min_score=0.0))
    assert near(everything, 140, 60, LEFT)


def test_points_that_are_not_finite_are_left_out() -> None:
    points = POINTS.copy()
    points[0, 0] = np.nan
    points[0, 1] = np.inf
    assert near(draw_people(GROUND, points, CROSS), 100, 100, MIDDLE)


def test_people_outside_the_picture_leave_no_trace() -> None:
    assert (np.asarray(draw_people(GROUND, POINTS + 1000, CROSS)) == 128).all()
    assert (np.asarray(draw_people(GROUND, np.full_like(POINTS, np.nan), CROSS)) == 128).all()
    assert (np.asarray(draw_people(GROUND, np.zeros((0, 4, 2)), CROSS)) == 128).all()


def test_limbs_grow_with_the_person() -> None:
    def ink(size: float) -> int:
        ground = np.full((400, 400, 3), 128, np.uint8)
        drawn = np.asarray(draw_people(ground, POINTS * size, CROSS)).astype(int)
        row = drawn[round(100 * size), round(100 * size) - 30 : round(100 * size) + 30]
        return int((np.abs(row - 128).max(axis=1) > 20).sum())

    assert ink(1.9) > ink(0.5)


def test_edges_are_soft() -> None:
    hard = draw_people(GROUND, POINTS, CROSS, style=DrawStyle(smooth=1, opacity=1.0))
    soft = draw_people(GROUND, POINTS, CROSS, style=DrawStyle(opacity=1.0))
    assert len(np.unique(np.asarray(soft).reshape(-1, 3), axis=0)) > len(
        np.unique(np.asarray(hard).reshape(-1, 3), axis=0)
    )


def test_people_differ_when_coloured_by_person() -> None:
    two = np.concatenate([POINTS * 0.4, POINTS * 0.4 + 100])
    drawn = np.asarray(draw_people(GROUND, two, CROSS, style=DrawStyle(color_by="person"))).astype(int)
    first, second = drawn[:90, :90].reshape(-1, 3), drawn[110:, 110:].reshape(-1, 3)
    strongest = [part[np.ptp(part, axis=1).argmax()] for part in (first, second)]
    assert np.abs(strongest[0] - strongest[1]).max() > 60


@pytest.mark.parametrize("color_by", ["auto", "side", "limb", "person"])
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_every_skeleton_can_be_drawn(skeleton: Skeleton, color_by: str) -> None:
    points = np.random.default_rng(0).uniform(0, 60, (1, skeleton.num_keypoints, 2))
    drawn = draw_people(
        np.zeros((64, 64, 3), np.uint8), points, skeleton, style=DrawStyle(color_by=color_by, smooth=2)
    )
    assert np.asarray(drawn).any()


def test_fingers_differ_in_colour() -> None:
    points = np.zeros((1, 21, 2))
    points[0, :, 0] = np.arange(21) * 9 + 10
    points[0, :, 1] = 100
    drawn = draw_people(GROUND, points, HAND_21)
    assert not near(drawn, 55, 100, MIDDLE) or not near(drawn, 180, 100, MIDDLE)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"keypoints has the shape \(1, 4, 2\); this skeleton needs \(M, 17, 2\)"
    ):
        draw_people(GROUND, POINTS, COCO)
    with pytest.raises(ShapeError, match=r"scores has the shape \(4,\); this skeleton needs \(1, 4\)"):
        draw_people(GROUND, POINTS, CROSS, scores=[1, 1, 1, 1])


def test_a_picture_of_another_kind_is_refused() -> None:
    with pytest.raises(
        ImageError, match=r"came as float64 \(5, 5, 3\); give a PIL image or uint8 \(H, W, 3\)"
    ):
        draw_people(np.zeros((5, 5, 3)), POINTS, CROSS)
    with pytest.raises(ImageError, match="a picture to draw on came as NoneType"):
        draw_people(None, POINTS, CROSS)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"color_by": "mood"}, "color_by='mood'; give one of auto, side, limb, person"),
        ({"size": 0}, "size=0; give a factor above 0"),
        ({"opacity": 1.5}, "opacity=1.5; give a number above 0, at most 1"),
        ({"smooth": 0}, "smooth=0; give 1"),
    ],
)
def test_a_style_without_meaning_is_refused(settings, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        DrawStyle(**settings)


def test_panels_stand_in_rows_at_one_height() -> None:
    tall, wide = Image.new("RGB", (60, 120), "red"), Image.new("L", (100, 60), 255)
    in_one_row = panels([tall, wide], ["tall", "a title much longer than its picture is wide"])
    in_two = panels([tall, wide], ["tall", "wide"], columns=1)
    assert in_one_row.width > 60 + 200
    assert in_two.height > 240
    assert in_two.width < in_one_row.width


def test_panels_need_pictures_and_as_many_titles() -> None:
    with pytest.raises(
        ConfigError, match="1 pictures and 0 titles came; give at least one picture, and one title"
    ):
        panels([Image.new("RGB", (5, 5))], [])
    with pytest.raises(ConfigError, match="0 pictures and 0 titles came"):
        panels([], [])


def test_every_mask_has_a_colour_of_its_own_and_a_line_round_it() -> None:
    ground = np.full((40, 60, 3), 200, np.uint8)
    masks = np.zeros((2, 40, 60), bool)
    masks[0, 5:20, 5:30] = masks[1, 15:35, 35:55] = True
    drawn = np.asarray(draw_masks(ground, masks))
    assert (drawn[~masks.any(0)] == 200).all()
    first, second = drawn[10, 10], drawn[25, 45]
    assert np.abs(first.astype(int) - second).max() > 60
    assert tuple(drawn[5, 10]) == tuple(drawn[34, 40]) == EDGE
    assert (ground == 200).all()
    assert np.array_equal(np.asarray(draw_masks(ground, [])), ground)


def test_masks_of_another_size_and_no_opacity_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"masks have the shape \(1, 4, 5\), and the picture is \(6, 7\)"):
        draw_masks(np.zeros((6, 7, 3), np.uint8), np.ones((1, 4, 5), bool))
    with pytest.raises(ConfigError, match="opacity=0; give a number above 0, at most 1"):
        draw_masks(np.zeros((6, 7, 3), np.uint8), [], opacity=0)
