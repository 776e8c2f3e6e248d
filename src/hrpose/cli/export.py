"""`hrpose export`: a model as one file that runs without its code, compared with the model first."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrpose.cli.bench import size_of
from hrpose.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

WRITERS = {".onnx": "export_onnx", ".pt2": "export_program"}  # of hrpose.deploy


@click.command()
@click.argument("model")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--size", help="HEIGHTxWIDTH of the images; that of the codec if not given.")
@click.option("--fixed-size", is_flag=True, help="Leave the batch open, but neither height nor width.")
@click.option("--decode", is_flag=True, help="Give points, or peaks of a bottom-up model, not maps alone.")
@click.option("--fuse", is_flag=True, help="Export the network with less to do: see hrpose.deploy.fuse.")
@click.option("--tolerance", type=float, help="Of the comparison, as part of an output's largest value.")
def export(
    model: str,
    output: Path,
    size: str | None,
    fixed_size: bool,
    decode: bool,
    fuse: bool,
    tolerance: float | None,
) -> None:
    """Export MODEL, a name or a checkpoint, to OUTPUT, a file ending in .onnx or .pt2.

    What is written is run on images of several shapes and compared with the model; where they differ, no
    file is left behind.
    """
    from hrpose import deploy

    if output.suffix not in WRITERS:
        fix = f"give a file ending in {' or '.join(WRITERS)}; `hrpose convert` writes weights"
        raise ConfigError(f"{output} ends in {output.suffix!r}, which is no graph; {fix}")
    network = load(model)
    settings: dict[str, Any] = {"dynamic": "batch" if fixed_size else True, "decode": decode, "fuse": fuse}
    if tolerance is not None:
        settings["tolerance"] = tolerance
    click.echo(getattr(deploy, WRITERS[output.suffix])(network, output, example(network, size), **settings))


def load(source: str) -> "nn.Module":
    """A model with its weights: by name as the card says, else as the weights themselves tell."""
    from hrpose.hub import create_model, from_checkpoint, list_models

    named = source in list_models()
    model: nn.Module = create_model(source, pretrained=True) if named else from_checkpoint(source)
    return model.eval()


def example(model: "nn.Module", size: str | None) -> "Tensor | None":
    """Images of that size; None leaves it to the codec."""
    import torch

    from hrpose.deploy.tracing import in_chans

    return None if size is None else torch.zeros(2, in_chans(model), *size_of(size))
