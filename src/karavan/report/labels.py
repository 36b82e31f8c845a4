"""Placing labels so that they do not lie on one another: greedy, the most wanted first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LETTER = 0.56  # mean width of a letter over the font size, of common sans-serif faces
BOLD = 0.64  # the same of bold ones
AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Wish:
    """A text that wants to stand near a point (pixels); `gap` is its distance from it."""

    text: str
    x: float
    y: float
    size: float = 11.0
    gap: float = 5.0
    reach: tuple[float, ...] = (1.0, 2.2)
    letter: float = LETTER


@dataclass(frozen=True, slots=True)
class Placed:
    """A text with the left end of its base line, its width and the centre of its box (pixels)."""

    text: str
    x: float
    y: float
    width: float
    size: float
    centre: tuple[float, float]
    moved: bool


def text_width(text: str, size: float, letter: float = LETTER) -> float:
    """Estimate the width of a text in pixels."""
    return max(len(text), 1) * size * letter


def place(
    wishes: Sequence[Wish],
    *,
    width: float,
    height: float,
    taken: Sequence[tuple[float, float, float, float]] = (),
    lines: NDArray[np.float64] | None = None,
    tolerance: float = np.inf,
    others: Sequence[NDArray[np.float64]] | None = None,
) -> list[Placed | None]:
    """Place texts in order of the list inside a rectangle; None where one finds no free spot.

    `taken` are boxes (left, top, right, bottom) that must stay free; `lines` are points, shape (n, 2), better not
    covered: a spot that covers more than `tolerance` of them is no spot. `others`: for each text, points (n, 2) that it
    would be read to belong to, were one of them less than half as far as its own.
    """
    boxes = [tuple(map(float, b)) for b in taken]
    points = np.zeros((0, 2)) if lines is None else lines
    out: list[Placed | None] = []
    for k, wish in enumerate(wishes):
        best, best_cost = None, np.inf
        full = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        for order, box, moved in _spots(wish):
            if box[0] < 2 or box[1] < 2 or box[2] > width - 2 or box[3] > height - 2:
                continue
            clash = (full[:, 0] < box[2]) & (full[:, 2] > box[0]) & (full[:, 1] < box[3]) & (full[:, 3] > box[1])
            if clash.any():
                continue
            if others is not None and len(others[k]):
                own = _distance(np.array([[wish.x, wish.y]]), box)
                if _distance(others[k], box) < own / 2.0:
                    continue
            covered = int(_inside(points, box))
            if covered <= tolerance and (cost := covered + 0.35 * order) < best_cost:
                best, best_cost = (box, moved), cost
        if best is None:
            out.append(None)
            continue
        (left, top, right, bottom), moved = best
        boxes.append((left, top, right, bottom))
        centre = ((left + right) / 2, (top + bottom) / 2)
        out.append(Placed(wish.text, left, bottom - 0.22 * wish.size, right - left, wish.size, centre, moved))
    return out


def _spots(wish: Wish) -> list[tuple[int, tuple[float, float, float, float], bool]]:
    w, h = text_width(wish.text, wish.size, wish.letter), wish.size * 1.15
    spots: list[tuple[int, tuple[float, float, float, float], bool]] = []
    for far in wish.reach:
        for dx, dy in AROUND:
            gap = wish.gap * far
            x = wish.x + dx * (gap + w / 2) if dy == 0 else wish.x + dx * (0.7 * gap + w / 2)
            y = wish.y + dy * (gap + h / 2) if dx == 0 else wish.y + dy * (0.7 * gap + h / 2)
            spots.append((len(spots), (x - w / 2, y - h / 2, x + w / 2, y + h / 2), far > 1.5))
    return spots


def _inside(points: NDArray[np.float64], box: tuple[float, float, float, float]) -> int:
    x, y = points[:, 0], points[:, 1]
    return int(np.count_nonzero((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])))


def _distance(points: NDArray[np.float64], box: tuple[float, float, float, float]) -> float:
    """Return how far the nearest of some points is from a box."""
    dx = np.maximum(np.maximum(box[0] - points[:, 0], points[:, 0] - box[2]), 0.0)
    dy = np.maximum(np.maximum(box[1] - points[:, 1], points[:, 1] - box[3]), 0.0)
    return float(np.hypot(dx, dy).min())


def along(line: NDArray[np.float64], *, step: float = 6.0) -> NDArray[np.float64]:
    """Return points along a line every `step` pixels, shape (n, 2)."""
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    at = np.arange(0.0, lengths[-1] + step, step)
    return np.column_stack([np.interp(at, lengths, line[:, d]) for d in (0, 1)])
