"""FitConfig refuses what has no meaning, and chooses the precision of the device."""

import json

import pytest
import torch

from hrpose.errors import ConfigError
from hrpose.train import FitConfig


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"epochs": 0}, "epochs=0; give at least 1"),
        ({"epochs": "3"}, "epochs='3'; give at least 1, a whole number"),
        ({"epochs": 1.5}, "epochs=1.5; give at least 1, a whole number"),
        ({"lr": "1e-3"}, "lr='1e-3'; a learning rate is above 0"),
        ({"weight_decay": None}, "weight_decay=None; give 0 or more"),
        ({"milestones": 0.5}, "milestones=0.5; give rising shares of the run"),
        ({"amp": "yes"}, "amp='yes'; give True, False, or None to go by the device"),
        ({"batch_size": 0}, "batch_size=0; give at least 1"),
        ({"accumulate": 0}, "accumulate=0; give at least 1"),
        ({"evaluate_every": 0}, "evaluate_every=0; give at least 1"),
        ({"warmup": -1}, "warmup=-1; give 0 or more"),
        ({"workers": -2}, "workers=-2; give 0 or more"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1; give 0 or more"),
        ({"seed": -1}, "seed=-1; give 0 or more"),
        ({"lr": 0.0}, "lr=0.0; a learning rate is above 0"),
        ({"drop": 2.0}, "drop=2.0; it is the share of the rate that is left"),
        ({"ema": 1.0}, "ema=1.0; a decay lies between 0 and 1"),
        ({"clip_grad": 0.0}, "clip_grad=0.0; give a norm above 0, or None"),
        ({"milestones": (0.9, 0.5)}, "give rising shares of the run"),
        ({"milestones": (0.5, 120)}, "give rising shares of the run"),
        ({"optimizer": "adanw"}, "optimizer='adanw' is not known; did you mean adamw"),
        ({"schedule": "cosin"}, "schedule='cosin' is not known; did you mean cosine"),
        ({"precision": "fp16"}, "precision='fp16' is not known; did you mean"),
    ],
)
def test_a_setting_without_meaning_is_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        FitConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        (FitConfig(), None),
        (FitConfig(amp=True), torch.bfloat16),
        (FitConfig(amp=True, precision="float16"), torch.float16),
        (FitConfig(amp=True, precision="float32"), None),
        (FitConfig(amp=False, precision="float16"), None),
    ],
)
def test_a_cpu_takes_half_precision_only_when_asked(config: FitConfig, dtype: torch.dtype | None) -> None:
    assert config.autocast_dtype(torch.device("cpu")) is dtype


def test_the_settings_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(FitConfig(ema=0.99).to_dict()))["ema"] == 0.99
