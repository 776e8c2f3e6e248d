"""What is printed, written and drawn, from times that the test made up."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from hrpose.deploy import hardware as hardware_file
from hrpose.deploy.bench import Row, Table
from hrpose.deploy.counting import Cost
from hrpose.deploy.hardware import device_name, hardware, processor
from hrpose.deploy.plot import check_plot, plot
from hrpose.deploy.report import Report, markdown, number
from hrpose.deploy.roofline import Roofline
from hrpose.deploy.timing import Plan, Timing
from hrpose.errors import ConfigError, MissingExtraError


@pytest.fixture
def table() -> Table:
    return Table(
        title="hrnet_w32",
        size=(256, 192),
        batch=8,
        dtype="float32",
        cost=Cost(operations=2_000_000_000, moved=50_000_000, weights=10_000_000),
        roofline=Roofline(operations=1e11, bandwidth=1e10),
        rows=(
            Row(name="eager", timing=Timing((0.1, 0.2, 0.3))),
            Row(name="fused", timing=Timing((0.05,)), differs=2e-6),
            Row(name="graph", reason="it needs a | CUDA device"),
            Row(name="own:net", timing=Timing((0.4,))),
        ),
    )


def test_a_table_shows_medians_spread_ratios_and_the_limit(table: Table) -> None:
    lines = markdown(table).splitlines()
    assert lines[0] == "**hrnet_w32**, 256x192, batch 8, float32"
    assert lines[4:8] == [
        "| eager | 200 | 150 to 250 | 1.00 | 40 | 10% | - |",
        "| fused | 50 | 50 to 50 | 4.00 | 160 | 40% | 2e-06 |",
        "| graph | not measured: it needs a / CUDA device | - | - | - | - | - |",
        "| own:net | 400 | 400 to 400 | 0.50 | 20 | - | - |",
    ]
    assert "2 G operations, 50 MB moved (10 MB of weights)" in lines[-1]
    assert (
        "100 G operations, and moved 10 GB, a second: at least 20 ms by operations, 5 ms by bytes"
        in lines[-1]
    )


def test_without_eager_there_are_no_ratios(table: Table) -> None:
    rows = (Row(name="fused", timing=Timing((0.05,))),)
    alone = Table(**{**vars(table), "rows": rows})
    assert "| fused | 50 | 50 to 50 | - | 160 |" in markdown(alone)


def test_a_report_says_when_on_what_and_how(table: Table) -> None:
    plan = Plan(rounds=7, warmup=2, lead=1)
    report = Report(
        date="2026-11-23", command="hrpose bench", hardware={"threads": "2"}, plan=plan, tables=(table,)
    )
    text = report.markdown()
    assert text.startswith("`hrpose bench`\n\n2026-11-23; threads 2.\nMedians of 7 rounds")
    assert "after 2 calls of each; 1 more before each that counts" in text
    busy = Report(**{**vars(report), "plan": Plan(clock="processor")}).markdown()
    assert "Medians of processor time, not of a clock on the wall, of 20 rounds" in busy
    read = json.loads(report.json())
    assert read["plan"]["rounds"] == 7
    rows = read["tables"][0]["rows"]
    assert rows[0]["timing"]["seconds"] == [0.1, 0.2, 0.3]
    assert (rows[1]["over_eager"], rows[2]["over_eager"], rows[2]["timing"]) == (4.0, None, None)
    assert rows[1]["reached"] == pytest.approx(0.4)
    assert read["tables"][0]["seconds_by_bytes"] == 0.005


def test_a_figure_has_three_digits_that_count() -> None:
    assert [number(value) for value in (0.0012345, 9.876, 99.94, 1234.5)] == [
        "0.00123",
        "9.88",
        "99.9",
        "1234",
    ]


def test_a_plot_is_drawn_with_all_rows(table: Table, tmp_path: Path) -> None:
    plot([table, table], tmp_path / "bench.svg")
    assert re.search(r"<svg", (tmp_path / "bench.svg").read_text())


def test_a_plot_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"bench.txt is no picture; let it end in .png"):
        check_plot(Path("bench.txt"))


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'needs matplotlib; run: .* "hrpose\[viz\]"'):
        check_plot(Path("bench.png"))


def test_the_hardware_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_file, "RUNNERS", ("timm", "nothing-of-this-name"))
    found = hardware(torch.device("cpu"))
    assert found["device"] == "cpu"
    assert found["torch"] == torch.__version__
    assert found["threads"] == str(torch.get_num_threads())
    assert "timm" in found
    assert "nothing-of-this-name" not in found


def test_the_processor_is_read_off_the_listing_where_there_is_one(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Some Chip 9000\n")
    assert processor(listing) == "Some Chip 9000"
    listing.write_text("processor\t: 0\n")
    assert processor(listing)
    assert processor(tmp_path / "none")


def test_an_accelerator_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A Fast One")
    assert device_name(torch.device("cuda", 0)) == "A Fast One"
    assert device_name(torch.device("mps")) == "mps"
