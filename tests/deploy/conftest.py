from pathlib import Path

import pytest

from hrpose.deploy import Exported, export_onnx, export_program
from tests.deploy.exporting import bottomup, topdown


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what takes seconds to make."""
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="session")
def program_file(exported: Path) -> Exported:
    """A top-down network as a graph of torch.export."""
    return export_program(topdown(), exported / "topdown.pt2")


@pytest.fixture(scope="session")
def onnx_file(exported: Path) -> Exported:
    """The same, fused, as a graph of ONNX."""
    return export_onnx(topdown(), exported / "topdown.onnx", fuse=True)


@pytest.fixture(scope="session")
def peaks_file(exported: Path) -> Exported:
    """A bottom-up network and its peaks as a graph of ONNX."""
    return export_onnx(bottomup(), exported / "bottomup.onnx", decode=True, fuse=True)
