"""Synthetic figures: the same from the same seed, valid COCO, and drawn where they are annotated."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import coco

from hrpose.data.coco import CocoKeypoints
from hrpose.data.drawing import SEEN_ON, overlap
from hrpose.data.figures import POINTS, Body, Limb, Pose, solve
from hrpose.data.painting import Look, hull
from hrpose.data.poses import POSES, sample_pose
from hrpose.data.scenery import background, occluder
from hrpose.data.synthetic import FIGURE_9, synthetic_pictures, write_coco
from hrpose.data.validate import validate_dataset
from hrpose.errors import ConfigError
from hrpose.skeletons import COCO, Skeleton

SIZE = (96, 128)


def test_a_seed_draws_the_same_pictures_again_and_another_seed_others() -> None:
    first, again, other = (list(synthetic_pictures(3, seed=s, size=SIZE)) for s in (4, 4, 5))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        assert [p.box for p in a.people] == [p.box for p in b.people]
    assert not np.array_equal(first[0].image, other[0].image)


def test_a_longer_run_starts_with_the_shorter_one() -> None:
    short, long = (list(synthetic_pictures(n, seed=1, size=SIZE)) for n in (1, 2))
    np.testing.assert_array_equal(short[0].image, long[0].image)


def test_worker_processes_write_what_one_process_writes(tmp_path: Path) -> None:
    for name, workers in (("one", 0), ("two", 2)):
        write_coco(tmp_path / name, 3, seed=2, size=SIZE, workers=workers)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@pytest.mark.parametrize("skeleton", [COCO, FIGURE_9], ids=lambda s: s.name)
def test_pycocotools_and_our_reader_read_what_is_written(tmp_path: Path, skeleton: Skeleton) -> None:
    annotations = write_coco(tmp_path, 4, seed=3, size=SIZE, skeleton=skeleton)
    theirs = coco.COCO(str(annotations))
    ours = CocoKeypoints.from_file(annotations, tmp_path / "images")
    assert len(theirs.anns) == len(ours.people) > 0
    assert ours.skipped.total() == ours.mended.total() == 0
    assert ours.skeleton.keypoints == skeleton.keypoints
    assert validate_dataset(annotations, tmp_path / "images") == []


def test_the_annotations_keep_the_rules_of_coco(tmp_path: Path) -> None:
    content = json.loads(write_coco(tmp_path, 12, seed=6, size=SIZE, people=(2, 4)).read_text())
    assert {a["category_id"] for a in content["annotations"]} == {1}
    for entry in content["annotations"]:
        keypoints = np.array(entry["keypoints"]).reshape(17, 3)
        x, y, w, h = entry["bbox"]
        assert 0 <= x <= x + w <= SIZE[1]
        assert 0 <= y <= y + h <= SIZE[0]
        assert 0 < entry["area"] <= w * h
        assert entry["num_keypoints"] == (keypoints[:, 2] > 0).sum()
        assert np.all(keypoints[keypoints[:, 2] == 0] == 0)


def test_seen_hidden_and_outside_keypoints_all_occur() -> None:
    people = [
        p for picture in synthetic_pictures(30, seed=7, size=SIZE, people=(1, 4)) for p in picture.people
    ]
    visibility = np.concatenate([p.keypoints[:, 2] for p in people])
    shares = [float((visibility == v).mean()) for v in (0, 1, 2)]
    assert shares[0] > 0.005
    assert shares[1] > 0.1
    assert shares[2] > 0.5


def test_crowds_reach_twelve_people_who_overlap() -> None:
    crowd = {"seed": 5, "people": (12, 12), "crowding": 0.3, "heights": (0.4, 0.8)}
    pictures = list(synthetic_pictures(4, size=(192, 192), **crowd))
    assert [len(picture.people) for picture in pictures].count(12) >= 3
    for picture in pictures:
        low = np.array([p.box[:2] for p in picture.people])
        high = low + [p.box[2:] for p in picture.people]
        shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        meeting = (shared > 0).all(2) & ~np.eye(len(low), dtype=bool)
        assert meeting.any(1).mean() > 0.7  # most boxes reach into another one
    hidden = np.concatenate([p.keypoints[:, 2] == 1 for picture in pictures for p in picture.people])
    assert hidden.mean() > 0.2


def test_the_figure_lies_where_its_box_says() -> None:
    """Inside the box the picture differs from the same ground without figures; the figures were put there."""
    picture = next(synthetic_pictures(1, seed=8, size=SIZE, people=(1, 1)))
    seen = picture.people[0].keypoints[picture.people[0].keypoints[:, 2] == 2]
    x, y, w, h = picture.people[0].box
    assert np.all((seen[:, 0] >= x - 1) & (seen[:, 0] <= x + w))
    assert np.all((seen[:, 1] >= y - 1) & (seen[:, 1] <= y + h))


def test_a_mask_has_what_nothing_hides() -> None:
    pictures = list(synthetic_pictures(12, seed=9, size=SIZE, people=(3, 4), crowding=0.6))
    for picture in pictures:
        masks = np.stack([p.mask for p in picture.people])
        assert masks.shape[1:] == SIZE
        assert masks.sum(0).max() <= 1  # a pixel shows one figure
        for person, mask in zip(picture.people, masks, strict=True):
            x, y, w, h = map(int, person.box)
            assert mask[y : y + h, x : x + w].sum() == mask.sum() <= person.area
    seen = np.array([p.mask.sum() / p.area for picture in pictures for p in picture.people])
    assert (seen < 0.97).any()
    assert (seen > 0.97).any()


def test_a_keypoint_that_shows_lies_on_the_mask() -> None:
    for picture in synthetic_pictures(8, seed=10, size=SIZE, people=(2, 4), crowding=0.5):
        for person in picture.people:
            for x, y, v in person.keypoints:
                if v == 2:
                    assert person.mask[round(y), round(x)]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools with numpy 2
def test_the_file_has_the_masks_as_run_lengths(tmp_path: Path) -> None:
    settings = {"seed": 11, "size": SIZE, "people": (2, 3), "crowding": 0.5}
    file = write_coco(tmp_path, 2, **settings)  # type: ignore[arg-type]
    theirs = coco.COCO(str(file))
    people = [p for picture in synthetic_pictures(2, **settings) for p in picture.people]  # type: ignore[arg-type]
    for person, annotation in zip(people, theirs.loadAnns(theirs.getAnnIds()), strict=True):
        np.testing.assert_array_equal(theirs.annToMask(annotation) > 0, person.mask)


def test_who_looks_at_the_viewer_has_the_left_hand_on_the_right_of_the_picture() -> None:
    facing, turned = solve(Body(), Pose()), solve(Body(), Pose(turn=180))
    assert facing["left_hand"][0] > facing["right_hand"][0]
    assert turned["left_hand"][0] < turned["right_hand"][0]
    assert facing["nose"][2] > 0 > turned["nose"][2]


def test_joints_bend_the_way_people_bend() -> None:
    arms = {"left": Limb(bend=90), "right": Limb()}
    legs = {"left": Limb(bend=90), "right": Limb()}
    points = solve(Body(), Pose(arms=arms, legs=legs))
    assert points["left_wrist"][2] > points["left_elbow"][2] + 0.1  # forward
    assert points["left_ankle"][2] < points["left_knee"][2] - 0.1  # backward


@pytest.mark.parametrize("family", POSES)
def test_limbs_keep_their_length_in_every_pose(family: str) -> None:
    body = Body()
    points = solve(body, sample_pose(np.random.default_rng(9), family))
    for a, b, length in (
        ("hip", "knee", body.leg),
        ("knee", "ankle", body.leg),
        ("shoulder", "elbow", body.arm),
    ):
        assert np.linalg.norm(points[f"left_{a}"] - points[f"left_{b}"]) == pytest.approx(length)


def test_poses_of_one_family_differ() -> None:
    rng = np.random.default_rng(10)
    first, second = (solve(Body(), sample_pose(rng, "walk")) for _ in range(2))
    assert np.abs(first["left_wrist"] - second["left_wrist"]).max() > 0.01


def test_every_point_knows_where_it_can_be_seen() -> None:
    for name in POINTS:
        assert name in SEEN_ON or name.rpartition("_")[2] in SEEN_ON


def test_a_hull_holds_its_circles() -> None:
    outline = hull([(np.array([0.0, 0.0]), 2.0), (np.array([10.0, 0.0]), 1.0)])
    assert outline[:, 0].min() == pytest.approx(-2)
    assert outline[:, 0].max() == pytest.approx(11)
    edges = np.roll(outline, -1, axis=0) - outline
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    assert np.all(turns > 0)  # convex


def test_grounds_are_cluttered_and_occluders_cover_something() -> None:
    from PIL import Image

    ground = np.asarray(background(np.random.default_rng(11), SIZE))
    assert ground.shape == (*SIZE, 3)
    assert ground.std() > 10
    canvas = Image.new("RGB", (SIZE[1], SIZE[0]))
    outline = occluder(np.random.default_rng(12), canvas, np.array([64.0, 48.0]), 40.0)
    assert np.asarray(canvas).any()
    assert outline.shape[1] == 2


def test_clothes_differ_from_figure_to_figure() -> None:
    rng = np.random.default_rng(13)
    assert len({Look.sample(rng).top for _ in range(20)}) > 15


def test_overlap_is_a_share_of_the_smaller_one() -> None:
    large, small = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    small[:2, 0] = True
    assert overlap(large, small) == 1.0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_images": 0}, "num_images=0; give at least 1"),
        ({"crowding": 0.0}, "crowding=0.0; give a share above 0, at which figures keep apart, up to 1"),
        ({"heights": (0.8, 0.4)}, r"heights=\(0.8, 0.4\); give the least and the most, as shares above 0"),
        ({"size": (32, 200)}, "too small for figures; give at least \\(64, 64\\)"),
        ({"people": (3, 2)}, "give the least and the most figures a picture"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        next(synthetic_pictures(**({"num_images": 1} | settings)))  # type: ignore[arg-type]


def test_an_unknown_point_is_answered_with_the_nearest() -> None:
    tail = Skeleton(name="cat", keypoints=("nose", "left_paw"))
    with pytest.raises(
        ConfigError, match=r"no point 'left_paw', which skeleton 'cat' asks for; did you mean"
    ):
        next(synthetic_pictures(1, skeleton=tail))
