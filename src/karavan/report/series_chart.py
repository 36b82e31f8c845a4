"""A series as a picture: levels said, levels implied and targets on one time axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.evidence.series import amount
from karavan.report.charts import CONFIG, SCHEMA, render
from karavan.report.layers import INK
from karavan.schema.io.atomic import whole_file
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.timeline import SeriesPoint, Wanted

BILLIONS = "replace(format(datum.value, '~s'), 'G', 'B')"  # billions of people, not of physicists
LAYERS = {"said": ("circle", "#2f6f9f"), "implied": ("circle", "#ffffff"), "target": ("diamond", "#b3541e")}


def series_spec(
    wanted: Wanted, points: Sequence[SeriesPoint], *, width: int = 820, height: int = 360
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a series; targets without a deadline are dashed lines."""
    unit = points[0].unit if points else ""
    dots = [{"year": p.at, "value": p.value, "kind": p.layer, "period": p.period, "who": p.who} for p in points if p.at]
    lines = [{"value": v} for v in sorted({p.value for p in points if p.layer == "target" and p.at is None})]
    kinds = [k for k in LAYERS if any(d["kind"] == k for d in dots)]
    x = {"field": "year", "type": "quantitative", "title": None, "axis": {"format": "d", "tickMinStep": 1},
         "scale": {"zero": False, "nice": False, "padding": 20}}  # fmt: skip
    y = {"field": "value", "type": "quantitative", "title": unit, "axis": {"labelExpr": BILLIONS}}
    colour = {"field": "kind", "type": "nominal", "scale": {"domain": kinds, "range": [LAYERS[k][1] for k in kinds]}}
    shape = {"field": "kind", "type": "nominal", "scale": {"domain": kinds, "range": [LAYERS[k][0] for k in kinds]}}
    tips = [{"field": "period"}, {"field": "value", "format": ",.4~s"}, {"field": "who"}, {"field": "kind"}]
    dashed = {"mark": {"type": "rule", "strokeDash": [6, 4], "color": LAYERS["target"][1]}, "encoding": {"y": y}}
    dot = {"type": "point", "filled": True, "size": 70, "stroke": INK, "strokeWidth": 1, "opacity": 0.95}
    return {
        "$schema": SCHEMA, "title": wanted.title(), "width": width, "height": height, "config": CONFIG,
        "layer": [
            {"data": {"values": lines}, **dashed},
            {"data": {"values": dots}, "mark": dot,
             "encoding": {"x": x, "y": y, "fill": colour, "shape": shape, "tooltip": tips}},
        ],
    }  # fmt: skip


def series_svg(wanted: Wanted, points: Sequence[SeriesPoint], out: str | Path) -> Path:
    """Write the chart as an SVG file."""
    with whole_file(Path(out)) as temporary:
        temporary.write_text(str(_chart(wanted, points)), encoding="utf-8")
    return Path(out)


def series_page(wanted: Wanted, points: Sequence[SeriesPoint], out: str | Path) -> Path:
    """Write chart and table as one HTML page."""
    from karavan.report.templating import environment

    rows = [
        {"period": p.period, "layer": p.layer, "status": p.status, "who": p.who, "how": p.how, "quote": p.quote,
         "fact": p.fact, "value": amount(p.value, p.unit)}
        for p in points
    ]  # fmt: skip
    page = environment().get_template("series.html.j2").render(
        version=__version__, title=wanted.title(), subtitle=f"{len(points)} values in the ledger",
        chart=_chart(wanted, points), points=rows,
    )  # fmt: skip
    with whole_file(Path(out)) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")
    return Path(out)


def _chart(wanted: Wanted, points: Sequence[SeriesPoint]) -> Any:
    words = "; ".join(f"{p.period}: {amount(p.value, p.unit)} ({p.layer})" for p in points[:40])
    return render(series_spec(wanted, points), name=wanted.title(), description=words)
