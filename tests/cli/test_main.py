import subprocess
import sys
from pathlib import Path

import pytest

from hrpose.cli.main import COMMANDS
from hrpose.version import __version__
from tests.cli.conftest import hrpose


def test_the_help_lists_every_command_with_its_line() -> None:
    shown = hrpose("--help")
    assert shown.exit_code == 0
    for name, (_, text) in COMMANDS.items():
        assert name in shown.output
        assert " ".join(text.split()) in " ".join(shown.output.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = hrpose(name, "--help")
    assert shown.exit_code == 0
    assert "Usage: main" in shown.output


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hrpose", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: hrpose [OPTIONS] COMMAND"), done.stdout


def test_the_version_is_told() -> None:
    assert hrpose("--version").output.strip() == f"hrpose, version {__version__}"


def test_an_unknown_command_is_refused() -> None:
    shown = hrpose("fly")
    assert shown.exit_code == 2
    assert "No such command 'fly'" in shown.output


def test_our_errors_are_one_line_and_exit_code_2() -> None:
    shown = hrpose("evaluate", "no_such_model", "--data", "none.json", "--images", ".")
    assert shown.exit_code == 2
    assert shown.output.startswith("hrpose: ")
    assert "Traceback" not in shown.output


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("hrpose.cli.doctor.versions", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        hrpose("doctor")


HELP_IMPORTS = """
import sys
from hrpose.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
heavy = {"timm", "torchvision", "scipy", "huggingface_hub", "faster_coco_eval", "hrpose.cli.train"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_the_help_imports_no_command() -> None:
    done = subprocess.run([sys.executable, "-c", HELP_IMPORTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_runs() -> None:
    command = Path(sys.executable).with_name("hrpose")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"hrpose, version {__version__}")
