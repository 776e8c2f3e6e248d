"""The hourglass with tags looks at a picture in several sizes as the code of its authors does."""

import numpy as np
import torch
from torch import Tensor

from hrpose.codecs import AEHourglass, HourglassGrouping
from hrpose.codecs.aggregate import Pass
from hrpose.codecs.tags import TagGrouping
from hrpose.codecs.warp import crop_images
from hrpose.models import HourglassAESpec, HourglassConfig, StackedHourglass
from hrpose.predict import Predictor
from hrpose.skeletons import COCO

GROUPING = HourglassGrouping(detection_threshold=0.05, joint_order=TagGrouping.joint_order_of(COCO))
SPEC = HourglassAESpec(
    skeleton=COCO, codec=AEHourglass(input_size=64, grouping=GROUPING), mean=(0, 0, 0), std=(1, 1, 1)
)
HEIGHT, WIDTH = 40, 100


class Watched(StackedHourglass):
    """Remembers the size of what it is fed."""

    def __init__(self) -> None:
        super().__init__(
            HourglassConfig(
                num_keypoints=17, tags=17, spare=34, stacks=2, stem=(8, 8), widths=(8, 8), spec=SPEC
            )
        )
        self.sizes: list[tuple[int, ...]] = []

    def predictions(self, images: Tensor) -> tuple[Tensor, ...]:
        self.sizes.append(tuple(images.shape[2:]))
        return super().predictions(images)


def squared(picture: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The picture in the middle of a square, its long side as long as that; and the matrix (1, 2, 3)."""
    factor = side / WIDTH
    matrix = torch.tensor([[[factor, 0, 0.0], [0, factor, side / 2 - factor * HEIGHT / 2]]])
    return crop_images(picture, matrix, (side, side)).float() / 255, matrix


def test_three_sizes_and_their_mirrors_are_merged_as_in_pose_ae() -> None:
    torch.manual_seed(0)
    model = Watched().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    found = Predictor(model, flip_test=True, scales=(0.5, 1, 2))(pixels)
    assert model.sizes == [(128, 128)] * 2 + [(64, 64)] * 4  # half of 64 is rounded up to 64

    picture = torch.from_numpy(pixels).permute(2, 0, 1)
    fed = [(squared(picture, side)[0], scale) for side, scale in ((128, 2.0), (64, 1.0), (64, 0.5))]
    with torch.no_grad():
        passes = [Pass(model(images), model(images.flip(3)), scale) for images, scale in fed]
    people = SPEC.codec.decode(SPEC.codec.merge(passes, mirror_index=COCO.mirror_index))[0]
    linear, moved = squared(picture, 128)[1][0].split((2, 1), dim=1)
    points = (people.points * 4 - moved[:, 0]) / linear.diag()

    assert len(found) == len(people.points) > 0
    there = people.scores > 0
    torch.testing.assert_close(torch.from_numpy(found.keypoints)[there], points[there], atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.from_numpy(found.person_scores), people.person_scores)
