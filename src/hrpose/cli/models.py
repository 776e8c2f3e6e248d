"""`hrpose list`, `show` and `convert`: what models there are, and what a file holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrpose.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from hrpose.hub.card import ModelCard

SAFETENSORS = ".safetensors"


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--pretrained", is_flag=True, help="Only names with weights of their own.")
def list_command(pattern: str, pretrained: bool) -> None:
    """List the models whose names match PATTERN, such as "hrnet_w32*"."""
    from hrpose.hub import list_models
    from hrpose.hub.cards import all_cards

    names = list_models(pattern, pretrained=pretrained)
    cards = all_cards()
    wide = max((len(name) for name in names), default=0)
    for name in names:
        click.echo(f"{name:<{wide}}  {line(cards[name])}" if name in cards else name)
    click.echo(
        f"{len(names)} models" if names else f"no model matches {pattern!r}; try `hrpose list`", err=True
    )


@click.command()
@click.argument("name")
@click.option("--origin", help="Where a file comes from, if its names do not tell.")
def show(name: str, origin: str | None) -> None:
    """Tell what is known of NAME: a model with a card, or a file, folder or URL with weights."""
    from hrpose.hub.cards import all_cards
    from hrpose.hub.detect import describe

    card = all_cards().get(name)
    click.echo("\n".join(lines(card)) if card is not None else str(describe(name, origin=origin)))


@click.command()
@click.argument("source")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--origin", help="Name the weights as the code of this origin does (official, timm, ...).")
def convert(source: str, target: Path, origin: str | None) -> None:
    """Rewrite SOURCE, weights of any known origin, to TARGET.

    A folder gets config.json and model.safetensors, which hrpose loads again by `local-dir:folder`. A
    .safetensors file gets the weights alone, under our names or those of --origin.
    """
    from hrpose.hub import export_weights, from_checkpoint, save_pretrained

    if target.suffix not in ("", SAFETENSORS):
        raise ConfigError(
            f"{target} ends in {target.suffix}; give a folder or a file ending in {SAFETENSORS}"
        )
    if origin is not None and not target.suffix:
        raise ConfigError(f"names of {origin!r} need a file; give one ending in {SAFETENSORS}")
    model = from_checkpoint(source)
    if not target.suffix:
        save_pretrained(model, target)
    else:
        write(target, dict(model.state_dict()) if origin is None else export_weights(model, origin))
    click.echo(f"wrote {target}")


def write(target: Path, weights: "dict[str, Tensor]") -> None:
    """The weights as one safetensors file."""
    from safetensors.torch import save_file

    target.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, target)


def line(card: "ModelCard") -> str:
    """A card in one line: its size, and its first figure."""
    millions = f"{card.weights.num_params / 1e6:5.1f} M"
    for measured in card.measured:
        figure = measured.ours if measured.published is None else measured.published
        if figure is not None:
            return f"{millions}  {measured.what} {figure:g}"
    return millions


def lines(card: "ModelCard") -> Iterator[str]:
    """A card as it is shown."""
    from hrpose.hub.detect import summary

    yield card.name
    yield f"  model: {summary(card.config)}"
    if card.spec is not None:
        yield f"  input: {input_of(card.spec.codec.input_size)}, codec {card.spec.codec.name}"
        yield f"  keypoints: {card.spec.skeleton.num_keypoints}, {card.spec.skeleton.name}"
    yield f"  parameters: {card.weights.num_params:,}"
    yield f"  licence: {card.weights.licence}"
    yield f"  origin: {card.weights.origin}"
    yield from (f"  source: {source}" for source in card.weights.sources)
    for measured in card.measured:
        published = "-" if measured.published is None else measured.published
        ours = "" if measured.ours is None else f" (ours: {measured.ours:g})"
        yield f"  {measured.what}: {published}{ours}"
    if card.weights.notes:
        yield f"  note: {card.weights.notes}"


def input_of(size: int | tuple[int, int]) -> str:
    """The size of a codec's input: of crops both sides, of whole images one.

    >>> input_of((256, 192)), input_of(512)
    ('256 x 192 pixels (height x width)', 'whole images, 512 pixels')
    """
    if isinstance(size, int):
        return f"whole images, {size} pixels"
    return f"{size[0]} x {size[1]} pixels (height x width)"
