"""Run the blocks of the README and the docs: python as written, `hrpose` commands as a shell would."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

SCRIPTS = Path(sys.executable).parent


def run_commands(example: Example) -> None:
    """Run each line of a console block that calls hrpose; what installs packages is run by .ci/run."""
    for line in example.parsed.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[:1] != ["hrpose"]:
            continue
        done = subprocess.run(
            [str(SCRIPTS / "hrpose"), *words[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def in_a_folder_of_its_own(namespace: dict[str, Any]) -> None:
    """A page may write files: it does so in a temporary folder, with no way to the Hub."""
    namespace["_back"] = os.getcwd()  # noqa: PTH109 - a plain string survives in the page's namespace
    namespace["_folder"] = tempfile.TemporaryDirectory()
    os.environ["HF_HUB_OFFLINE"] = "1"  # for the commands that a page runs
    namespace["_offline"] = constants.HF_HUB_OFFLINE  # read once, when huggingface_hub is imported
    constants.HF_HUB_OFFLINE = True
    os.chdir(namespace["_folder"].name)


def back_again(namespace: dict[str, Any]) -> None:
    """Return to where the page was started, and remove what it wrote."""
    os.chdir(namespace["_back"])
    os.environ.pop("HF_HUB_OFFLINE", None)
    constants.HF_HUB_OFFLINE = namespace["_offline"]
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[
        SkipParser(),
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=run_commands),
    ],
    patterns=["README.md", "docs/*.md"],
    setup=in_a_folder_of_its_own,
    teardown=back_again,
).pytest()
