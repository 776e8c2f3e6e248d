import json
from pathlib import Path

import pytest
import torch
from torch import nn

from hrpose.cli.bench import channels, find, native_size, size_of
from hrpose.errors import ConfigError, UnknownNameError
from hrpose.hub import create_model
from tests.cli.conftest import hrpose, tiny_model

QUICK = ("--rounds", "1", "--warmup", "0", "--device", "cpu")


def test_a_checkpoint_is_timed_and_the_figures_are_written(weights: str, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "bench.json", "--plot", tmp_path / "bench.png")
    shown = hrpose(
        "bench", weights, "--mode", "eager", "--mode", "graph", "--peer", "torch.nn:Identity", *files, *QUICK
    )
    assert shown.exit_code == 0, shown.output
    assert f"**{weights}**, 64x48, batch 1, float32" in shown.output
    assert "| graph | not measured: " in shown.output
    assert "| torch.nn:Identity | " in shown.output
    read = json.loads((tmp_path / "bench.json").read_text())
    assert [row["name"] for row in read["tables"][0]["rows"]] == ["eager", "graph", "torch.nn:Identity"]
    assert read["hardware"]["device"] == "cpu"
    assert (tmp_path / "bench.png").stat().st_size > 0


def test_each_size_and_batch_has_a_table(weights: str) -> None:
    sizes = ("--size", "64x64", "--size", "32x32", "--batch", "1", "--batch", "2")
    shown = hrpose("bench", weights, "--mode", "eager", *sizes, *QUICK)
    assert shown.exit_code == 0, shown.output
    for told in ("64x64, batch 1", "64x64, batch 2", "32x32, batch 1", "32x32, batch 2"):
        assert told in shown.output


def test_random_weights_are_settled_so_that_modes_can_be_compared() -> None:
    shown = hrpose("bench", "hrnet_tiny.synthetic_128x96", "--mode", "fused", "--size", "32x32", *QUICK)
    assert shown.exit_code == 0, shown.output
    assert "| fused | " in shown.output
    assert "not measured" not in shown.output


def test_a_crowd_is_timed_from_image_to_people() -> None:
    name = "higherhrnet_w32.coco_512"
    shown = hrpose("bench", name, "--mode", "eager", "--size", "64x64", "--people", "2", *QUICK)
    assert shown.exit_code == 0, shown.output
    assert f"**{name}, from image to 2 people**, 64x64, batch 1" in shown.output


def test_threads_are_those_asked_for(weights: str) -> None:
    before = torch.get_num_threads()
    try:
        shown = hrpose("bench", weights, "--mode", "eager", "--threads", "1", *QUICK)
        assert ", threads 1," in shown.output
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("hrnet_w23",), "there is no model or file 'hrnet_w23'; did you mean hrnet_w32"),
        (("hrnet_w32", "--mode", "fusd"), "mode 'fusd' is not known; did you mean fused"),
        (("hrnet_w32", "--peer", "timm:hrnet_w33"), "timm has no 'hrnet_w33'; did you mean"),
        (("hrnet_w32", "--size", "256"), "--size '256' is no size; give HEIGHTxWIDTH, such as 256x192"),
        (("hrnet_w32", "--threads", "0"), "--threads 0; give at least 1"),
        (("hrnet_w32", "--clock", "sun"), "clock='sun' is not known; did you mean processor, wall"),
        (("hrnet_w32", "--clock", "processor", "--device", "cpu"), "give --device cpu --threads 1"),
        (("hrnet_w32", "--rounds", "0"), "rounds=0; a median needs at least 1"),
        (("hrnet_w32", "--plot", "bench.txt"), "bench.txt is no picture"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_timed(words: tuple[str, ...], text: str) -> None:
    shown = hrpose("bench", *words)
    assert shown.exit_code == 2
    assert text in shown.output
    assert "timing" not in shown.output


def test_people_need_a_network_that_finds_them(weights: str) -> None:
    shown = hrpose("bench", weights, "--mode", "eager", "--people", "3", *QUICK)
    assert shown.exit_code == 2
    assert "people are put together by a HigherHRNet with a codec" in shown.output


def test_a_trunk_is_found_without_its_head() -> None:
    trunk, trained = find("backbone:hrnet_w18_small")
    assert not trained
    assert isinstance(trunk.eval()(torch.zeros(1, 3, 32, 32)), list)
    with pytest.raises(UnknownNameError):
        find("backbone:hrnet_w19_small")


def test_a_model_has_a_size_and_channels_of_its_own() -> None:
    assert native_size(tiny_model()) == (64, 48)
    assert native_size(create_model("hrnet_w18_small")) == (256, 192)
    assert native_size(create_model("higherhrnet_w18_small")) == (512, 512)
    assert native_size(create_model("higherhrnet_w32.coco_640")) == (640, 640)
    assert channels(create_model("hrnet_w18_small", in_chans=1)) == 1
    assert channels(nn.Identity()) == 3


def test_a_size_is_height_by_width() -> None:
    assert size_of("64X48") == (64, 48)
    for text in ("64x", "axb", "0x4", "1x2x3"):
        with pytest.raises(ConfigError, match="is no size"):
            size_of(text)
