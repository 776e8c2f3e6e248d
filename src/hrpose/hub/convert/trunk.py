"""The HRNet trunk, as all known code bases but ours name it."""

TRUNK = (  # theirs, ours
    ("conv1.", "stem.0."),
    ("bn1.", "stem.1."),
    ("conv2.", "stem.3."),
    ("bn2.", "stem.4."),
    ("layer1.{i}.conv{n}.", "stage1.{i}.conv{n}."),
    ("layer1.{i}.bn{n}.", "stage1.{i}.bn{n}."),
    ("layer1.{i}.downsample.{n}.", "stage1.{i}.shortcut.{n}."),
    ("transition1.{b}.{n}.", "stage2.transition.into.{b}.{n}."),  # an old branch in another width
    ("transition2.{b}.{n}.", "stage3.transition.into.{b}.{n}."),
    ("transition3.{b}.{n}.", "stage4.transition.into.{b}.{n}."),
    ("transition1.{b}.{k}.{n}.", "stage2.transition.into.{b}.{k}.{n}."),  # a new branch, k-th halving
    ("transition2.{b}.{k}.{n}.", "stage3.transition.into.{b}.{k}.{n}."),
    ("transition3.{b}.{k}.{n}.", "stage4.transition.into.{b}.{k}.{n}."),
    ("stage{s}.{r}.branches.{b}.{i}.conv{n}.", "stage{s}.rounds.{r}.branches.{b}.{i}.conv{n}."),
    ("stage{s}.{r}.branches.{b}.{i}.bn{n}.", "stage{s}.rounds.{r}.branches.{b}.{i}.bn{n}."),
    ("stage{s}.{r}.branches.{b}.{i}.downsample.{n}.", "stage{s}.rounds.{r}.branches.{b}.{i}.shortcut.{n}."),
    ("stage{s}.{r}.fuse_layers.{d}.{src}.{n}.", "stage{s}.rounds.{r}.exchange.into.{d}.paths.{src}.{n}."),
    (
        "stage{s}.{r}.fuse_layers.{d}.{src}.{k}.{n}.",
        "stage{s}.rounds.{r}.exchange.into.{d}.paths.{src}.{k}.{n}.",
    ),
)
