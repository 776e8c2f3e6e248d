"""What a figure was measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

import torch

RUNNERS = ("onnxruntime", "openvino", "timm")


def hardware(device: torch.device) -> dict[str, str]:
    """Processor, device and versions, as they stand beside a table.

    >>> list(hardware(torch.device("cpu")))[:3]
    ['device', 'processor', 'cores']
    """
    found = {
        "device": device.type if device.type == "cpu" else device_name(device),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    for name in RUNNERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def processor(listing: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor: Linux writes it in a listing, others tell Python."""
    if listing.is_file():
        for line in listing.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """The name of an accelerator."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(device)
