"""simplify: fewer operations with the same result."""

from hrpose.deploy.native.library import MOST_INPUTS
from hrpose.deploy.native.operations import Kind, Operation, Value, readers
from hrpose.deploy.native.straight import Straight


def simplify(straight: Straight, lanes: int) -> None:
    """Sums become one, then part of the convolution before; maps that are put together are written there."""
    flatten_sums(straight)
    absorb_sums(straight)
    place_side_by_side(straight, lanes)


def taken_whole(straight: Straight) -> dict[Value, Operation]:
    """Values that one operation reads and nothing else needs, and which."""
    touched = [each for operation in straight.operations for each in (*operation.inputs, operation.output)]
    parted = {base for each in (*touched, *straight.outputs) for base in each.bases()}
    read = readers(straight.operations)
    kept = {*straight.outputs, *parted}
    return {value: by[0] for value, by in read.items() if len(by) == 1 and value not in kept}


def flatten_sums(straight: Straight) -> None:
    """A sum of sums is one sum, unless there was a ReLU between, or a change of size."""
    only = taken_whole(straight)
    left = []
    for operation in straight.operations:
        outer = only.get(operation.output)
        inlined = (
            is_sum(operation)
            and not operation.relu
            and outer is not None
            and is_sum(outer)
            and operation.output.shape == outer.output.shape
            and len(outer.inputs) + len(operation.inputs) - 1 <= MOST_INPUTS
        )
        if inlined and outer is not None:
            place = outer.inputs.index(operation.output)
            outer.inputs[place : place + 1] = operation.inputs
            only |= dict.fromkeys((each for each in operation.inputs if only.get(each) is operation), outer)
        else:
            left.append(operation)
    straight.operations = left


def absorb_sums(straight: Straight) -> None:
    """A sum of a convolution and at most one other map of its size, or its ReLU, is done as it is written."""
    only = taken_whole(straight)
    left: list[Operation] = []
    for operation in straight.operations:
        convs = [
            each.writer
            for each in operation.inputs
            if is_plain_conv(each.writer) and only.get(each) is operation
        ]
        fits = all(each.shape == operation.output.shape for each in operation.inputs)
        if is_sum(operation) and len(operation.inputs) <= 2 and fits and convs and convs[-1] is not None:
            conv = convs[-1]
            conv.inputs += [each for each in operation.inputs if each is not conv.output]
            conv.output, conv.relu = operation.output, operation.relu
            conv.output.writer = conv
            left = [each for each in left if each is not conv]  # it is done when both are there
            operation = conv
        left.append(operation)
    straight.operations = left


def place_side_by_side(straight: Straight, lanes: int) -> None:
    """Maps that are put together are written where they go, or copied there."""
    left = []
    for operation in straight.operations:
        piece, whole = operation.output, operation.output.base
        if operation.kind != Kind.COPY or not operation.inputs or whole is None:
            left.append(operation)
            continue
        (value,) = operation.inputs
        last = piece.channel + piece.shape[1] == whole.shape[1]
        whole_vectors = piece.channel % lanes == 0 and (piece.shape[1] % lanes == 0 or last)
        free = value.base is None and value.writer is not None and value not in straight.outputs
        if whole_vectors and free:
            value.base, value.channel = whole, piece.channel
            whole.pieces[whole.pieces.index(piece)] = value
        else:
            operation.kind = Kind.SUM if whole_vectors else Kind.COPY
            left.append(operation)
    straight.operations = left


def is_sum(operation: Operation) -> bool:
    """Whether it adds maps."""
    return operation.kind == Kind.SUM


def is_plain_conv(operation: Operation | None) -> bool:
    """Whether it is a convolution that has nothing added yet and no ReLU."""
    return (
        operation is not None
        and operation.kind == Kind.CONV
        and len(operation.inputs) == 1
        and not operation.relu
    )
