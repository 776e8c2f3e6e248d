"""The group of commands: each is imported when it is called, and errors of ours are told in one line."""

import importlib
from typing import Any

import click

from hrpose.errors import HRPoseError
from hrpose.version import __version__

# name -> where it is defined, and its line in the help: so that `hrpose --help` imports none of them
COMMANDS = {
    "list": ("hrpose.cli.models:list_command", "List the models that have a name."),
    "show": ("hrpose.cli.models:show", "Tell what is known of a model, or of a checkpoint file."),
    "predict": ("hrpose.cli.predict:predict", "Find people's keypoints in pictures."),
    "train": ("hrpose.cli.train:train", "Train or fine-tune a model on a COCO-format data set."),
    "evaluate": ("hrpose.cli.train:evaluate_command", "Measure a model's AP on a COCO-format data set."),
    "convert": ("hrpose.cli.models:convert", "Rewrite a checkpoint of any origin."),
    "export": ("hrpose.cli.export:export", "Write a model as a graph, ONNX or torch.export."),
    "bench": ("hrpose.cli.bench:bench", "Time models here, in several modes, beside others."),
    "doctor": ("hrpose.cli.doctor:doctor", "Check this installation."),
    "demo": ("hrpose.cli.demo:demo", "Predict, fine-tune and draw, with no download."),
}
# the exit code of what the user can put right; anything else is a fault of ours, with its traceback
BAD_USE = 2


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what hrpose found wrong is told without a traceback."""
        try:
            return super().invoke(ctx)
        except HRPoseError as error:
            click.echo(f"hrpose: {error}", err=True)
            ctx.exit(BAD_USE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hrpose")
def main() -> None:
    """High-resolution pose networks: find models, predict, fine-tune.

    `hrpose demo` shows it all on this machine, in minutes and without a download.
    """
