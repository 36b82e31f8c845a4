"""The answer to a promise as plain values, each number with what it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from karavan.schema.case import as_list

if TYPE_CHECKING:
    import pandas as pd

    from karavan.scenario.promise import BaseCheck, CapacityCheck, PromiseCheck
    from karavan.scenario.promise_network import NetworkVerdict
    from karavan.scenario.promise_types import Alternative, Target
    from karavan.schema.case import Case

NO_PLAN = "not even a planner could carry all of it"
NOT_KNOWN = (
    "The least-cost verdict is a planner's, an upper bound: it supposes that goods can be led past every full place.",
    "Goods of a target start, end and travel as those of today do; new shippers and new places are not foreseen.",
    "Capacities fall back on what is stated or demonstrated where nothing is computed; each row says what it rests on.",
)


def to_json(check: PromiseCheck) -> dict[str, Any]:
    """Return a check as plain values.

    `verdict`, `why` and `pace` are the two answers. `tonnes`, `bottlenecks`, `least_change`, `largest` and `draws` are
    those of the headline's setting and the central base; `bases` and `settings` hold the others.
    """
    central = check.central
    head = central.headline if central is not None else None
    return {
        "promise": {"quote": check.quote, "fact": check.fact, "title": check.title, "said": list(check.said),
                    "speakers": list(check.speakers), "status": check.status or None,
                    "modality": check.modality or None, "binding": check.binding},
        "case": check.case,
        "verdict": check.verdict,
        "headline": check.headline,
        "why": check.why,
        "label": None if head is None else head.label if head.is_carried else NO_PLAN,
        "pace": check.pace.to_json(),
        "year": check.target.year,
        "year_note": check.target.year_note,
        "tonnes": _tonnes(check),
        "bottlenecks": [] if head is None else _bottlenecks(head),
        "least_change": None if head is None else head.least_change.to_json(),
        "largest": None if head is None else _largest(check.target, head),
        "draws": None if check.draws is None else check.draws.to_json(),
        "shippers": None if head is None else head.logit.to_json(),
        "unknown_capacity": None if head is None else _unknown(head),
        "cost_to_others_usd": None if head is None else head.cost_to_others,
        "restricted": [] if head is None else _restricted(head),
        "routes": [] if head is None else _records(head.routes),
        "displaced": [] if head is None else _records(head.displaced),
        "settings": [] if central is None else [_setting(v) for v in central.verdicts],
        "headline_setting": None if head is None else head.setting.to_json(),
        "bases": [_base(c) for c in check.checks],
        "capacity": None if check.capacity is None else _capacity(check.capacity),
        "needs": list(check.target.needs),
        "not_network": check.target.not_network or None,
        "projects": None if head is None else _projects(central),
        "notes": [*check.target.notes, *(NOT_KNOWN if head is not None else ())],
    }  # fmt: skip


def _tonnes(check: PromiseCheck) -> dict[str, Any] | None:
    """Return the target in tonnes: central, spread and every way to count it; None where it has none."""
    target = check.target
    head = check.central.headline if check.central is not None else None
    if not target.directions:
        return None
    return {
        "target": target.tonnes,
        "low": min(sum(a.tonnes) for a in target.alternatives),
        "high": max(sum(a.tonnes) for a in target.alternatives),
        "promised": {"value": target.value, "unit": target.unit},
        "base": None if target.base is None else target.base.to_json(),
        "directions": [
            {"exporter": d.exporter, "importer": d.importer, "tonnes": d.tonnes, "low": d.tonnes_low,
             "high": d.tonnes_high, "usd": _usd(d.rows), "today": sum(d.replaces.values()),
             "goods": {str(k): float(v) for k, v in d.rows.groupby("commodity")["tonnes"].sum().items()},
             "replaces": [f"demand/{row}" for row in d.replaces]}
            for d in target.directions
        ],
        "ways": [_way(target, a) for a in target.alternatives],
        "served": None if head is None else head.served,
        "unserved": None if head is None else head.unserved,
        "wanted_in_setting": None if head is None else head.wanted,
    }  # fmt: skip


def _unknown(head: NetworkVerdict) -> dict[str, Any]:
    """Return what of the target passes places that no row limits.

    `served_known`, `largest_known`: with crossings and handling of unknown capacity shut to it.
    """
    return {
        "tonnes": head.unknown_tonnes, "places": list(head.unknown_places), "ways": _records(head.unknown_ways),
        "served_known": head.served_known, "largest_known": head.largest_known.to_json(),
    }  # fmt: skip


def _largest(target: Target, head: NetworkVerdict) -> dict[str, Any]:
    """Return the largest target that the present network carries, in tonnes and as the promise counts (money, TEU)."""
    found = head.largest
    value = None if found.scale is None or target.value is None else found.scale * target.value
    return found.to_json() | {"promised": {"value": value, "unit": target.unit}}


def _usd(rows: pd.DataFrame) -> float | None:
    known = rows["value_usd"].dropna()
    return float(known.sum()) if len(known) else None


def _way(target: Target, way: Alternative) -> dict[str, Any]:
    names = [f"{d.exporter}->{d.importer}" for d in target.directions]
    return {"name": way.name, "tonnes": dict(zip(names, way.tonnes, strict=True)), "why": way.why,
            "sources": list(way.sources)}  # fmt: skip


def _bottlenecks(verdict: NetworkVerdict) -> list[dict[str, Any]]:
    """Return the bottlenecks in order, each with the cell its capacity stands in and the sources of its row."""
    case = verdict.ground.case
    rows = _records(verdict.bottlenecks)
    for row in rows:
        name, basis = str(row["facility"]), str(row["rests_on"])
        cell = "capacity_stated" if basis == "project" else f"capacity_{basis}"
        row |= {"cell": f"facilities/{name}/{cell}", "sources": _sources(case, "facilities", name, cell),
                "confidence": _text(case.facilities["confidence"].get(name))}  # fmt: skip
    return rows


def _sources(case: Case, table: str, name: str, cell: str) -> list[str]:
    """Return the sources of a cell: its own by `provenance`, else those of its row."""
    p = case.provenance
    own = p[(p["table"] == table) & (p["id"] == name) & (p["field"] == cell)]["source"].dropna()
    return as_list(own.iloc[0]) if len(own) else as_list(case.tables[table]["source"].get(name))


def _restricted(verdict: NetworkVerdict) -> list[dict[str, Any]]:
    table = verdict.ground.case.restrictions
    rows = table.loc[[r for r in verdict.restricted if r in table.index]]
    return [
        {"id": str(key), "name": r["name"], "regime": r["regime"], "sources": as_list(r["source"])}
        for key, r in rows.iterrows()
    ]


def _setting(verdict: NetworkVerdict) -> dict[str, Any]:
    """Return a setting and its answer; what takes long to work out only for computed capacities and the year."""
    plain = verdict.setting.to_json() | {
        "verdict": verdict.verdict, "wanted": verdict.wanted, "served": verdict.served,
        "unserved": 0.0 if verdict.is_carried else verdict.unserved,
    }  # fmt: skip
    if (verdict.setting.capacity, verdict.setting.period) != ("computed", "year"):
        return plain
    return plain | {
        "first_bottleneck": next(iter(verdict.bottlenecks["name"]), None),
        "largest_scale": verdict.largest.scale,
        "shippers": verdict.logit.verdict,
    }


def _base(check: BaseCheck) -> dict[str, Any]:
    head, base = check.headline, check.target.base
    return {
        "base": None if base is None else base.to_json(), "target": check.target.value, "unit": check.target.unit,
        "tonnes": check.target.tonnes, "verdict": head.verdict, "served": head.served, "unserved": head.unserved,
        "pace": check.pace.to_json(),
    }  # fmt: skip


def _capacity(check: CapacityCheck) -> list[dict[str, Any]]:
    return [
        {"projects": projects, "capacity": basis, "verdict": check.words[projects, basis],
         "rows": [r | {"cell": f"facilities/{r['facility']}"} for r in _records(frame)]}
        for (projects, basis), frame in check.frames.items()
    ]  # fmt: skip


def _projects(check: BaseCheck | None) -> dict[str, Any]:
    planned = [v for v in (check.verdicts if check is not None else ()) if v.setting.projects == "planned"]
    ground = planned[0].ground if planned else None
    return {} if ground is None else {"opened": list(ground.opened), "left_out": dict(ground.left_out)}


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    clean = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in clean.to_dict("records")]
