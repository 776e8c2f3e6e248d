"""Plan: in which order operations run, how each is cut up among threads, and where maps lie in memory."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from hrpose.deploy.native.operations import Kind, Operation, Value
from hrpose.deploy.native.weights import padded

LINE = 16  # floats of a cache line
STREAMED = 11  # to read a weight from memory takes as long as to multiply so many rows by it
TRANSFORM = 8  # additions, loads and stores for each number that a transform reads or writes
CHUNKS = 4  # for each thread, so that none waits long for another
TILES = 12  # of a chunk: what they become stays in a cache
SIDES = {Kind.WINOGRAD_2: 2, Kind.WINOGRAD_4: 4}  # results on a side of a tile


class Cut(NamedTuple):
    """How an operation is cut into chunks."""

    block: int  # pixels, tiles or rows
    panels: int  # output panels of a convolution
    chunks: int


def waves(operations: Sequence[Operation]) -> dict[Operation, int]:
    """When each can run: after all that it reads was written."""
    wave: dict[Operation, int] = {}
    for operation in operations:
        before = [wave[each] for value in operation.inputs for each in value.sources()]
        wave[operation] = 1 + max(before, default=-1)
    return wave


def tiles(operation: Operation, kind: Kind) -> int:
    """How many tiles the result has."""
    batch, _, height, width = operation.output.shape
    side = SIDES[kind]
    return batch * -(-height // side) * -(-width // side)


def best_kind(operation: Operation, lanes: int, rows: int) -> Kind:
    """The cheapest way to convolve: by products, by reading weights and by transforms.

    Where few pixels share a weight, reading it takes longest, and F(4x4, 3x3) has four times as many.
    """
    if operation.taps is None or not operation.taps.is_square_of_three:
        return operation.kind
    batch, outputs, height, width = operation.output.shape
    inputs, wide = operation.inputs[0].shape[1], padded(outputs, lanes)
    costs = {Kind.CONV: 9 * inputs * wide * (padded(batch * height * width, rows) + STREAMED)}
    for kind, side in SIDES.items():
        components, count = (side + 2) ** 2, tiles(operation, kind)
        products = inputs * wide * (padded(count, rows) + STREAMED)
        costs[kind] = components * (products + TRANSFORM * count * (padded(inputs, lanes) + wide))
    return min(costs, key=costs.__getitem__)


def cut(operation: Operation, lanes: int, rows: int, threads: int) -> Cut:
    """Chunks of some tens of microseconds, and enough of them for all threads."""
    batch, outputs, height, width = operation.output.shape
    if operation.taps is None:
        lines = batch * height
        block = max(1, lines // (CHUNKS * threads))
        return Cut(block, 0, -(-lines // block))
    panels = -(-padded(outputs, lanes) // (2 * lanes))
    if operation.kind == Kind.CONV:
        units = batch * height * width
        block = padded(min(max(4 * rows, units // (CHUNKS * threads)), 16 * rows), rows)
    else:
        units, block = tiles(operation, operation.kind), padded(TILES, rows)
    along = -(-units // block)
    share = panels if along >= 2 * threads else -(-panels // min(panels, threads))
    return Cut(block, share, along * -(-panels // share))


def scratch(operation: Operation, cut: Cut, lanes: int) -> int:
    """Floats that a thread needs beside the maps."""
    if operation.kind not in SIDES:
        return LINE
    components = (SIDES[operation.kind] + 2) ** 2
    return components * cut.block * (padded(operation.inputs[0].shape[1], lanes) + 2 * lanes) + LINE


def floats(value: Value, lanes: int) -> int:
    """Memory of a map, with room to read a vector at its last channel."""
    batch, channels, height, width = value.shape
    return padded(batch * height * width * padded(channels, lanes) + lanes, LINE)


def places(wave: dict[Operation, int], outputs: Sequence[Value], lanes: int) -> tuple[dict[Value, int], int]:
    """Where each map of its own begins, and how many floats all need: maps that do not meet share memory."""
    spans: dict[Value, list[int]] = {}
    for operation, when in wave.items():
        for value in (*operation.inputs, operation.output):
            span = spans.setdefault(value.root, [when, when])
            span[:] = min(span[0], when), max(span[1], when)
    for value in outputs:
        spans[value.root][1] = max(wave.values())
    placed: list[tuple[int, int, int, int]] = []  # first and last wave, begin and end
    found: dict[Value, int] = {}
    for value in sorted(spans, key=lambda each: -floats(each, lanes)):
        (first, last), size, begin = spans[value], floats(value, lanes), 0
        for _, _, low, high in sorted(
            (each for each in placed if each[0] <= last and first <= each[1]), key=lambda each: each[2]
        ):
            if begin + size <= low:
                break
            begin = max(begin, high)
        placed.append((first, last, begin, begin + size))
        found[value] = begin
    return found, max((end for *_, end in placed), default=0)


def work(operation: Operation, cut: Cut) -> float:
    """Roughly the products of one chunk: threads begin with the longest."""
    each = len(operation.taps.offsets) * operation.inputs[0].shape[1] if operation.taps else 1
    return math.prod(operation.output.shape) * each / cut.chunks
