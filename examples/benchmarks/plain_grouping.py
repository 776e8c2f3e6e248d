"""Tag grouping written down step by step, as a yardstick for the speed and the results of `hrpose`.

A max-pool over every pixel and a full top-k, the Hungarian method on lists, and each person refined over
the whole of every heatmap. The settings are HigherHRNet's defaults.
"""

import numpy as np
import torch
import torch.nn.functional as F

THRESHOLD, TAG_THRESHOLD, MOST = 0.1, 1.0, 30


def group(heatmaps: torch.Tensor, tags: torch.Tensor, order: list[int]) -> tuple[np.ndarray, list[float]]:
    """Heatmaps (1, K, h, w) and tags (1, K, h, w, T) to people (P, K, 3 + T) and their scores."""
    people = match(*top_k(heatmaps, tags), order)
    maps, tag_maps = heatmaps[0].numpy(), tags[0].numpy()
    for person in people:
        adjust(person, maps)
    scores = [float(person[:, 2].mean()) for person in people]
    for person in people:
        refine(person, maps, tag_maps)
    return np.array(people), scores


def top_k(heatmaps: torch.Tensor, tags: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The highest local maxima of each map: positions (K, MOST, 2), values (K, MOST), tags (K, MOST, T)."""
    peaks = heatmaps * (F.max_pool2d(heatmaps, 5, 1, 2) == heatmaps)
    values, index = peaks[0].flatten(1).topk(MOST, dim=1)
    read = torch.stack([tag.flatten(1).gather(1, index) for tag in tags[0].unbind(-1)], -1)
    width = heatmaps.shape[3]
    return torch.stack((index % width, index // width), -1).numpy(), values.numpy(), read.numpy()


def match(places: np.ndarray, values: np.ndarray, tags: np.ndarray, order: list[int]) -> list[np.ndarray]:
    """Add keypoint after keypoint to the people whose mean tag is near."""
    empty = np.zeros((len(order), 3 + tags.shape[2]), np.float32)
    people: dict[float, np.ndarray] = {}
    seen: dict[float, list[np.ndarray]] = {}
    for k in order:
        found = [i for i in range(len(values[k])) if values[k][i] > THRESHOLD]
        rows = [np.concatenate((places[k][i], values[k][i : i + 1], tags[k][i])) for i in found]
        names = list(people)[:MOST]
        hosts: dict[int, float] = {}
        if names and rows:
            means = [np.mean(seen[name], axis=0) for name in names]
            distance = [[np.linalg.norm(row[3:] - mean) for mean in means] for row in rows]
            cost = [
                [round(float(d)) * 100 - float(row[2]) for d in line]
                for row, line in zip(rows, distance, strict=True)
            ]
            for line in cost:
                line.extend([1e10] * max(0, len(rows) - len(names)))
            for i, j in hungarian(cost):
                if j < len(names) and distance[i][j] < TAG_THRESHOLD:
                    hosts[i] = names[j]
        for i, row in enumerate(rows):
            tag = tags[k][found[i]]
            if i in hosts:
                seen[hosts[i]].append(tag)
            else:
                hosts[i] = float(tag[0])
                people.setdefault(hosts[i], empty.copy())
                seen[hosts[i]] = [tag]
            people[hosts[i]][k] = row
    return list(people.values())


def hungarian(cost: list[list[float]]) -> list[tuple[int, int]]:
    """Rows to columns at the least cost: cover, prime and star zeros until every row has its own."""
    rows, cols = len(cost), len(cost[0])
    n = max(rows, cols)
    table = [[cost[i][j] if i < rows and j < cols else 0.0 for j in range(n)] for i in range(n)]
    table = [[value - min(line) for value in line] for line in table]
    star: dict[int, int] = {}
    for i in range(n):
        for j in range(n):
            if table[i][j] == 0 and j not in star.values():
                star[i] = j
                break
    while len(star) < n:
        add_star(table, star)
    return [(i, star[i]) for i in range(rows) if star[i] < cols]


def add_star(table: list[list[float]], star: dict[int, int]) -> None:
    """Find a path of zeros that ends in a free column, lowering the table as long as there is none."""
    n = len(table)
    covered_rows, covered_cols = set(), set(star.values())
    prime: dict[int, int] = {}
    row = col = 0
    while True:
        zero = next_zero(table, covered_rows, covered_cols, row, col)
        if zero is None:
            lower(table, covered_rows, covered_cols)
            row = col = 0
            continue
        row, prime[zero[0]] = zero
        if row not in star:
            break
        col = star[row]
        covered_rows.add(row)
        covered_cols.discard(col)
    for _ in range(n):
        col = prime[row]
        holder = next((i for i, j in star.items() if j == col and i != row), None)
        star[row] = col
        if holder is None:
            return
        row = holder


def next_zero(
    table: list[list[float]], covered_rows: set[int], covered_cols: set[int], row: int, col: int
) -> tuple[int, int] | None:
    """The next uncovered zero going round from (row, col): of its row the last one."""
    n = len(table)
    for i in [*range(row, n), *range(row)]:
        zeros = [
            j
            for j in [*range(col, n), *range(col)]
            if table[i][j] == 0 and i not in covered_rows and j not in covered_cols
        ]
        if zeros:
            return i, zeros[-1]
    return None


def lower(table: list[list[float]], covered_rows: set[int], covered_cols: set[int]) -> None:
    """Take the least open value off all open places, and add it where two covers cross."""
    n = len(table)
    least = min(
        table[i][j] for i in range(n) for j in range(n) if i not in covered_rows and j not in covered_cols
    )
    for i in range(n):
        for j in range(n):
            if i in covered_rows:
                table[i][j] += least
            if j not in covered_cols:
                table[i][j] -= least


def quarter(heatmap: np.ndarray, x: int, y: int) -> tuple[float, float]:
    """A quarter pixel toward the higher neighbour on each axis."""
    h, w = heatmap.shape
    right = heatmap[y, min(x + 1, w - 1)] > heatmap[y, max(x - 1, 0)]
    below = heatmap[min(y + 1, h - 1), x] > heatmap[max(y - 1, 0), x]
    return 0.25 if right else -0.25, 0.25 if below else -0.25


def adjust(person: np.ndarray, maps: np.ndarray) -> None:
    """Move each keypoint found to a quarter pixel, and to the middle of its pixel."""
    for k, row in enumerate(person):
        if row[2] > 0:
            x, y = int(row[0]), int(row[1])
            dx, dy = quarter(maps[k], x, y)
            row[:2] = x + dx + 0.5, y + dy + 0.5


def refine(person: np.ndarray, maps: np.ndarray, tags: np.ndarray) -> None:
    """Fill in missing keypoints where heatmap and nearness of the tag are best together."""
    mean = np.mean([tags[k, int(row[1]), int(row[0])] for k, row in enumerate(person) if row[2] > 0], axis=0)
    best = []
    for heatmap, tag in zip(maps, tags, strict=True):
        distance = ((tag - mean) ** 2).sum(axis=2) ** 0.5
        y, x = np.unravel_index(np.argmax(heatmap - np.round(distance)), heatmap.shape)
        dx, dy = quarter(heatmap, int(x), int(y))
        best.append((x + dx + 0.5, y + dy + 0.5, heatmap[y, x]))
    for row, filled in zip(person, best, strict=True):
        if row[2] == 0 and filled[2] > 0:
            row[:3] = filled
