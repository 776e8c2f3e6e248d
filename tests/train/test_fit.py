"""fit: it learns, it can be stopped and taken up again, and it says what is wrong."""

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hrpose.codecs import DARK, MSRA
from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.topdown import TopDownDataset
from hrpose.errors import ConfigError, DataError, TrainingError
from hrpose.hub.pretrained import from_pretrained
from hrpose.models import TopDown, TopDownConfig
from hrpose.skeletons import Skeleton
from hrpose.train import FitConfig, evaluate, fit
from hrpose.train.trainer import Trainer
from hrpose.types import PoseMaps, PoseTargets
from tests.train.conftest import SMALL, MakeData, folder_of, small_model

QUIET: dict[str, Any] = {"progress": False, "device": "cpu"}


def same_weights(a: Path, b: Path) -> bool:
    ours, theirs = load_file(a / "model.safetensors"), load_file(b / "model.safetensors")
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.slow
def test_a_few_people_are_learned_by_heart(annotated: CocoKeypoints, tmp_path: Path) -> None:
    codec = DARK(input_size=(128, 96), sigma=1.5, kernel=5)
    data = TopDownDataset(annotated.people[:3], codec, annotated.skeleton)
    wider = dataclasses.replace(SMALL, widths=(24, 48), stem_width=16)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = TopDown(TopDownConfig(backbone=wider))
    result = fit(model, data, output=tmp_path, epochs=140, batch_size=3, lr=5e-3, warmup=10, **QUIET)
    assert result.history[-1]["loss"] < 0.2 * result.history[0]["loss"]
    assert evaluate(model, data)["AP"] > 0.8


def test_the_folder_holds_weights_state_and_log(make_data: MakeData, model: TopDown, tmp_path: Path) -> None:
    result = fit(model, make_data(), make_data(), output=tmp_path, epochs=2, batch_size=4, **QUIET)
    files = ("README.md", "config.json", "model.safetensors")
    weights = {f"{part}/{file}" for part in ("best", "last") for file in files}
    assert folder_of(tmp_path) == weights | {"log.jsonl", "state.safetensors"}
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == result.history
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[1]["images_per_second"] > 0


def test_the_folders_can_be_loaded_by_from_pretrained(
    make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    result = fit(model, make_data(), output=tmp_path, epochs=1, batch_size=4, **QUIET)
    again = from_pretrained(result.last)
    images = torch.randn(1, 3, 64, 48)
    ours, theirs = (m.eval()(images).heatmaps[0] for m in (again, model))
    torch.testing.assert_close(ours, theirs)  # the memory layouts differ


def test_a_model_without_a_spec_takes_over_the_data_s(
    make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    data = make_data()
    fit(model, data, output=tmp_path, epochs=1, **QUIET)
    assert model.spec is not None
    assert (model.spec.codec, model.spec.skeleton) == (data.codec, data.skeleton)
    assert model.spec.mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_run_taken_up_again_ends_as_if_it_had_never_stopped(
    make_data: MakeData, tmp_path: Path, ema: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: dict[str, Any] = {"epochs": 4, "batch_size": 4, "warmup": 2, "ema": ema, **QUIET}
    whole = fit(small_model(), make_data(augment=TopDownAugment()), output=tmp_path / "whole", **run)

    keep = Trainer.keep

    def killed(self: Trainer, record: dict[str, float]) -> None:
        if record["epoch"] == 3:
            raise KeyboardInterrupt
        keep(self, record)

    monkeypatch.setattr(Trainer, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(small_model(), make_data(augment=TopDownAugment()), output=tmp_path / "killed", **run)
    monkeypatch.setattr(Trainer, "keep", keep)
    assert len((tmp_path / "killed/log.jsonl").read_text().splitlines()) == 2
    # another model of another seed: everything comes from the folder
    again = fit(small_model(5), make_data(augment=TopDownAugment()), output=tmp_path / "killed", **run)

    assert [r["loss"] for r in again.history] == [r["loss"] for r in whole.history]
    assert [r["lr"] for r in again.history] == [r["lr"] for r in whole.history]
    assert same_weights(again.last, whole.last)
    assert same_weights(again.best, whole.best)


def test_a_finished_run_is_not_run_again(make_data: MakeData, model: TopDown, tmp_path: Path) -> None:
    first = fit(model, make_data(), output=tmp_path, epochs=2, **QUIET)
    again = fit(model, make_data(), output=tmp_path, epochs=2, **QUIET)
    assert again.history == first.history
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_resume_false_begins_again(make_data: MakeData, tmp_path: Path) -> None:
    for _ in range(2):
        result = fit(small_model(), make_data(), output=tmp_path, epochs=1, resume=False, **QUIET)
    assert len(result.history) == len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_the_seed_decides_the_run(make_data: MakeData, tmp_path: Path) -> None:
    losses = [
        fit(
            small_model(), make_data(), output=tmp_path / str(k), epochs=1, batch_size=2, seed=s, **QUIET
        ).history[0]["loss"]
        for k, s in enumerate((3, 3, 4))
    ]
    assert losses[0] == losses[1] != losses[2]


def test_the_caller_s_random_numbers_stay_as_they_were(
    make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    before = torch.random.get_rng_state()
    fit(model, make_data(), output=tmp_path, epochs=1, **QUIET)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_accumulated_batches_make_one_step(make_data: MakeData, tmp_path: Path) -> None:
    """Without batch statistics two halves give the gradient of the whole."""
    runs = []
    for name, batch_size, accumulate in (("whole", 6, 1), ("halves", 3, 2)):
        model = small_model()
        model.backbone.freeze(("stem", "stage1", "stage2"))
        fit(
            model, make_data(6), output=tmp_path / name, epochs=1, batch_size=batch_size,
            accumulate=accumulate, optimizer="sgd", **QUIET,
        )  # fmt: skip
        runs.append(model.state_dict())
    assert all(torch.allclose(runs[0][k], runs[1][k], atol=1e-7) for k in runs[0])


def test_gradient_checkpointing_changes_memory_not_results(make_data: MakeData, tmp_path: Path) -> None:
    results = [
        fit(small_model(), make_data(), output=tmp_path / str(on), epochs=1, grad_checkpointing=on, **QUIET)
        for on in (False, True)
    ]
    assert results[0].history[0]["loss"] == pytest.approx(results[1].history[0]["loss"], rel=1e-6)


def test_half_precision_learns_too(make_data: MakeData, tmp_path: Path) -> None:
    result = fit(small_model(), make_data(), output=tmp_path, epochs=3, lr=5e-3, amp=True, **QUIET)
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert load_file(result.last / "model.safetensors")["head.conv.weight"].dtype == torch.float32


def test_only_every_nth_epoch_and_the_last_are_evaluated(
    make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    result = fit(model, make_data(), make_data(), output=tmp_path, epochs=5, evaluate_every=2, **QUIET)
    assert ["AP" in record for record in result.history] == [False, True, False, True, True]


def test_progress_is_told_when_asked_for(
    make_data: MakeData, model: TopDown, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(model, make_data(), make_data(), output=tmp_path, epochs=1, device="cpu")
    told = capsys.readouterr()
    assert "epoch 1: loss" in told.out
    assert "epoch 1/1" in told.err


class Broken(TopDown):
    def loss(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        return {"heatmaps": maps.heatmaps[0].sum() * float("nan")}


def test_a_loss_that_is_no_number_names_its_batch(make_data: MakeData, tmp_path: Path) -> None:
    model = Broken(small_model().config)
    with pytest.raises(
        TrainingError, match=r"loss is nan in epoch 1, batch 0 \(annotation ids \d+.*lower lr"
    ):
        fit(model, make_data(), output=tmp_path, epochs=1, **QUIET)
    assert folder_of(tmp_path) == set()


def test_an_empty_data_set_is_refused(make_data: MakeData, model: TopDown, tmp_path: Path) -> None:
    data = make_data()
    data.people = []
    with pytest.raises(DataError, match="the training data is empty; give at least one person"):
        fit(model, data, output=tmp_path, **QUIET)


def test_another_number_of_keypoints_is_refused(make_data: MakeData, tmp_path: Path) -> None:
    text = r"the 17 keypoints of 'coco', but the model 5; create the model with skeleton= or num_keypoints=17"
    with pytest.raises(ConfigError, match=text):
        fit(small_model(num_keypoints=5), make_data(), output=tmp_path, **QUIET)


def test_another_codec_than_the_model_s_is_refused(
    annotated: CocoKeypoints, make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    fit(model, make_data(), output=tmp_path / "a", epochs=1, **QUIET)
    other = TopDownDataset(annotated.people, MSRA(input_size=(64, 48)), annotated.skeleton)
    with pytest.raises(
        ConfigError, match=r"is encoded by MSRA, but .* says \w+; build the data with model.spec.codec"
    ):
        fit(model, other, output=tmp_path / "b", epochs=1, **QUIET)
    wider = DARK(input_size=(64, 48), sigma=1.5, kernel=3)
    other = TopDownDataset(annotated.people, wider, annotated.skeleton)
    with pytest.raises(ConfigError, match=r"by \w+\(sigma=1.5\), but the model's spec says \w+\(sigma=1.0\)"):
        fit(model, other, output=tmp_path / "b", epochs=1, **QUIET)


def test_other_keypoint_names_than_the_model_s_are_refused(
    annotated: CocoKeypoints, make_data: MakeData, model: TopDown, tmp_path: Path
) -> None:
    data = make_data()
    fit(model, data, output=tmp_path / "a", epochs=1, **QUIET)
    other = TopDownDataset(annotated.people, data.codec, Skeleton.generic(17))
    text = r"names its keypoints 'generic_17', but the model's spec 'coco'; .* read .* with skeleton='coco'"
    with pytest.raises(ConfigError, match=text):
        fit(model, other, output=tmp_path / "b", epochs=1, **QUIET)


def test_what_is_no_pose_network_is_refused(make_data: MakeData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Linear is no pose network; give a model with loss"):
        fit(torch.nn.Linear(1, 1), make_data(), output=tmp_path, **QUIET)  # type: ignore[arg-type]


def test_a_folder_of_another_run_is_refused(make_data: MakeData, tmp_path: Path) -> None:
    fit(small_model(), make_data(), output=tmp_path, epochs=1, **QUIET)
    with pytest.raises(
        TrainingError, match=r"run with lr=0.001, but this one has 0.1; give the same settings"
    ):
        fit(small_model(), make_data(), output=tmp_path, epochs=1, lr=0.1, **QUIET)


def test_the_state_of_another_model_is_refused(make_data: MakeData, tmp_path: Path) -> None:
    fit(small_model(), make_data(), output=tmp_path, epochs=1, **QUIET)
    config = small_model().config
    wider = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, stem_width=12))
    with pytest.raises(
        TrainingError,
        match=r"another model: backbone.* has the shape .* there and .* here; give another output",
    ):
        fit(TopDown(wider), make_data(), output=tmp_path, epochs=1, **QUIET)


def test_a_damaged_state_is_refused(make_data: MakeData, tmp_path: Path) -> None:
    fit(small_model(), make_data(), output=tmp_path, epochs=1, **QUIET)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"cannot be read .*delete it to begin again"):
        fit(small_model(), make_data(), output=tmp_path, epochs=1, **QUIET)


def test_fit_and_its_config_have_the_same_settings_and_defaults() -> None:
    """They are spelled out twice, so that an editor completes them and a checker reads them."""
    given = {name: p.default for name, p in inspect.signature(fit).parameters.items()}
    for field in dataclasses.fields(FitConfig):
        assert given[field.name] == field.default


def test_evaluating_needs_data_that_fit(make_data: MakeData) -> None:
    with pytest.raises(ConfigError, match="the data to evaluate on has the 17 keypoints"):
        evaluate(small_model(num_keypoints=3), make_data())


def test_scaled_losses_learn_and_are_taken_up_again(make_data: MakeData, tmp_path: Path) -> None:
    """float16 needs its loss scaled; the scale is part of what a run is taken up with."""
    run: dict[str, Any] = {"amp": True, "precision": "float16", "clip_grad": 1.0, "batch_size": 3, **QUIET}
    result = fit(small_model(), make_data(), output=tmp_path, epochs=3, lr=5e-3, **run)
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    again = fit(small_model(), make_data(), output=tmp_path, epochs=3, lr=5e-3, **run)
    assert again.history == result.history
