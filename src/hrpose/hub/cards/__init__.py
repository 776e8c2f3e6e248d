"""Model cards: data only, one file for each source of weights."""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from hrpose.errors import ConfigError, UnknownNameError, nearest
from hrpose.hub.card import ModelCard


@cache
def all_cards() -> dict[str, ModelCard]:
    """Every card by its name: the sum of the files here, which are read when they are first needed.

    Raises: ConfigError if two cards have one name.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return by_name(card for module in modules for card in getattr(module, "CARDS", ()))


def by_name(cards: Iterable[ModelCard]) -> dict[str, ModelCard]:
    """Cards under their names.

    Raises: ConfigError if two have the same.
    """
    found: dict[str, ModelCard] = {}
    for card in cards:
        if card.name in found:
            raise ConfigError(f"two cards are called {card.name!r}; give one of them another tag")
        found[card.name] = card
    return found


def find_card(name: str) -> ModelCard:
    """The card called `name`.

    >>> find_card("hrnet_w32.coco_256x192").weights.num_params
    28536113

    Raises: UnknownNameError, with the nearest names.
    """
    if name not in all_cards():
        raise UnknownNameError(f"there are no weights called {name!r}; {nearest_cards(name)}")
    return all_cards()[name]


def nearest_cards(name: str) -> str:
    """The end of an error text: the cards of an architecture, or else those most like `name`.

    >>> nearest_cards("hrnetv2_w32")
    'did you mean hrnetv2_w32.openmmlab_in1k?'
    """
    tagged = [card for card in all_cards() if card.startswith(f"{name}.")]
    return nearest(name, tagged or all_cards())
