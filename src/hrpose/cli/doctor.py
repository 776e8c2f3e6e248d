"""`hrpose doctor`: what is installed, what the machine has, and whether the bundled weights load."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import click

from hrpose.errors import HRPoseError

BUNDLED = "hrnet_tiny.synthetic_128x96"
BUNDLED_CROWD = "higherhrnet_tiny.synthetic_384"
NEEDED = ("torch", "timm", "numpy", "huggingface_hub", "safetensors", "scipy", "pillow", "tqdm", "click")
OPTIONAL = {  # package -> the extra that brings it
    "accelerate": "train",
    "tensorboard": "train",
    "faster-coco-eval": "eval",
    "supervision": "viz",
    "matplotlib": "viz",
    "torchvision": "",
}
HUB_FLAGS = ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "HRPOSE_CACHE")
FLAGS = (*HUB_FLAGS, "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")


@click.command()
def doctor() -> None:
    """Check this installation: versions, devices, cache folders, offline flags, bundled weights.

    Opens no connection. Ends with exit code 2 if the bundled weights do not load.
    """
    for title, lines in (
        ("versions", versions()),
        ("devices", devices()),
        ("caches", caches()),
        ("environment", environment()),
    ):
        click.secho(title, bold=True)
        for name, text in lines:
            click.echo(f"  {name:<18} {text}")
    click.secho("bundled weights", bold=True)
    for name in (BUNDLED, BUNDLED_CROWD):
        click.echo(f"  {name}: {bundled_weights(name)}")


def versions() -> Iterator[tuple[str, str]]:
    """Python, hrpose and what it builds on."""
    yield "python", f"{platform.python_version()} on {platform.platform()}"
    for name in ("hrpose", *NEEDED):
        yield name, _version(name) or "missing: python -m pip install hrpose"
    for name, extra in OPTIONAL.items():
        advice = f'python -m pip install "hrpose[{extra}]"' if extra else f"python -m pip install {name}"
        yield name, _version(name) or f"not installed (optional: {advice})"


def devices() -> Iterator[tuple[str, str]]:
    """What PyTorch can compute on."""
    import torch

    yield "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        yield "cuda", "none that PyTorch can use"
    for number in range(torch.cuda.device_count()):
        seen = torch.cuda.get_device_properties(number)
        yield f"cuda:{number}", f"{seen.name}, {seen.total_memory / 2**30:.0f} GiB"


def caches() -> Iterator[tuple[str, str]]:
    """Where downloads are kept."""
    from huggingface_hub import constants

    from hrpose.hub.download import cache_folder

    for name, folder in (
        ("files from URLs", cache_folder()),
        ("files of the Hub", Path(constants.HF_HUB_CACHE)),
    ):
        yield name, f"{folder}{'' if folder.exists() else ' (not made yet)'}"


def environment() -> Iterator[tuple[str, str]]:
    """The variables that change what hrpose does."""
    for name in FLAGS:
        yield name, os.environ.get(name, "not set")


def bundled_weights(name: str) -> str:
    """Load them through the loader of all weights, and run the model once.

    Raises: HRPoseError if they do not load.
    """
    import torch

    from hrpose.hub import create_model

    model = create_model(name, pretrained=True).eval()
    with torch.inference_mode():
        maps = model(torch.zeros(1, 3, 128, 96)).heatmaps[-1]
    if not maps.isfinite().all():
        raise HRPoseError(f"{name} loads, but gives values that are not finite; install hrpose again")
    return f"load and run, {sum(weight.numel() for weight in model.parameters()):,} parameters"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
