"""How long it takes from an image tensor to its people: HigherHRNet W32 at 512, 30 people.

The straightforward pipeline is the eager network and the numpy grouping of plain_grouping.py. Ours is the
network as `optimize` makes it and the codec's decoding. Both networks run; as random weights find nobody,
what follows works on the drawn maps of a crowd, the same for both, and must find the same people.

    python examples/benchmarks/end_to_end.py

On a GPU, add --device cuda.
"""

import argparse

import plain_grouping
import torch

from hrpose import create_model
from hrpose.codecs.aggregate import Pass
from hrpose.deploy import optimize
from hrpose.deploy.bench import settle
from hrpose.deploy.crowd import crowd_maps, finding_people
from hrpose.deploy.timing import Call, Plan, take_turns, waiting


def pipelines(
    name: str, size: int, people: int, device: torch.device, backend: str
) -> tuple[dict[str, Call], str]:
    """The two ways, and what the fast one runs on."""
    model = create_model(name).to(device)
    images = torch.rand(1, 3, size, size, device=device)
    settle(model, torch.rand(2, 3, 64, 64, device=device))
    fast = optimize(model, images, backend=backend)
    spec = model.spec
    find = finding_people(spec, people, size=(size, size), device=device)
    drawn = crowd_maps(spec.codec, 17, people, size=(size, size))
    merged = spec.codec.merge([Pass(drawn)], size=(size, size))
    order, tags = list(spec.codec.grouping.joint_order), torch.stack(merged.tags, -1)
    heatmaps, tags = merged.heatmaps.to(device), tags.to(device)

    def straightforward() -> torch.Tensor:
        with torch.inference_mode():
            model(images)
            points, _ = plain_grouping.group(heatmaps.cpu(), tags.cpu(), order)
            return torch.as_tensor(points[:, :, :2])

    def ours() -> torch.Tensor:
        return find(fast(images))[0].points

    torch.testing.assert_close(ours().cpu(), straightforward().to(torch.float32), atol=1e-3, rtol=0)
    return {"straightforward": straightforward, "hrpose": ours}, str(fast.choice)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tiny image, for the tests")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--backend", default="auto", help="of optimize")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", default="wall", choices=("wall", "processor"), help="as of hrpose bench")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    name, size, people = "higherhrnet_w32.coco_512", 512, 30
    plan = Plan(rounds=chosen.rounds, clock=chosen.clock)
    if chosen.quick:
        size, people = 64, 3
        chosen.backend, plan = "eager", Plan(rounds=1, warmup=0, lead=0)
    device = torch.device(chosen.device)
    calls, taken = pipelines(name, size, people, device, chosen.backend)
    timed = take_turns(calls, plan, wait=waiting(device))
    first = timed["straightforward"].median
    print(f"{name}, {size}x{size}, {people} people, {chosen.threads} threads; {taken}\n")
    print("| | median, ms | quartiles, ms | ratio |\n| --- | --- | --- | --- |")
    for row, timing in timed.items():
        low, high = (1e3 * each for each in timing.quartiles)
        ratio = first / timing.median
        print(f"| {row} | {1e3 * timing.median:.0f} | {low:.0f} to {high:.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
