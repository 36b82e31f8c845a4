"""What a page is made of: tables whose cells are cited values, and the pictures inside cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from karavan.report.layers import INK, MARK

Cell = Any  # Cited, Markup or text


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its unit below it, whether it holds numbers (set to the right) or long text."""

    title: str
    unit: str = ""
    numeric: bool = True
    wide: bool = False

    @property
    def css(self) -> str:
        """The class of its cells."""
        return "num" if self.numeric else "wide" if self.wide else "txt"


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of the page. A row is a list of cells in the order of the columns."""

    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    note: str = ""
    ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number."""

    label: str
    value: Cell
    detail: Cell = ""


def use_bar(preload: float, used: float, capacity: float, *, known: bool) -> Markup:
    """Draw how full a facility is: other traffic grey, modelled goods blue, the outline its capacity.

    A dashed outline says that the other traffic is not known.
    """
    if not capacity > 0:
        return Markup("")
    width, height = 92.0, 12.0
    first = min(max(preload / capacity, 0.0), 1.0) * width
    second = min(max(used / capacity, 0.0), 1.0) * width
    second = min(second, width - first)
    dash = "" if known else ' stroke-dasharray="3 3"'
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="bar" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        'aria-hidden="true">'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#eef0f2"/>'
        f'<rect width="{first:.1f}" height="{height:.0f}" fill="#8a949c"/>'
        f'<rect x="{first:.1f}" width="{second:.1f}" height="{height:.0f}" fill="#0072B2"/>'
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" fill="none" '
        f'stroke="{INK}"{dash}/></svg>'
    )


def share_bar(served: float, unserved: float, largest: float) -> Markup:
    """Draw served (blue) and unserved (vermilion) tonnes on a common scale."""
    if not largest > 0:
        return Markup("")
    width = 110.0
    first, second = served / largest * width, unserved / largest * width
    if unserved > 0:
        second = max(second, 1.0)
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="bar" viewBox="0 0 {width + 2:.0f} 11" width="{width + 2:.0f}" height="11" aria-hidden="true">'
        f'<rect width="{first:.1f}" height="11" fill="#0072B2"/>'
        f'<rect x="{first:.1f}" width="{second:.1f}" height="11" fill="{MARK["fill"]}"/></svg>'
    )


def ratio_bar(ratio: float) -> Markup:
    """Draw a ratio on a logarithmic scale from a tenth to ten times, with the band of a factor of two."""
    import math

    if not ratio >= 0:
        return Markup("")
    width = 92.0

    def at(r: float) -> float:
        return (min(max(math.log10(max(r, 1e-9)), -1.0), 1.0) + 1.0) / 2.0 * width

    low, high, x = at(0.5), at(2.0), at(ratio)
    colour = "#0072B2" if 0.5 <= ratio <= 2.0 else MARK["fill"]
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="bar" viewBox="0 0 {width:.0f} 12" width="{width:.0f}" height="12" aria-hidden="true">'
        f'<rect x="{low:.1f}" width="{high - low:.1f}" height="12" fill="#cfe3f1"/>'
        f'<path d="M{width / 2:.1f} 0v12" stroke="#59636b"/><path d="M0 11.5h{width:.0f}" stroke="#c5cbd0"/>'
        f'<circle cx="{min(max(x, 4), width - 4):.1f}" cy="6" r="4" fill="{colour}"/></svg>'
    )
