"""What is not known, and which restrictions the flows meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.model import demand_rows
from karavan.network.restrictions import concerns
from karavan.report.citations import Cited, joined
from karavan.report.page import Column, PageTable
from karavan.report.wording import is_missing, listing, number, percent, thousand
from karavan.schema.case import as_list
from karavan.schema.tables import schema

if TYPE_CHECKING:
    from markupsafe import Markup

    from karavan.assignment.assignment import Assignment
    from karavan.report.origins import Results
    from karavan.schema.case import Case

TOLERANCE = 1e-6  # a row filled to this share beyond its room is full, not overloaded
REGIMES = {
    "us": "United States",
    "eu": "European Union",
    "un": "United Nations",
    "uk": "United Kingdom",
    "national": "national",
    "physical": "physical",
    "season": "season",
}


@dataclass(frozen=True, slots=True)
class Unknown:
    """One thing that is not known: a heading and a sentence."""

    title: str
    text: Markup | str


def met_restrictions(flows: Assignment) -> pd.DataFrame:
    """Return the restrictions that served flows meet: id and tonnes, most first."""
    model, case = flows.model, flows.model.case
    rows = demand_rows(case)
    country = _zone_countries(case)
    paths = flows.paths
    demand = rows.loc[paths["demand"]]
    origin, destination = (country.reindex(demand[c]).to_numpy(dtype=object) for c in ("origin", "destination"))
    goods, tonnes = paths["commodity"].to_numpy(dtype=object), paths["tonnes"].to_numpy(dtype=np.float64)
    path, arc, _ = flows.path_table
    found = []
    for i, mask in model.restrictions.touched.items():
        hit = np.flatnonzero(np.bincount(path[mask[arc]], minlength=len(paths)))
        row = case.restrictions.iloc[i]
        seen: dict[tuple[str, str, str], bool] = {}
        total = 0.0
        for p in hit.tolist():
            key = (str(goods[p]), str(origin[p]), str(destination[p]))
            if key not in seen:
                seen[key] = concerns(row, *key)
            total += tonnes[p] if seen[key] else 0.0
        if total > 0:
            found.append({"restriction": str(case.restrictions.index[i]), "tonnes": total})
    frame = pd.DataFrame(found, columns=["restriction", "tonnes"])
    return frame.sort_values("tonnes", ascending=False).reset_index(drop=True)


def _zone_countries(case: Case) -> pd.Series:
    """Return the country of each zone; of a gateway without one the countries of its nodes, joined by ";"."""
    of_nodes = case.nodes["country"]
    stands_for = [
        str(c) if not is_missing(c) else ";".join(sorted(set(of_nodes.reindex(as_list(nodes)).dropna())))
        for c, nodes in zip(case.zones["country"], case.zones["nodes"], strict=True)
    ]
    return pd.Series(stands_for, index=case.zones.index, dtype=object)


def restrictions_table(results: Results, met: pd.DataFrame, served: float) -> PageTable:
    """Return the restrictions met by flows, with regime, effect, date and source."""
    case, rows = results.case, []
    for row in met.to_dict("records"):
        name = str(row["restriction"])
        at = case.restrictions.loc[name]
        anchor = results.traces.row("restrictions", name)
        items = [
            (
                "how",
                "Tonnes of the year's flows whose path it touches and whose goods and countries it concerns.",
            ),
            ("restriction", results.traces.cited(name, "restrictions", name)),
        ]
        mine = results.share(f"restriction-{name}", f"flows that meet {name}", items)
        dates = [f"{w} {at[f]}" for w, f in (("from", "valid_from"), ("until", "valid_until")) if not is_missing(at[f])]
        months = "" if is_missing(at["months"]) else f"; months {str(at['months']).replace(';', ', ')}"
        rows.append(
            [
                Cited(str(at["name"]), anchor),
                REGIMES.get(str(at["regime"]), str(at["regime"])),
                str(at["effect"]),
                Cited(f"{', '.join(dates) or 'no date given'}{months}", anchor),
                Cited(str(at["text"]), anchor),
                Cited(thousand(row["tonnes"]), mine),
                Cited(percent(row["tonnes"] / served if served > 0 else None), mine),
                results.traces.sources(at["source"]),
            ]
        )
    columns = [
        Column("Restriction", numeric=False),
        Column("Regime", numeric=False),
        Column("Effect", numeric=False),
        Column("In force", numeric=False),
        Column("What it says", numeric=False, wide=True),
        Column("Flow that meets it", "thousand t"),
        Column("Share of what is carried"),
        Column("Source", numeric=False),
    ]
    note = (
        f"As of the model's day, {results.runs['year'].summary['day']}. Flows that meet several restrictions count "
        "in each. A flag says that someone must look; it neither clears nor forbids, and it is not legal advice."
    )
    return PageTable("Restrictions that flows meet", columns, rows, note)


def unknowns(results: Results, year: Assignment) -> list[Unknown]:
    """Return what the page's numbers do not know, the gravest first."""
    found = [
        _bare_facilities(results, year),
        _estimates(results),
        _demand_grades(results, year),
        _peaks(results),
        _services(results),
        _emissions(results, year),
        _unpriced(results),
        _border_times(results),
        _coordinates(results),
    ]
    return [u for u in found if u is not None]


def _bare_facilities(results: Results, year: Assignment) -> Unknown | None:
    """List shared facilities in use whose other traffic is unknown: their room is overstated."""
    rows = year.facilities
    bare = rows[~rows["preload_known"].astype(bool) & (rows["used"] > 0)].sort_values("utilisation", ascending=False)
    if not len(bare):
        return None
    first = bare.drop_duplicates("facility")
    cited = [Cited(str(r["name"]), results.facility(r, "year")) for r in first.head(40).to_dict("records")]
    text = joined(cited) + (f" and {len(first) - 40} more" if len(first) > 40 else "")
    head = f"{len(first)} facilities in use are shared with traffic that no row gives; their room is overstated: "
    return Unknown("Traffic outside the model", head + text if cited else head)


def _estimates(results: Results) -> Unknown | None:
    """Count rows at confidence C by table."""
    case, parts = results.case, []
    for name, declared in schema().items():
        frame = case.tables[name]
        if declared.cited and len(frame):
            share = float((frame["confidence"] == "C").mean())
            if share > 0:
                parts.append((share, f"{declared.title.lower()} {percent(share)}"))
    if not parts:
        return None
    shown = listing([t for _, t in sorted(parts, reverse=True)], limit=30)
    cited = Cited(shown, results.inputs())
    return Unknown(
        "Estimates",
        joined(["Share of rows at confidence C, estimates whose note says how they were made: ", cited, "."], ""),
    )


def demand_grades(results: Results) -> str:
    """Return the anchor of the demand's confidence."""
    items = [
        ("how", "Tonnes of the demand rows by their confidence."),
        ("inputs", Cited("demand.csv", results.inputs())),
    ]
    return results.share("demand-grades", "demand by confidence", items)


def estimated_share(year: Assignment) -> float | None:
    """Return the share of the demand's tonnes at confidence C, or None where no row has a confidence."""
    pairs = year.pairs
    if not len(pairs) or pairs["confidence"].isna().all() or not pairs["tonnes"].sum() > 0:
        return None
    return float(pairs.loc[pairs["confidence"] == "C", "tonnes"].sum() / pairs["tonnes"].sum())


def _demand_grades(results: Results, year: Assignment) -> Unknown | None:
    if estimated_share(year) is None:
        return None
    pairs = year.pairs
    by = pairs.groupby(pairs["confidence"].fillna("not given"))["tonnes"].sum() / pairs["tonnes"].sum()
    text = listing([f"{percent(v)} at {k}" for k, v in by.items()])
    return Unknown(
        "Demand", joined(["Of the tonnes that want to move, ", Cited(text, demand_grades(results)), "."], "")
    )


def _peaks(results: Results) -> Unknown | None:
    rows = demand_rows(results.case)
    missing = rows["peak_month_share"].isna().to_numpy()
    if not missing.any():
        return None
    share = float(rows["tonnes"].to_numpy()[missing].sum() / rows["tonnes"].sum())
    anchor = results.share(
        "peaks",
        "demand without a peak share",
        [
            ("how", "Demand rows whose peak_month_share is empty, by tonnes."),
            ("inputs", Cited("demand.csv", results.inputs())),
        ],
    )
    text = Cited(f"{int(missing.sum())} of {len(rows)} demand rows ({percent(share)} of the tonnes)", anchor)
    return Unknown(
        "Season",
        joined(
            ["The busiest month is not known for ", text, "; 1/12 of the year is used, so the month is understated."],
            "",
        ),
    )


def _services(results: Results) -> Unknown | None:
    services = results.case.services
    bare = services[~services["cargo_known"].fillna(True).astype(bool)]
    if not len(bare):
        return None
    names = joined([results.traces.cited(str(r["name"]), "services", str(i)) for i, r in bare.iterrows()])
    return Unknown("Services whose cargo is not known", joined(["Shown, never used for flow: ", names, "."], ""))


def _emissions(results: Results, year: Assignment) -> Unknown | None:
    tonnes, e = year.arc_tonnes, results.model.emissions
    work = float((tonnes * results.model.graph.km).sum())
    ttw, bare = (float((tonnes * v).sum()) / work if work > 0 else 0.0 for v in (e.ttw_km, e.bare_km))
    if ttw <= 0 and bare <= 0:
        return None
    anchor = results.share(
        "emissions",
        "transport work without a well-to-wheel factor",
        [
            ("how", "Tonne-kilometres on links whose emission factor is tank-to-wheel alone, or that have none."),
            ("inputs", Cited("emission_factors.csv", results.inputs())),
        ],
    )
    text = Cited(
        f"{percent(ttw)} of the tonne-kilometres have a tank-to-wheel factor alone and {percent(bare)} have none",
        anchor,
    )
    return Unknown("CO2e", joined([text, "; they are left out of well-to-wheel figures."], ""))


def _unpriced(results: Results) -> Unknown | None:
    model = results.model
    closed = np.array([c.unpriced for c in model.costs]).reshape(-1, model.graph.n_arcs)
    links = (
        sorted(
            {
                str(model.case.links.index[link])
                for a in np.flatnonzero(closed.all(axis=0)).tolist()
                for link, _ in model.graph.links_under(a)
            }
        )
        if len(closed)
        else []
    )
    if not links:
        return None
    names = joined([results.traces.cited(n, "links", n) for n in links[:12]])
    more = f" and {len(links) - 12} more" if len(links) > 12 else ""
    return Unknown(
        "Prices",
        joined(
            [
                f"No freight tariff prices some units on {len(links)} links; those movements are closed: ",
                names,
                more,
                ".",
            ],
            "",
        ),
    )


def _border_times(results: Results) -> Unknown | None:
    borders = results.case.borders
    bare = borders[borders["exit_hours"].isna() & borders["entry_hours"].isna()]
    if not len(bare):
        return None
    names = joined([results.traces.cited(str(i), "borders", str(i)) for i in bare.index[:12]])
    more = f" and {len(bare) - 12} more" if len(bare) > 12 else ""
    return Unknown(
        "Border times", joined([f"{len(bare)} crossings have no time; they take none: ", names, more, "."], "")
    )


def _coordinates(results: Results) -> Unknown | None:
    nodes = results.case.nodes
    rough = nodes[nodes["coordinate_precision_km"] >= 10]
    if not len(rough):
        return None
    largest = number(rough["coordinate_precision_km"].max(), 0)
    text = Cited(f"{len(rough)} of {len(nodes)} places stand on the map to within 10 to {largest} km", results.inputs())
    return Unknown("Places", joined([text, "."], ""))


def over_capacity(year: Assignment) -> pd.DataFrame:
    """Return the facilities that the flows overload, fullest first; none where capacities are hard."""
    rows = year.facilities
    over = rows[rows["used"] > rows["available"] * (1.0 + TOLERANCE) + TOLERANCE]
    return over.sort_values("utilisation", ascending=False, kind="stable").reset_index(drop=True)
