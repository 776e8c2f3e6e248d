import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import MSRA
from hrpose.errors import ConfigError, DataError, ImageError, ShapeError, UnknownNameError, WeightsError
from hrpose.hub.pretrained import save_pretrained
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDown, TopDownConfig
from hrpose.predict import Detections, Predictor
from hrpose.skeletons import Skeleton
from hrpose.types import PoseMaps

PAIR = Skeleton(name="pair", keypoints=("left_dot", "right_dot"), mirror=(("left_dot", "right_dot"),))
SPEC = PoseSpec(skeleton=PAIR, codec=MSRA(input_size=(64, 48)), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class Dots(nn.Module):
    """Finds the red dot (left) and the blue dot (right): a network whose answer is known."""

    def __init__(self, spec: PoseSpec | None = SPEC) -> None:
        super().__init__()
        self.spec = spec
        self.batches: list[int] = []
        self.normal = nn.BatchNorm2d(1)  # something that has a mode

    def forward(self, images: Tensor) -> PoseMaps:
        assert not self.training
        self.batches.append(len(images))
        return PoseMaps((F.avg_pool2d(images[:, [0, 2]], 4),))


def picture(red: tuple[int, int], blue: tuple[int, int], size: tuple[int, int] = (120, 160)) -> np.ndarray:
    """Two dots that are brightest in their middle and 20 pixels in radius."""
    image = np.zeros((*size, 3), np.uint8)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for channel, (x, y) in ((0, red), (2, blue)):
        image[..., channel] = 255 * np.clip(1 - np.hypot(columns - x, rows - y) / 20, 0, 1)
    return image


BOX = [[20, 10, 80, 90]]  # left, top, right, bottom


def test_points_come_back_in_pixels_of_the_picture() -> None:
    people = Predictor(Dots())(picture((40, 30), (60, 70)), BOX)
    assert len(people) == 1
    assert np.abs(people.keypoints[0] - [[40, 30], [60, 70]]).max() < 4  # a heatmap pixel is 6.25 wide here
    assert people.boxes.tolist() == [[20, 10, 60, 80]]
    assert people.skeleton == PAIR


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_flip_test_agrees_on_a_symmetric_answer(flip_test: bool) -> None:
    class Colourless(Dots):
        def forward(self, images: Tensor) -> PoseMaps:  # the left dot is where the picture is bright
            bright = F.avg_pool2d(images.mean(1, keepdim=True), 4)
            return PoseMaps((bright.expand(-1, 2, -1, -1),))

    image = np.repeat(picture((44, 40), (44, 40))[..., :1], 3, axis=2)
    people = Predictor(Colourless(), flip_test=flip_test)(image, BOX)
    assert np.abs(people.keypoints[0] - [44, 40]).max() < 5


def test_people_of_all_pictures_share_batches() -> None:
    model = Dots()
    images = [picture((40, 30), (60, 70)), picture((30, 40), (70, 50), size=(100, 90))]
    boxes = [BOX * 3, BOX * 2]
    both = Predictor(model, batch_size=2)(images, boxes)
    assert model.batches == [2, 2, 1]
    assert [len(people) for people in both] == [3, 2]
    for people, image, given in zip(both, images, boxes, strict=True):
        alone = Predictor(Dots())(image, given)
        np.testing.assert_allclose(people.keypoints, alone.keypoints, atol=1e-4)
        np.testing.assert_allclose(people.scores, alone.scores, atol=1e-5)


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: image,
        Image.fromarray,
        lambda image: torch.from_numpy(image).permute(2, 0, 1),
        lambda image: image.astype(np.float32) / 255,
    ],
)
def test_every_kind_of_picture_gives_the_same_people(convert) -> None:
    image = picture((40, 30), (60, 70))
    expected = Predictor(Dots())(image, BOX).keypoints
    np.testing.assert_array_equal(Predictor(Dots())(convert(image), BOX).keypoints, expected)


def test_paths_are_read(tmp_path) -> None:
    Image.fromarray(picture((40, 30), (60, 70))).save(tmp_path / "dots.png")
    people = Predictor(Dots())([tmp_path / "dots.png", str(tmp_path / "dots.png")], [BOX, None])
    assert [len(one) for one in people] == [1, 1]


def test_without_boxes_the_picture_is_one_person() -> None:
    people = Predictor(Dots())(picture((40, 30), (90, 70)))
    assert people.boxes.tolist() == [[0, 0, 160, 120]]
    assert np.abs(people.keypoints[0] - [[40, 30], [90, 70]]).max() < 9  # a heatmap pixel is 17 wide here


def test_a_function_gives_the_boxes() -> None:
    seen = []

    def detect(image: np.ndarray) -> Detections:
        seen.append(image.shape)
        return Detections(torch.tensor(BOX), torch.tensor([0.5]))

    people = Predictor(Dots())([picture((40, 30), (60, 70))], detect, box_format="xywh")
    assert seen == [(120, 160, 3)]
    assert people[0].boxes.tolist() == [[20, 10, 60, 80]]  # detections are always corners
    assert people[0].person_scores[0] == pytest.approx(0.5 * people[0].scores[0].mean(), rel=1e-5)


def test_boxes_may_be_given_by_their_size() -> None:
    image = picture((40, 30), (60, 70))
    by_size = Predictor(Dots())(image, [[20, 10, 60, 80]], box_format="xywh")
    np.testing.assert_array_equal(by_size.keypoints, Predictor(Dots())(image, BOX).keypoints)


def test_keypoints_that_are_not_sure_do_not_count_in_a_persons_score() -> None:
    people = Predictor(Dots())(picture((40, 30), (130, 100)), BOX)  # the blue dot is outside the crop
    assert people.scores[0, 1] < 0.2 < people.scores[0, 0]
    assert people.person_scores[0] == people.scores[0, 0]


def test_empty_lists_give_nobody() -> None:
    predictor = Predictor(Dots())
    assert predictor([]) == []
    people = predictor(picture((40, 30), (60, 70)), [])
    assert len(people) == 0
    assert people.keypoints.shape == (0, 2, 2)
    assert people.draw().size == (160, 120)
    assert [len(one) for one in predictor([picture((40, 30), (60, 70))] * 2, [[], BOX])] == [0, 1]
    assert len(predictor(picture((40, 30), (60, 70)), lambda image: np.zeros((0, 4)))) == 0


def test_a_model_in_training_goes_back_to_its_modes() -> None:
    model = Dots()
    model.train()
    model.normal.eval()
    Predictor(model)(picture((40, 30), (60, 70)), BOX)
    assert model.training
    assert not model.normal.training


def test_half_precision_models_predict() -> None:
    config = TopDownConfig(backbone=HRNetConfig(width=4, rounds=(1,), outputs=1), num_keypoints=2, spec=SPEC)
    predictor = Predictor(TopDown(config).to(torch.bfloat16))
    assert predictor(picture((40, 30), (60, 70)), BOX).keypoints.dtype == np.float32


def test_weights_in_a_folder_are_loaded(tmp_path) -> None:
    config = TopDownConfig(backbone=HRNetConfig(width=4, rounds=(1,), outputs=1), num_keypoints=2, spec=SPEC)
    model = TopDown(config).eval()
    save_pretrained(model, tmp_path)
    image = picture((40, 30), (60, 70))
    for source in (tmp_path, str(tmp_path), f"local-dir:{tmp_path}", tmp_path / "model.safetensors"):
        predictor = Predictor(source, device="cpu")
        assert predictor.spec == SPEC
        np.testing.assert_allclose(
            predictor(image, BOX).scores, Predictor(model)(image, BOX).scores, atol=1e-6
        )


def test_a_name_that_is_nothing_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean hrnet_w32.coco_256x192"):
        Predictor("hrnet_w32.coco_256x129")
    with pytest.raises(WeightsError, match=r"weights.pth"):
        Predictor("no/such/weights.pth")


def test_a_model_without_a_spec_says_what_to_do() -> None:
    with pytest.raises(
        ConfigError, match=r"this Dots does not say how .* \(no spec\); create it by a name with"
    ):
        Predictor(Dots(None))
    assert len(Predictor(Dots(None), spec=SPEC)(picture((40, 30), (60, 70)))) == 1


def test_a_model_of_another_kind_is_refused() -> None:
    class Logits(Dots):
        def forward(self, images: Tensor) -> Tensor:
            return images

    with pytest.raises(
        ConfigError, match="the model returned Tensor, not PoseMaps; a predictor needs a pose model"
    ):
        Predictor(Logits())(picture((40, 30), (60, 70)))


def test_a_skeleton_of_another_count_is_refused() -> None:
    spec = PoseSpec(skeleton=Skeleton.generic(3), codec=SPEC.codec)
    with pytest.raises(
        ShapeError, match="the model gives 2 keypoints, and skeleton 'generic_3' has 3; give its own"
    ):
        Predictor(Dots(), spec=spec)(picture((40, 30), (60, 70)))


def test_a_model_of_other_channels_is_refused() -> None:
    grey = PoseSpec(skeleton=PAIR, codec=SPEC.codec, mean=(0.5,), std=(0.2,))
    with pytest.raises(
        ConfigError, match="the model takes 1 channels, and pictures are read as RGB; call the model"
    ):
        Predictor(Dots(grey))


def test_faulty_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size=0; give 1 or more"):
        Predictor(Dots(), batch_size=0)
    with pytest.raises(ConfigError, match=r"spec='coco' is no PoseSpec; give PoseSpec\(skeleton=..., codec="):
        Predictor(Dots(), spec="coco")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="box_format='cxcywh'; give one of xyxy, xywh"):
        Predictor(Dots())(picture((40, 30), (60, 70)), BOX, box_format="cxcywh")


def test_a_faulty_picture_is_named() -> None:
    good = picture((40, 30), (60, 70))
    bad = np.full((20, 20, 3), np.nan)
    with pytest.raises(ImageError, match="picture 1: the image holds 1200 values that are NaN"):
        Predictor(Dots())([good, bad])
    with pytest.raises(ImageError, match=r"^the image holds 1200 values that are NaN"):
        Predictor(Dots())(bad)


def test_faulty_boxes_are_named() -> None:
    good = picture((40, 30), (60, 70))
    with pytest.raises(DataError, match="box 0 of picture 1 reaches from"):
        Predictor(Dots())([good, good], [BOX, [[500, 0, 600, 50]]])
    with pytest.raises(
        ShapeError, match="2 pictures and 1 entries of boxes came; give a list with one entry a pict"
    ):
        Predictor(Dots())([good, good], [BOX])
    with pytest.raises(ShapeError, match="2 pictures and 0 entries of boxes came"):
        Predictor(Dots())([good, good], 5)  # type: ignore[call-overload]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_host() -> None:
    image = picture((40, 30), (60, 70))
    here, there = Predictor(Dots())(image, BOX), Predictor(Dots(), device="cuda")(image, BOX)
    np.testing.assert_allclose(there.keypoints, here.keypoints, atol=0.01)
