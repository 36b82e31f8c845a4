"""The Caspian pack: sound, cited, lengths near the published ones, corridors travelled, flows in balance."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from karavan.assignment.front import assign
from karavan.model import build_model
from karavan.report.corridors import corridor_routes
from karavan.routing.front import route
from karavan.routing.shipment import Shipment
from karavan.schema.case import as_list
from karavan.schema.chains import link_chains
from karavan.schema.check import check
from karavan.schema.io.folder import read_case
from karavan.schema.io.packs import pack_folder, read_pack
from karavan.schema.names import find_commodity, find_nodes
from karavan.schema.state import is_open
from karavan.schema.tables import schema


@pytest.fixture(scope="module")
def case():
    return read_pack("caspian")


@pytest.fixture(scope="module")
def model(case):
    return build_model(case)


@pytest.fixture(scope="module")
def base(model):
    return assign(model)


def test_the_pack_has_no_errors_and_every_warning_is_known() -> None:
    report = check(pack_folder("caspian"))
    assert report.errors == ()
    assert {(w.file, w.field) for w in report.warnings} <= {("facilities.csv", "shared"), ("links.csv", "length_km")}


def test_no_number_without_a_source_and_no_estimate_without_its_manner(case) -> None:
    for name, table in schema().items():
        frame = case.tables[name]
        if table.cited and len(frame):
            assert frame["source"].notna().all(), name
            assert frame.loc[frame["confidence"] == "C", "note"].notna().all(), name
    own = case.sources[case.sources["kind"].isin(["computation", "judgement"])].index
    for name, table in schema().items():
        frame = case.tables[name]
        if table.cited and len(frame):
            guessed = frame["source"].map(lambda cell: set(as_list(cell)) <= set(own))
            assert (frame.loc[guessed, "confidence"] == "C").all(), name


@pytest.mark.parametrize(
    ("way", "published_km"),
    [
        (["KZ_ALT", "KZ_ZHT", "KZ_SHU", "KZ_MOI", "KZ_ZHE", "KZ_SAK", "KZ_SHL", "KZ_BEY", "KZ_AKT"], 3128),
        (["KZ_UZE", "TM_BER", "IR_GOR"], 922.5),
        (["AZ_BAK", "GE_TBS", "TR_KAR"], 829),
        (["IR_AMI", "IR_BND"], 1780),
        (["IR_ZAH", "IR_KHS"], 155),
    ],
)
def test_rail_lengths_are_within_two_per_cent_of_the_published(case, way, published_km) -> None:
    chains = link_chains(case.links, is_open(case.links, "2024-07-01"))
    steps = chains.shortest("rail", way)
    assert steps is not None
    km = case.links["length_km"].to_numpy()[[link for link, _ in steps]].sum()
    assert km == pytest.approx(published_km, rel=0.02)


def test_the_line_to_chabahar_is_planned_with_its_length(case) -> None:
    every = link_chains(case.links, np.ones(len(case.links), dtype=bool))
    usable = link_chains(case.links, is_open(case.links, "2024-07-01"))
    steps = every.shortest("rail", ["IR_KHS", "IR_CHB"])
    assert sum(case.links["length_km"].iloc[link] for link, _ in steps) == pytest.approx(473, rel=0.02)
    assert usable.shortest("rail", ["IR_KHS", "IR_CHB"]) is None


def test_every_corridor_is_travelled_end_to_end_on_its_own_modes(case, model) -> None:
    found = corridor_routes(model)
    assert len(found) == case.corridors["corridor"].nunique()
    for corridor in found:
        assert corridor.route is not None, corridor.id
        modes = {leg[2] for leg in corridor.legs}
        moved = corridor.route.legs
        assert set(moved.loc[moved["what"] == "movement", "mode"]) <= modes, corridor.id
        assert corridor.route.origin == corridor.legs[0][0]
        assert corridor.route.destination == corridor.legs[-1][1]


@pytest.mark.parametrize("node", ["KZ_DOS", "KZ_ALT", "IR_SAR", "IR_AST", "IR_JOL", "GE_AKH"])
def test_gauge_is_changed_where_it_breaks(case, node) -> None:
    here = case.transfers[(case.transfers["node"] == node) & (case.transfers["from_mode"] == case.transfers["to_mode"])]
    gauges = set(zip(here["from_track_gauge_mm"].dropna(), here["to_track_gauge_mm"].dropna(), strict=False))
    assert {frozenset(map(int, pair)) for pair in gauges} >= {frozenset({1520, 1435})}


def test_names_a_forwarder_would_type(case) -> None:
    assert find_commodity(case, "steel") == "steel"
    assert find_commodity(case, "fruit") == "fruit_nuts"
    assert find_commodity(case, "general cargo") == "general_cargo"
    assert "IN_NSA" in find_nodes(case, "Mumbai")
    assert {"KZ_AKT", "KZ_MAN"} <= set(find_nodes(case, "Aktau"))
    first = route(case, Shipment("Khorgos", "Poti", "general cargo", 20))[0]
    assert first.destination == "GE_POT"
    assert 10 < first.days < 25
    assert 1_000 < first.usd_per_teu < 4_000


def test_flows_keep_balance_and_capacity(model, base) -> None:
    """Flow balance is by construction; here it is counted again from the arcs, with the capacity rows."""
    graph, s, problem = model.graph, base.solution, base.problem
    for k in range(len(model.costs)):
        path, arc, _ = base.path_table
        tonnes = s.path_tonnes[path] * (base.path_commodity[path] == k)
        flow = np.bincount(arc, weights=tonnes, minlength=graph.n_arcs)
        net = np.bincount(graph.tail, flow, graph.n_nodes) - np.bincount(graph.head, flow, graph.n_nodes)
        mine = problem.demand_class == k
        expected = np.bincount(problem.origin[mine], s.served[mine], graph.n_nodes)
        expected -= np.bincount(problem.destination[mine], s.served[mine], graph.n_nodes)
        assert net == pytest.approx(expected, abs=1e-6 * max(flow.max(), 1.0))
    facilities = base.facilities
    assert (facilities["used"] <= facilities["available"] * (1 + 1e-7) + 1e-6).all()
    assert base.summary["served"] + base.summary["unserved"] == pytest.approx(base.summary["demand"])
    assert base.summary["gap"] < 1e-6


def test_shadow_prices_stand_only_on_full_rows(base) -> None:
    priced = base.facilities[base.facilities["shadow_price"] > 1e-6]
    assert len(priced) > 5
    assert (priced["used"] >= priced["available"] * (1 - 1e-6)).all()


def test_a_stranger_adds_a_port_with_its_links_and_it_carries_flow(tmp_path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(pack_folder("caspian"), folder)

    def add(table: str, **cells: object) -> None:
        path = folder / f"{table}.csv"
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        row = dict.fromkeys(rows.columns, "") | {"source": "own-judgement", "confidence": "C", "note": "A trial."}
        row = {c: v for c, v in (row | {k: str(v) for k, v in cells.items()}).items() if c in rows.columns}
        pd.concat([rows, pd.DataFrame([row])]).to_csv(path, index=False)

    add("nodes", id="KZ_NEW", name="New port", place="New port", country="KAZ", kind="port", latitude=44.5,
        longitude=50.3, coordinate_precision_km=5, status="open")  # fmt: skip
    add("links", id="KZ_MAN-KZ_NEW-rail", from_node="KZ_MAN", to_node="KZ_NEW", mode="rail", length_km=180,
        track_gauge_mm=1520, status="open")  # fmt: skip
    add("links", id="KZ_NEW-AZ_ALA-sea", from_node="KZ_NEW", to_node="AZ_ALA", mode="sea", length_km=560, status="open")
    add("transfers", id="KZ_NEW:wagon@rail>bulk@sea", node="KZ_NEW", kind="handling", from_mode="rail",
        from_track_gauge_mm=1520, from_unit="wagon_1520", to_mode="sea", to_unit="bulk", both_ways="true",
        usd_per_tonne=1, hours=1, status="open")  # fmt: skip
    for a, b in (("KZ_NEW", "AZ_ALA"), ("AZ_ALA", "KZ_NEW")):
        add(
            "borders",
            id=f"{a}>{b}-sea",
            name="New line",
            from_node=a,
            to_node=b,
            mode="sea",
            exit_hours=1,
            entry_hours=1,
        )
    add("freight_tariffs", id="new", mode="sea", carrying_unit="bulk", commodities="wheat", usd_per_tkm=0.001)
    assert check(folder).errors == ()
    nodes = assign(read_case(folder)).nodes
    assert nodes.loc[nodes["node"] == "KZ_NEW", "tonnes_out"].sum() > 0
