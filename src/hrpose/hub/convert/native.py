"""Our own names: nothing to rename."""

from collections.abc import Mapping

from torch import Tensor

from hrpose.hub.convert.engine import Converted, Origin


class Native(Origin):
    """An origin whose names are ours."""

    def import_weights(self, theirs: Mapping[str, Tensor]) -> Converted:
        """The same names; those of a bare trunk move behind `backbone.`."""
        prefix = "backbone." if self.kind == "trunk" else ""
        return Converted(weights={prefix + name: w for name, w in theirs.items()})

    def export_weights(self, ours: Mapping[str, Tensor]) -> Converted:
        """The same names; those of a bare trunk come out from behind `backbone.`."""
        prefix = "backbone." if self.kind == "trunk" else ""
        return Converted(weights={name.removeprefix(prefix): w for name, w in ours.items()})


NATIVE = Native(name="hrpose", title="hrpose", kind="any", rules=(), tells=("backbone.stem.0.weight",))
NATIVE_TRUNK = Native(
    name="hrpose_trunk", title="hrpose backbone", kind="trunk", rules=(), tells=("stem.0.weight",)
)
NATIVE_HOURGLASS = Native(
    name="hrpose_hourglass",
    title="hrpose stacked hourglass",
    kind="hourglass",
    rules=(),
    tells=("stacks.0.predict.weight",),
)
