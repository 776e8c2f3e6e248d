"""Export a model, run it in ONNX Runtime and OpenVINO, and time them in turns beside the model itself.

    python run_exported.py                       W32, 256 x 192, one image, 2 threads: minutes
    python run_exported.py --quick               a tiny model: seconds

Needs: pip install "hrpose[onnx,openvino]"
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hrpose import create_model
from hrpose.deploy import OnnxRunner, OpenVinoRunner, export_onnx

TINY = "hrnet_tiny.synthetic_128x96"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a model beside its exports.")
    parser.add_argument(
        "--model", default="hrnet_w32.coco_256x192", help="with random weights: speed is the same"
    )
    parser.add_argument("--threads", type=int, help="2, or 1 with --quick, if not given")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="a tiny model, fused only, and three rounds")
    given = parser.parse_args()
    threads = given.threads or (1 if given.quick else 2)
    torch.set_num_threads(threads)
    model = create_model(TINY if given.quick else given.model).eval()
    images = torch.randn(1, 3, *model.spec.codec.input_size)
    with tempfile.TemporaryDirectory() as folder:
        ways = made(model, Path(folder), threads, fused_only=given.quick)
    for name, seconds in timed(ways, images, 3 if given.quick else given.rounds).items():
        print(f"{name:<24} {1000 * statistics.median(seconds):8.1f} ms")


def made(model: Any, folder: Path, threads: int, *, fused_only: bool) -> dict[str, Callable[..., Any]]:
    """The ways to run the model: as it is, and exported, unfused and fused, in two runtimes."""
    ways: dict[str, Callable[..., Any]] = {"eager": model}
    for fuse in (True,) if fused_only else (False, True):
        file = folder / "model.onnx"
        print(export_onnx(model, file, fuse=fuse))
        form = "fused" if fuse else "unfused"
        ways[f"onnxruntime, {form}"] = OnnxRunner(file, threads=threads)
        ways[f"openvino, {form}"] = OpenVinoRunner(file, threads=threads)
    return ways


def timed(ways: dict[str, Callable[..., Any]], images: Any, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round; each has its turn in every round, after two that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for _ in range(rounds + 2):
            for name, run in ways.items():
                start = time.perf_counter()
                run(images)
                seconds[name].append(time.perf_counter() - start)
    return {name: each[2:] for name, each in seconds.items()}


if __name__ == "__main__":
    main()
