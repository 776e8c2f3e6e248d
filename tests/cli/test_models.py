from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import hrpose, tiny_model


def test_names_are_listed_with_sizes_and_figures() -> None:
    shown = hrpose("list", "hrnet_w32.coco_256x192*", "--pretrained")
    assert shown.exit_code == 0
    first = next(line for line in shown.output.splitlines() if line.startswith("hrnet_w32.coco_256x192 "))
    assert "28.5 M" in first
    assert "AP" in first


def test_a_pattern_that_matches_nothing_says_so() -> None:
    shown = hrpose("list", "hrnet_w99*")
    assert shown.exit_code == 0
    assert "no model matches 'hrnet_w99*'; try `hrpose list`" in shown.output


def test_a_card_is_shown() -> None:
    shown = hrpose("show", "hrnet_w32.coco_256x192").output
    for text in ("TopDown hrnet_w32", "256 x 192", "17, coco", "28,536,113", "licence:", "source:", "AP"):
        assert text in shown


def test_a_checkpoint_is_described(weights: str) -> None:
    shown = hrpose("show", weights)
    assert shown.exit_code == 0, shown.output
    assert "17 keypoints" in shown.output
    assert "parameters:" in shown.output


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    shown = hrpose("show", "hrnet_w23.coco_256x192")
    assert shown.exit_code == 2
    assert "did you mean hrnet_w" in shown.output


def test_a_checkpoint_becomes_a_folder_and_a_file(weights: str, tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "sub" / "weights.safetensors"
    assert hrpose("convert", weights, folder).exit_code == 0
    assert (folder / "config.json").is_file()
    shown = hrpose("convert", f"local-dir:{folder}", file)
    assert shown.output == f"wrote {file}\n"
    original = tiny_model().state_dict()
    rewritten = load_file(file)
    assert rewritten.keys() == original.keys()
    assert all(torch.equal(rewritten[name], original[name]) for name in original)


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        ("weights.pth", (), "weights.pth ends in .pth; give a folder or a file ending in .safetensors"),
        (
            "folder",
            ("--origin", "official"),
            "names of 'official' need a file; give one ending in .safetensors",
        ),
    ],
)
def test_a_target_of_another_kind_is_refused(
    weights: str, tmp_path: Path, target: str, options: tuple[str, ...], text: str
) -> None:
    shown = hrpose("convert", weights, tmp_path / target, *options)
    assert shown.exit_code == 2
    assert text in shown.output
