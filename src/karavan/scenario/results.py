"""What a run keeps of an assignment: plain tables by corridor, port, border, commodity, facility and pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.schema.chains import link_chains
from karavan.schema.state import is_open

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from karavan.assignment.assignment import Assignment

KEYS: dict[str, tuple[str, ...]] = {
    "summary": (),
    "corridors": ("corridor",),
    "ports": ("node",),
    "borders": ("border",),
    "commodities": ("commodity",),
    "facilities": ("facility", "element", "direction"),
    "links": ("link", "direction"),
    "services": ("service", "direction"),
    "pairs": ("id",),
}
"""Tables of a run, and the columns that make a row of each unique."""

PORT_KINDS = ("port", "rail_ferry")
KG_PER_TONNE = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came out of one scenario in one year: tables by name (see `KEYS`)."""

    scenario: str
    year: int | None
    period: str
    tables: Mapping[str, pd.DataFrame]

    @property
    def summary(self) -> dict[str, Any]:
        """The totals, by name."""
        return {str(k): v for k, v in self.tables["summary"].iloc[0].to_dict().items()}


def outcome(assignment: Assignment, *, scenario: str = "base") -> Outcome:
    """Keep the tables of an assignment."""
    frames = {
        "summary": _summary(assignment),
        "corridors": _corridors(assignment),
        "ports": _ports(assignment),
        "borders": _borders(assignment),
        "commodities": _commodities(assignment),
        "facilities": assignment.facilities,
        "links": assignment.links,
        "services": _by_key(assignment.services, KEYS["services"]),
        "pairs": assignment.pairs.drop(columns=["source", "confidence"]),
    }
    tables = {name: plain(frame) for name, frame in frames.items()}
    return Outcome(scenario, assignment.model.case.meta.year, "month" if assignment.month else "year", tables)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are text, number or boolean, so that every reader of Parquet takes it."""
    out = {}
    for name in frame.columns:
        column = frame[name]
        text = column.dtype == object or isinstance(column.dtype, pd.StringDtype)
        out[str(name)] = column.astype("str").where(column.notna(), None).astype("str") if text else column
    return pd.DataFrame(out).reset_index(drop=True)


def _by_key(frame: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    """Sum the numbers of a frame by its key, where it has more rows than that."""
    present = [k for k in key if k in frame.columns]
    numbers = [str(c) for c in frame.select_dtypes("number").columns]
    return frame.groupby(present, as_index=False, sort=True)[numbers].sum() if len(frame) else frame


def _arc_kg(a: Assignment) -> NDArray[np.float64]:
    return a.model.emissions.central + a.model.emissions.ttw_central


def _summary(a: Assignment) -> pd.DataFrame:
    """Totals: tonnes, tonne-kilometres, money, hours, generalized cost and CO2e of what is served."""
    s, tonnes = a.summary, a.paths["tonnes"].to_numpy()
    totals = {
        **{k: s[k] for k in ("case", "year", "day", "period", "method", "objective", "demand", "served", "unserved",
                             "t_km", "objective_usd", "gap")},
        "money_usd": float((a.paths["money_usd_per_tonne"].to_numpy() * tonnes).sum()),
        "generalized_usd": float((a.paths["usd_per_tonne"].to_numpy() * tonnes).sum()),
        "tonne_hours": float((a.paths["hours"].to_numpy() * tonnes).sum()),
        "t_co2e": float((_arc_kg(a) * a.arc_tonnes).sum()) / KG_PER_TONNE,
        "t_co2e_tank_to_wheel_only": float((a.model.emissions.ttw_central * a.arc_tonnes).sum()) / KG_PER_TONNE,
        "rows_binding": int((a.facilities["shadow_price"] > 0).sum()),
    }  # fmt: skip
    return pd.DataFrame([totals])


def _corridors(a: Assignment) -> pd.DataFrame:
    """Tonne-kilometres on the links of each corridor, all goods both ways, and the mean tonnes along it."""
    case = a.model.case
    chains = link_chains(case.links, is_open(case.links, a.model.day))
    flows = a.links.groupby("link")["tonnes"].sum()
    rows = []
    for name, legs in case.corridors.groupby("corridor", sort=False):
        used: set[str] = set()
        for leg in legs.itertuples():
            chain = chains.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)])
            used |= {str(case.links.index[step[0]]) for step in chain or ()}
        km = case.links["length_km"].reindex(sorted(used)).fillna(0.0)
        t_km = float((flows.reindex(km.index).fillna(0.0) * km).sum())
        mean = t_km / float(km.sum()) if float(km.sum()) > 0.0 else np.nan
        rows.append({"corridor": name, "name": legs["name"].iloc[0], "km": float(km.sum()), "t_km": t_km,
                     "mean_tonnes": mean})  # fmt: skip
    return pd.DataFrame(rows, columns=["corridor", "name", "km", "t_km", "mean_tonnes"])


def _ports(a: Assignment) -> pd.DataFrame:
    """Tonnes put on ships and taken off them at each port."""
    case = a.model.case
    water = case.modes.index[(case.modes["medium"] == "water").to_numpy(dtype=bool)]
    frame = a.nodes[a.nodes["mode"].isin(water) & a.nodes["node"].map(case.nodes["kind"]).isin(PORT_KINDS)]
    out = frame.groupby("node", as_index=False)[["tonnes_out", "tonnes_in"]].sum()
    out.insert(1, "name", out["node"].map(case.nodes["name"]))
    return out.assign(tonnes=out["tonnes_out"] + out["tonnes_in"])


def _borders(a: Assignment) -> pd.DataFrame:
    """Tonnes over each border crossing, by direction."""
    graph, case = a.model.graph, a.model.case
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))
    tonnes = np.bincount(graph.over_border, weights=a.arc_tonnes[arc], minlength=len(case.borders))
    out = pd.DataFrame({"border": case.borders.index.to_numpy(dtype=object), "name": case.borders["name"].to_numpy()})
    return out.assign(mode=case.borders["mode"].to_numpy(dtype=object), tonnes=tonnes[: len(out)])


def _commodities(a: Assignment) -> pd.DataFrame:
    """Demand, served and unserved by commodity, with the mean cost, hours and kilometres of what is served."""
    pairs = a.pairs
    out = pairs.groupby("commodity", sort=True)[["tonnes", "served", "unserved"]].sum()
    for column in ("usd_per_tonne", "money_usd_per_tonne", "hours", "km"):
        total = (pairs[column].fillna(0.0) * pairs["served"]).groupby(pairs["commodity"]).sum()
        out[column] = total / out["served"].where(out["served"] > 0.0)
    return out.reset_index()
