"""A fused network stays one that torch can export and compile."""

import io

import onnx
import pytest
import torch
from torch.export import Dim

from hrpose.deploy import fuse
from hrpose.types import PoseMaps
from tests.deploy.networks import flat, furthest, network

OPEN = ({0: Dim("n"), 2: Dim("h", min=33, max=512), 3: Dim("w", min=33, max=512)},)


@pytest.mark.parametrize("name", ["topdown v1", "topdown v2", "higherhrnet", "hourglass", "classifier"])
@torch.no_grad()
def test_a_fused_network_exports_at_any_size(name) -> None:
    model = network(name)
    program = torch.export.export(fuse(model), (torch.randn(2, 3, 64, 96),), dynamic_shapes=OPEN)
    assert not any("mkldnn" in str(node.target) for node in program.graph.nodes)
    run = program.module()
    for shape in ((2, 3, 64, 96), (3, 3, 75, 101)):
        x = torch.randn(shape)
        assert furthest(run(x), model(x)) < 1e-5


def count_resizes(program: torch.export.ExportedProgram) -> int:
    return sum("upsample_nearest2d" in str(node.target) for node in program.graph.nodes)


@torch.no_grad()
def test_at_a_size_known_to_be_a_multiple_of_32_maps_are_resized_once_a_level() -> None:
    model = network("topdown v1")
    x = torch.randn(2, 3, 64, 96)
    fixed = torch.export.export(fuse(model), (x,), dynamic_shapes=({0: Dim("n")},))
    free = torch.export.export(fuse(model), (x,), dynamic_shapes=OPEN)
    assert (count_resizes(fixed), count_resizes(free)) == (1 + 3 + 5 + 3, 1 + 3 + 6 + 3)
    y = torch.randn(1, 3, 64, 96)
    assert furthest(fixed.module()(y), model(y)) < 1e-5


@torch.no_grad()
def test_a_fused_network_becomes_onnx() -> None:
    fused = fuse(network("topdown v1"))
    buffer = io.BytesIO()
    program = torch.onnx.export(
        fused, (torch.randn(2, 3, 64, 96),), dynamo=True, dynamic_shapes=OPEN, verbose=False
    )
    program.save(buffer)
    nodes = [node.op_type for node in onnx.load_from_string(buffer.getvalue()).graph.node]
    assert "Conv" in nodes
    assert "BatchNormalization" not in nodes


@torch.no_grad()
def test_a_compiler_sees_plain_operations() -> None:
    model = network("topdown v1")
    graphs = []

    def note(graph, example):
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(fuse(model), backend=note, fullgraph=True)
    x = torch.randn(1, 3, 64, 48)
    maps = compiled(x)
    assert isinstance(maps, PoseMaps)
    assert furthest(maps, model(x)) < 1e-5
    assert len(graphs) == 1
    assert not any("mkldnn" in str(node.target) for node in graphs[0].graph.nodes)


@torch.no_grad()
def test_a_fused_network_can_be_counted() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    fused = fuse(network("topdown v1"))
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        maps = fused.to("meta")(torch.randn(1, 3, 64, 48))
    assert flat(maps)[0].shape == (1, 5, 16, 12)
    assert counter.get_total_flops() > 0
