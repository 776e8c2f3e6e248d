"""optimize: a network -> the fastest form of it that its device can run."""

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.codecs.topdown import TopDownCodec
from hrpose.deploy.backends import BACKENDS
from hrpose.deploy.buckets import Buckets
from hrpose.deploy.fuse import fuse
from hrpose.deploy.guards import check_evaluating, check_input
from hrpose.deploy.job import Job
from hrpose.deploy.lacks import lacks_dtype
from hrpose.deploy.optimized import TOLERANCE, Choice, Optimized, difference, plainly
from hrpose.deploy.results import Result, Runner
from hrpose.deploy.timing import Plan, take_turns
from hrpose.errors import ConfigError, ShapeError, UnknownNameError, nearest

BackendName: TypeAlias = Literal["auto", "eager", "compile", "graph", "native", "onnxruntime", "openvino"]
ON_CPU = Buckets(sizes=(1, 8))  # each takes a minute to compile, and more images at once gain little
ON_CUDA = Buckets(waste=1.0)  # to start kernels costs more than to compute with zeros
RUNNERS = ("openvino", "onnxruntime")  # on a CPU, in an order that differs by processor
BY_SHAPE = ("compile", "graph", "native")  # made ready for buckets and image sizes
# threads of the one before go on waiting for work a while, and would be in the way of the next
TURNS = Plan(rounds=5, warmup=1, lead=1, rest=0.02)


def optimize(
    model: nn.Module,
    example: Tensor,
    *,
    backend: BackendName = "auto",
    dtype: torch.dtype | None = None,
    buckets: Buckets | None = None,
    most_sizes: int = 4,
) -> Optimized:
    """Make a network fast on the device it is on; what comes out is called as before.

    It is fused (see `fuse`), laid out channels last, handed to a backend, and compared with the original on
    the example before it is returned. "auto" takes:

    - on a CPU, for a top-down model of crops, the fastest of "native", "openvino" and "onnxruntime", as far
      as they can run here, after five runs of each;
    - on a CPU for all others, whose images may come in any size, the faster of "openvino" and "onnxruntime",
      which are made ready once for all sizes; if neither is installed, "native";
    - on CUDA "graph";
    - "eager" where none of these can run.

    `.choice` of the result tells what was taken, and what became of the others.

    What it costs (figures: docs/deploy.md): "eager" little; "openvino" and "onnxruntime" the export of the
    network, once; "compile" and "native" a compilation, long and short, for each bucket and image size when
    it first comes; "graph" a recording for each. The weights are held twice, by the original and by the
    fused network, and once more by a backend that packs them its own way.

    Args:
        model: any pose model, classifier, segmenter or backbone, in evaluation mode.
        example: images (N, C, H, W), on the model's device, in its dtype, of the size that will come most.
        backend: "eager" the fused network as it is; "compile" torch.compile with frozen weights; "graph"
            CUDA graphs with the branches on parallel streams; "native" the kernels of `hrpose.deploy.native`,
            with the branches side by side and fewer multiplications; "onnxruntime"; "openvino", which fuse by
            themselves, and get the network as it came.
        dtype: what it computes in; results keep the dtype of the model. None: float16 on CUDA, else that of
            the model.
        buckets: batch sizes that "compile", "graph" and "native" make ready for; None: 1 and 8 on a CPU, 1 to
            64 in powers of 2 on CUDA. Any batch works, see `Buckets`; the others take it as it is.
        most_sizes: (height, width) that these make ready for, first come first; images of
            any other size go through the fused network as it is, so that sizes may vary without end.
    Raises: ConfigError for training mode, for a backend or dtype that the device lacks, with what to do
        about it, and for one that gives other numbers than the original; UnknownNameError for another
        backend; ShapeError for an example that is no batch of images; MissingExtraError as `export_onnx`.

    >>> from hrpose import HRNetConfig, TopDown, TopDownConfig
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, outputs=1)
    >>> model = TopDown(TopDownConfig(backbone=small, num_keypoints=5)).eval()
    >>> fast = optimize(model, torch.randn(1, 3, 64, 48), backend="eager")
    >>> fast.choice.backend, fast(torch.randn(3, 3, 64, 48)).heatmaps[0].shape
    ('eager', torch.Size([3, 5, 16, 12]))
    """
    start = time.perf_counter()
    check_model(model, example)
    with plainly(example.device), tempfile.TemporaryDirectory() as folder:
        expected = model(example)
        job = make_job(model, example, dtype, buckets, most_sizes, Path(folder))
        name, run, tried = choose(backend, job, expected)
    taken = Choice(
        backend=name,
        dtype=job.dtype,
        device=job.device,
        buckets=job.buckets if name in BY_SHAPE else None,
        seconds=time.perf_counter() - start,
        weight_bytes=sum(each.nbytes for each in job.network.state_dict().values()),
        tried=tried,
    )
    return Optimized(model, run, example, taken)


def check_model(model: Any, example: Any) -> None:
    """Raise ConfigError or ShapeError unless the example fits a network that can be optimised."""
    if isinstance(model, Optimized):
        raise ConfigError("the network is optimised already; give the original, .model, to do it otherwise")
    if not isinstance(model, nn.Module):
        raise ConfigError(f"model is a {type(model).__name__}; give a network, as hrpose.create_model makes")
    check_evaluating(model)
    weight = next(model.parameters(), None)
    if weight is None:
        raise ConfigError("the model has no weights, so there is nothing to make fast; call it as it is")
    channels = example.shape[1] if isinstance(example, Tensor) and example.dim() == 4 else 3
    check_input(example, channels=channels, dtype=weight.dtype, device=weight.device)
    if not len(example):
        raise ShapeError(f"the example is {tuple(example.shape)}, without an image; give one at least")


def make_job(
    model: nn.Module,
    example: Tensor,
    dtype: torch.dtype | None,
    buckets: Buckets | None,
    most_sizes: int,
    folder: Path,
) -> Job:
    """The fused network and what it is to run on.

    Raises: ConfigError for a dtype that the device lacks.
    """
    on_cuda = example.is_cuda
    dtype = dtype or (torch.float16 if on_cuda else example.dtype)
    lacking = lacks_dtype(dtype, example.device)
    if lacking:
        raise ConfigError(f"dtype={dtype}, but {lacking}")
    network = fuse(model).eval().to(dtype).to(memory_format=torch.channels_last)
    settings = buckets or (ON_CUDA if on_cuda else ON_CPU)
    return Job(
        original=model,
        network=network,
        example=example,
        dtype=dtype,
        buckets=settings,
        most_sizes=most_sizes,
        one_size=takes_crops_of(model, example),
        folder=folder,
    )


def takes_crops_of(model: nn.Module, example: Tensor) -> bool:
    """Whether the model reads crops, which are all of the size of the example."""
    codec = getattr(getattr(model, "spec", None), "codec", None)
    return isinstance(codec, TopDownCodec) and tuple(example.shape[2:]) == codec.input_size


def choose(backend: str, job: Job, expected: Result) -> tuple[str, Runner, dict[str, str]]:
    """The name of a backend, what it made, and for "auto" what became of those that it considered.

    Raises: ConfigError if the backend that was asked for cannot run this, or cannot run here.
    """
    if backend == "auto":
        return automatic(job, expected)
    if backend not in BACKENDS:
        raise UnknownNameError(f"backend={backend!r} is not known; {nearest(backend, ['auto', *BACKENDS])}")
    lacking = BACKENDS[backend].lacks(job)
    if lacking:
        raise ConfigError(f"backend={backend!r}: {lacking}")
    return backend, make(backend, job, expected), {}


def make(backend: str, job: Job, expected: Result) -> Runner:
    """A backend that gives what the original gave for the example.

    Raises: ConfigError if it fails or gives other numbers.
    """
    try:
        run = BACKENDS[backend].run(job)
        result = run(job.example)
    except Exception as error:
        came = f"backend={backend!r} failed on this network: {type(error).__name__}: {error}"
        raise ConfigError(f"{came}; take another backend, or 'auto'") from error
    found = difference(result, expected)
    if not found <= TOLERANCE[job.dtype]:
        needed = f"at most {TOLERANCE[job.dtype]:.0e} is right in {job.dtype}"
        raise ConfigError(
            f"backend={backend!r} is off by {found:.1e} of the largest value on the example, and {needed}; "
            "take another backend or dtype, and look for NaN in weights and example"
        )
    return run


def automatic(job: Job, expected: Result) -> tuple[str, Runner, dict[str, str]]:
    """As `choose`, by the rule of `optimize`."""
    tried: dict[str, str] = {}
    compared: dict[str, Runner] = {}
    if job.device.type == "cpu":
        compared = attempt(("native", *RUNNERS) if job.one_size else RUNNERS, job, expected, tried)
        if not compared and not job.one_size:
            compared = attempt(("native",), job, expected, tried)
    if compared:
        times = interleaved(compared, job.example)
        tried |= {name: f"{seconds * 1e3:.1f} ms" for name, seconds in times.items()}
        fastest = min(times, key=times.__getitem__)
        return fastest, compared[fastest], tried
    made = attempt(("graph",), job, expected, tried) if job.device.type == "cuda" else {}
    for name, run in made.items():
        return name, run, tried
    return "eager", make("eager", job, expected), tried


def attempt(names: Sequence[str], job: Job, expected: Result, tried: dict[str, str]) -> dict[str, Runner]:
    """Those of the backends that can run this; why the others cannot is noted in `tried`."""
    made: dict[str, Runner] = {}
    for name in names:
        lacking = BACKENDS[name].lacks(job)
        try:
            if not lacking:
                made[name] = make(name, job, expected)
        except ConfigError as error:
            lacking = str(error)
        if lacking:
            tried[name] = lacking
    return made


def interleaved(runs: dict[str, Runner], images: Tensor) -> dict[str, float]:
    """The median of a few runs of each, in turn; in seconds. For a CPU, which returns when it is done."""
    timed = take_turns({name: partial(run, images) for name, run in runs.items()}, TURNS)
    return {name: timing.median for name, timing in timed.items()}
