"""TNTP: the public networks are read whole, published flows give the published objectives, faults name their line."""

from __future__ import annotations

import gzip
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

import karavan as kv
from karavan.errors import CaseError, FormatError
from karavan.schema.check import check
from karavan.schema.io.tntp import read_tntp

if TYPE_CHECKING:
    from pathlib import Path

    from karavan.schema.case import Case


@dataclass(frozen=True)
class Known:
    """What the table in the README of the data says of a network."""

    folder: str
    stem: str
    zones: int
    nodes: int
    links: int
    first_through: int
    trips: float | None
    pairs: int = 0
    objective: float | None = None
    toll_weight: float = 0.0
    distance_weight: float = 0.0


KNOWN = (
    Known("SiouxFalls", "SiouxFalls", 24, 24, 76, 1, 360_600.0, 528, 4_231_335.2871074397),
    Known("Anaheim", "Anaheim", 38, 416, 914, 39, 104_694.40, 1_406, 1_286_032.1710960320),
    Known("Barcelona", "Barcelona", 110, 1_020, 2_522, 111, 184_679.561, 7_922, 1_265_654.9220317658),
    Known("Winnipeg", "Winnipeg", 147, 1_052, 2_836, 148, 64_784.0, 4_344, 827_911.4946299649),
    Known(
        "Chicago-Sketch", "ChicagoSketch", 387, 933, 2_950, 1, 1_260_907.44, 93_135, 17_313_018.7387477905, 0.02, 0.04
    ),
    Known("Berlin-Mitte-Center", "berlin-mitte-center", 36, 398, 871, 37, 11_481.924, 1_260),
    Known("Berlin-Friedrichshain", "friedrichshain-center", 23, 224, 523, 24, 11_205.1, 506),
    Known("Berlin-Center", "berlin-center", 865, 12_981, 28_376, 866, 168_222.302, 49_688),
    Known(
        "Chicago-Regional", "ChicagoRegional", 1_790, 12_982, 39_018, 1_791, None, 0, 30_792_611.3864396513, 0.1, 0.25
    ),
    Known("Philadelphia", "Philadelphia", 1_525, 13_389, 40_003, 1_526, None),
)
NET = """<NUMBER OF ZONES> 2\r
<NUMBER OF NODES>\t4 \r
<FIRST THRU NODE> 3
<NUMBER OF LINKS> 4
<ORIGINAL HEADER>~ Init node ;
<END OF METADATA>

~\tinit\tterm\tcapacity\tlength\ttime\tb\tpower\tspeed\ttoll\ttype\t;
\t1\t3\t1\t2.5\t1.083333333333333\t1.5E-18\t4\t0\t0.25\t1\t;\r
 3 4 900 1 0 0 0 60 0 12;
3 4 800 1 1 0.15 4.5 60 0 12 ;~ a second one
4 2 900 1 1 .15 4 60 0 x ;
"""
TRIPS = """<NUMBER OF ZONES> 2
<TOTAL OD FLOW> 12.5
<END OF METADATA>
~ comment
Origin  1
 1 : 2.0;    2 :   10.25;
Origin 2
    1 :0.25;  2 : 0.0
"""
NODES = "node\tX\tY\t;\n1\t0\t5\t;\n2 1 5.5 ;\n3\t2 6 ;\n"


@pytest.mark.parametrize("known", KNOWN, ids=lambda k: k.folder)
def test_public_networks_are_read_whole(known: Known, shared: Path) -> None:
    case = read_known(known, shared)
    assert len(case.zones) == max(known.zones, known.first_through - 1)
    assert (len(case.nodes), len(case.links)) == (known.nodes, known.links)
    closed = ~case.zones["through"].to_numpy(dtype=bool)
    assert closed.tolist() == [zone + 1 < known.first_through for zone in range(known.zones)]
    assert check(case).errors == ()
    if known.trips is not None:
        between = case.demand[case.demand["origin"] != case.demand["destination"]]
        assert case.demand["tonnes"].sum() == pytest.approx(known.trips, rel=1e-12)
        assert len(between) == known.pairs


@pytest.mark.parametrize("known", [k for k in KNOWN if k.objective is not None], ids=lambda k: k.folder)
def test_published_flows_give_the_published_objective(known: Known, shared: Path) -> None:
    """The sum over links of the integral of the delay, with toll and distance at their weights, to all digits."""
    links = read_known(known, shared, trips=False).links
    flow = dict[tuple[str, str], float]()
    for line in (shared / "data" / "tntp" / known.folder / f"{known.stem}_flow.tntp").read_text().splitlines():
        parts = line.replace(";", " ").split()
        if len(parts) == 4 and parts[0].isdecimal():
            flow[parts[0], parts[1]] = float(parts[2])
    x = np.array([flow[pair] for pair in zip(links["from_node"], links["to_node"], strict=True)])
    t0, b, power = (links[f"delay_{name}"].to_numpy() for name in ("free_flow_time", "b", "power"))
    fixed = known.toll_weight * links["toll"].to_numpy() + known.distance_weight * links["declared_length"].to_numpy()
    integral = t0 * (x + b * x / (power + 1.0) * (x / links["delay_capacity"].to_numpy()) ** power) + fixed * x
    assert math.fsum(integral) == pytest.approx(known.objective, rel=2e-15)


def test_a_big_network_takes_a_few_seconds(shared: Path) -> None:
    start = time.process_time()
    read_known(KNOWN[8], shared)
    assert time.process_time() - start < 5.0


def read_known(known: Known, shared: Path, *, trips: bool = True) -> Case:
    folder = shared / "data" / "tntp" / known.folder
    path = folder / f"{known.stem}_trips.tntp"
    return read_tntp(folder / f"{known.stem}_net.tntp", path if trips and path.exists() else None)


def read_text(folder: Path, net: str = NET, trips: str = TRIPS, nodes: str = NODES) -> Case:
    for name, text in (("a_net.tntp", net), ("a_trips.tntp", trips), ("a_node.tntp", nodes)):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return read_tntp(folder / "a_net.tntp", folder / "a_trips.tntp", folder / "a_node.tntp")


def test_numbers_stay_as_they_are_and_units_are_declared(tmp_path: Path) -> None:
    case = read_text(tmp_path)
    links = case.links
    assert list(links.index) == ["1-3", "3-4", "3-4#2", "4-2"]
    assert links["delay_b"].tolist() == [1.5e-18, 0.0, 0.15, 0.15]
    assert links["delay_power"].tolist() == [4.0, 0.0, 4.5, 4.0]
    assert links["delay_free_flow_time"].tolist() == [1.083333333333333, 0.0, 1.0, 1.0]
    assert links["toll"].tolist() == [0.25, 0.0, 0.0, 0.0]
    assert links["link_type"].tolist() == ["1", "12", "12", "x"]
    assert links["declared_length"].tolist() == [2.5, 1.0, 1.0, 1.0]
    assert links["length_km"].isna().all()
    assert links["directed"].all()
    assert set(links["delay_function"]) == {"bpr"}
    assert case.zones["through"].tolist() == [False, False]
    assert case.demand["tonnes"].to_dict() == {"1>1": 2.0, "1>2": 10.25, "2>1": 0.25}
    assert case.nodes["declared_y"].tolist()[:3] == [5.0, 5.5, 6.0]
    assert case.nodes["latitude"].isna().all()
    assert case.lines["links"].tolist() == [9, 10, 11, 12]
    assert case.lines["demand"].tolist() == [6, 6, 8]
    assert case.meta.units["links.declared_length"] == "as in the file"
    assert case.meta.name == "a"
    files = tmp_path / "a_net.tntp", tmp_path / "a_trips.tntp", tmp_path / "a_node.tntp"
    said = read_tntp(*files, name="b", units={"length": "mi", "flow": "veh/h"}, crs="EPSG:4326")
    assert said.meta.units["links.declared_length"] == "mi"
    assert said.meta.units["demand.tonnes"] == "veh/h"
    assert said.nodes["latitude"].tolist()[:3] == [5.0, 5.5, 6.0]
    with pytest.raises(FormatError, match="no key 'lenght'"):
        read_tntp(files[0], units={"lenght": "mi"})


def test_gzip_and_a_network_alone(tmp_path: Path) -> None:
    (tmp_path / "a_net.tntp.gz").write_bytes(gzip.compress(NET.encode()))
    case = read_tntp(tmp_path / "a_net.tntp.gz")
    assert (len(case.links), len(case.demand)) == (4, 0)
    (tmp_path / "a_net.tntp.gz").write_bytes(gzip.compress(NET.encode())[:50])
    with pytest.raises(FormatError, match="cannot be read"):
        read_tntp(tmp_path / "a_net.tntp.gz")
    with pytest.raises(FormatError, match="no such file"):
        read_tntp(tmp_path / "nothing.tntp")


def test_nodes_without_links_are_kept_as_suspended(tmp_path: Path) -> None:
    case = read_text(tmp_path, net=NET.replace("\t4 \r", "6"))
    assert case.nodes["status"].to_dict() == dict.fromkeys("1234", "open") | dict.fromkeys("56", "suspended")
    assert {f.severity for f in check(case).findings} == {"warning"}


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("net", "<END OF METADATA>", "", r"a_net.tntp:8: is no metadata line|a_net.tntp:9: is no metadata line"),
        ("net", "<FIRST THRU NODE> 3", "", r"<FIRST THRU NODE> is missing"),
        ("net", "<FIRST THRU NODE> 3", "<FIRST THRU NODE> 9", r"do not fit together"),
        ("net", "<NUMBER OF NODES>\t4", "<NUMBER OF NODES> four", r"'four'; give a whole number"),
        ("net", "<NUMBER OF LINKS> 4", "<NUMBER OF LINKS> 5", r"has 4 links where <NUMBER OF LINKS> says 5"),
        ("net", " 3 4 900 1 0 0 0 60 0 12;", " 3 4 900 1 0 0 0 60 12;", r"a_net.tntp:10: has 9 fields"),
        ("net", " 3 4 900 1 0", " 3 7 900 1 0", r"a_net.tntp:10: '7' is no node; nodes are 1 to 4"),
        ("net", " 3 4 900 1 0", " 3 4 9OO 1 0", r"a_net.tntp:10: capacity '9OO' is no number"),
        ("net", " 3 4 900 1 0", " 3 4 nan 1 0", r"a_net.tntp:10: capacity 'nan' is no number"),
        ("net", " 3 4 900 1 0", " 3 4 900 1 -2", r"a_net.tntp:10: free flow time is negative"),
        ("net", "3 4 800 1 1", "3 4 0 1 1", r"a_net.tntp:11: capacity is zero"),
        ("trips", "Origin  1", "", r"a_trips.tntp:6: entries stand before the first Origin"),
        ("trips", "Origin 2", "Origin 3", r"a_trips.tntp:7: '3' is no zone; zones are 1 to 2"),
        ("trips", "    1 :0.25", "    9 :0.25", r"a_trips.tntp:8: '9' is no zone"),
        ("trips", "1 :0.25;  2 : 0.0", "1 :0.25  2 : 0.0", r"a_trips.tntp:8: is neither an origin nor entries"),
        ("trips", "10.25", "ten", r"a_trips.tntp:6: flow 'ten' is no number"),
        ("trips", "10.25", "-10.25", r"a_trips.tntp:6: flow -10.25 is negative"),
        ("trips", "10.25", "1.25", r"adds up to 3.5 where <TOTAL OD FLOW> says 12.5"),
        ("trips", "2 :   10.25", "1 : 10.25", r"a_trips.tntp:6: the trips 1>1 stand already in line 6"),
        ("nodes", "2 1 5.5 ;", "9 1 5.5 ;", r"a_node.tntp:3: is no row of node, x and y"),
        ("nodes", "2 1 5.5 ;", "1 1 5.5 ;", r"a_node.tntp:3: node 1 stands already in line 2"),
        ("nodes", "2 1 5.5 ;", "2 1 here ;", r"a_node.tntp:3: '1', 'here' are no coordinates"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, file: str, old: str, new: str, problem: str) -> None:
    texts = {"net": NET, "trips": TRIPS, "nodes": NODES}
    assert texts[file].count(old) == 1
    texts[file] = texts[file].replace(old, new)
    with pytest.raises(FormatError, match=problem):
        read_text(tmp_path, **texts)


def test_a_link_to_itself_is_a_fault_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"a_net\.tntp:11 to_node: begins and ends at the same node"):
        read_text(tmp_path, net=NET.replace("3 4 800", "4 4 800"))


def test_declared_weights_are_part_of_the_cost(tmp_path: Path) -> None:
    read_text(tmp_path)
    files = tmp_path / "a_net.tntp", tmp_path / "a_trips.tntp"
    assert "toll_weight" not in read_tntp(*files).meta.units
    case = read_tntp(*files, toll_weight=0.1, distance_weight=2.0)
    assert (case.meta.units["toll_weight"], case.meta.units["distance_weight"]) == ("0.1", "2.0")
    again = kv.read_case(kv.write_case(case, tmp_path / "case"))
    assert again.meta.units == case.meta.units
    plain, weighed = (kv.assign(c, method=kv.UserEquilibrium()) for c in (read_tntp(*files), again))
    # 10.25 trips go from 1 to 2 over lengths 2.5, 1 and 1 and a toll of 0.25; those from 2 to 1 have no way
    assert weighed.objective - plain.objective == pytest.approx(10.25 * (2.0 * 4.5 + 0.1 * 0.25))
    assert kv.assign_congested(case, toll_weight=0.0, distance_weight=0.0).objective == plain.objective
    for key in ("toll_weight", "distance_weight"):
        with pytest.raises(ValueError, match=f"{key} is -1"):
            read_tntp(files[0], **{key: -1.0})
    file = tmp_path / "case" / "case.toml"
    file.write_text(file.read_text().replace('"2.0"', '"two"'))
    with pytest.raises(FormatError, match=r"units.distance_weight is 'two'; give a number"):
        kv.assign(kv.read_case(tmp_path / "case"), method=kv.SystemOptimum())


def test_chicago_sketch_gives_the_published_objective(shared: Path) -> None:
    net, trips = (shared / "data" / "tntp" / "Chicago-Sketch" / f"ChicagoSketch_{x}.tntp" for x in ("net", "trips"))
    case = kv.read_tntp(net, trips, toll_weight=0.02, distance_weight=0.04)
    found = kv.assign(case, method=kv.UserEquilibrium(gap=1e-10))
    assert found.converged
    assert found.relative_gap <= 1e-10
    assert found.objective == pytest.approx(17_313_018.7387477, rel=1e-9)


def test_every_method_goes_through_one_door(tmp_path: Path) -> None:
    case, pack = read_text(tmp_path), kv.read_pack("caspian")
    flows = kv.assign(case, method=kv.UserEquilibrium(gap=1e-10))
    assert isinstance(flows, kv.CongestedAssignment)
    best = kv.assign(case, method=kv.SystemOptimum(), start=flows)
    assert isinstance(best, kv.CongestedAssignment)
    hard = kv.assign(pack)
    assert isinstance(hard, kv.Assignment)
    assert hard.converged
    assert hard.relative_gap <= hard.method.gap
    assert hard.objective == hard.summary["objective_usd"]
    table = hard.link_flows.set_index(["link_id", "direction"])
    assert {"link_id", "direction", "flow", "cost"} <= set(flows.link_flows.columns) & {*table.reset_index().columns}
    carried = hard.links.set_index(["link", "direction"])["tonnes"]
    assert table["flow"].reindex(carried.index).to_numpy() == pytest.approx(carried.to_numpy())
    assert table["flow"].sum() == pytest.approx(carried.sum())
    assert (table["cost"].dropna() > 0.0).all()
    assert kv.assign(pack, method=kv.AllOrNothing()).converged
    for options, problem in (
        ({"day": "2024-01-01"}, "neither day nor month"),
        ({"month": True}, "neither day nor month"),
        ({"start": hard}, "no delay functions"),
    ):
        with pytest.raises(ValueError, match=problem):
            kv.assign(case, method=kv.UserEquilibrium(), **options)
    with pytest.raises(ValueError, match="LeastCost begins with one of its kind"):
        kv.assign(pack, start=flows)
