"""What money buys as a picture: the best plan of each budget, and the greedy one beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.report.charts import CONFIG, SCHEMA, render
from karavan.schema.io.atomic import whole_file

if TYPE_CHECKING:
    from karavan.scenario.investment import Investment

BEST, GREEDY = "best together", "project by project"
COLOURS = {BEST: "#2f6f9f", GREEDY: "#b3541e"}
MILLION = 1e6


def frontier_chart(found: Investment, *, width: int = 620, height: int = 320) -> dict[str, Any]:
    """Return the Vega-Lite specification of budget against what it buys.

    Tonnes more that are served a year; with the goal "cost" the USD saved; with "promises" how many are kept.
    """
    frame, goal = found.frontier, found.terms.goal
    title = {"served": "more tonnes served a year, million", "cost": "USD saved, million", "promises": "promises kept"}
    best, greedy = {
        "served": (frame["gain"] / MILLION, frame["greedy_gain"] / MILLION),
        "cost": ((found.before - frame["cost_usd"]) / MILLION, (found.before - frame["greedy_cost_usd"]) / MILLION),
        "promises": (frame["kept"], None),
    }[goal]
    lines = [(BEST, best)] + ([(GREEDY, greedy)] if greedy is not None else [])
    values = [
        {"budget": float(budget) / MILLION, "value": float(value), "plan": plan}
        for plan, column in lines
        for budget, value in zip(frame["budget_usd"], column, strict=True)
    ]
    names = [plan for plan, _ in lines]
    x = {"field": "budget", "type": "quantitative", "title": "budget, million USD", "axis": {"format": ",.0f"}}
    y = {"field": "value", "type": "quantitative", "title": title[goal]}
    scale = {"domain": names, "range": [COLOURS[n] for n in names]}
    key = {"field": "plan", "type": "nominal", "title": None, "legend": {"symbolType": "stroke", "symbolSize": 400}}
    colour = key | {"scale": scale}
    dash = key | {"scale": {"domain": names, "range": [[1, 0], [6, 4]]}}
    return {
        "$schema": SCHEMA, "title": f"What each budget buys: {found.case}", "width": width, "height": height,
        "config": CONFIG, "data": {"values": values},
        "mark": {"type": "line", "interpolate": "step-after", "point": True},
        "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash,
                     "tooltip": [{"field": "plan"}, {"field": "budget", "format": ",.0f"}, {"field": "value"}]},
    }  # fmt: skip


def frontier_svg(found: Investment, out: str | Path) -> Path:
    """Write the chart of budgets as an SVG file.

    Raises
    ------
    ValueError
        The investment has no frontier: it was made with no points.
    """
    if not len(found.frontier):
        message = "no budgets were tried; ask for points of the frontier"
        raise ValueError(message)
    rows = zip(found.frontier["budget_usd"], found.frontier["opened"], strict=True)
    words = "; ".join(f"{budget / MILLION:,.0f} million USD: {opened or 'nothing'}" for budget, opened in rows)
    chart = render(frontier_chart(found), name=f"What each budget buys: {found.case}", description=words)
    with whole_file(Path(out)) as temporary:
        temporary.write_text(str(chart), encoding="utf-8")
    return Path(out)
