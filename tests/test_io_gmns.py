"""GMNS: what is written follows the specification; what others wrote is read into a sound bare case."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import karavan as kv
from karavan.cli import main
from karavan.errors import CaseError, FormatError
from karavan.schema.check import check
from karavan.schema.io.folder import read_case
from karavan.schema.io.gmns import read_gmns, write_gmns
from karavan.units import KM_PER_MILE

SMALL = Path(__file__).parent / "cases" / "small"
NODES = "Node_ID,X_coord,Y_COORD,zone_id,name\n1,50,40,z1,Port\n02,50.01,40,,\n3,50.02,40,z2,NaN\n"
DEGREES = "crs\nEPSG:4326\n"
LINKS = "link_id,from_node_id,to_node_id,Directed\na,1,02,0\nb,02,3,TRUE\nc,3,02,true\n"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a GMNS folder of no more than the required fields (and the nodes' zones), names in mixed case."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "node.csv").write_text(NODES, encoding="utf-8")
    (folder / "Link.csv").write_text(LINKS, encoding="utf-8")
    return folder


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_what_is_written_follows_the_specification(tmp_path: Path) -> None:
    case = read_case(SMALL)
    folder = write_gmns(case, tmp_path / "out")
    nodes, links = rows(folder / "node.csv"), rows(folder / "link.csv")
    assert {"node_id", "x_coord", "y_coord"} <= set(nodes[0])
    assert [n["x_coord"] for n in nodes][:2] == ["55.19", "51.22"]
    assert {n["node_id"]: n["zone_id"] for n in nodes}["AKT"] == "kz"
    assert {"link_id", "from_node_id", "to_node_id", "directed", "length", "allowed_uses"} <= set(links[0])
    assert {link["directed"] for link in links} == {"false"}
    assert {link["allowed_uses"] for link in links} == {u["use"] for u in rows(folder / "use_definition.csv")}
    (config,) = rows(folder / "config.csv")
    assert (config["long_length"], config["crs"], config["version_number"]) == ("km", "EPSG:4326", "0.96")
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert {r["path"] for r in package["resources"]} == {p.name for p in folder.glob("*.csv")}
    for resource in package["resources"]:
        if "schema" in resource:
            header = list(rows(folder / resource["path"])[0])
            assert set(header) <= {f["name"] for f in resource["schema"]["fields"]} | {"zone_id"}


def test_others_see_the_same_network(tmp_path: Path) -> None:
    """Without our companion files the folder is plain GMNS, and gives the same nodes and links."""
    case = read_case(SMALL)
    folder = write_gmns(case, tmp_path / "out")
    for path in [*folder.glob("karavan_*"), folder / "datapackage.json"]:
        path.unlink()
    bare = read_gmns(folder)
    assert bare.nodes["latitude"].to_dict() == case.nodes["latitude"].to_dict()
    for field in ("from_node", "to_node", "mode", "length_km", "directed", "geometry"):
        assert bare.links[field].dropna().to_dict() == case.links[field].dropna().to_dict()
    assert set(bare.modes.index) == set(case.links["mode"])


def test_required_fields_alone_make_a_sound_case(foreign: Path) -> None:
    case = read_gmns(foreign)
    assert check(case).findings == ()
    assert list(case.nodes.index) == ["1", "02", "3"]  # text, zeros kept
    assert case.nodes["name"].tolist() == ["Port", "02", "3"]
    assert case.links["directed"].tolist() == [False, True, True]
    assert set(case.links["mode"]) == {"road"} == set(case.modes.index)
    assert case.zones["nodes"].to_dict() == {"z1": "1", "z2": "3"}
    assert case.links["length_km"].isna().all()
    assert "mode 'road'" in case.meta.text


def test_units_capacity_and_uses(foreign: Path) -> None:
    write(
        foreign,
        Link="link_id,from_node_id,to_node_id,directed,length,free_speed,lanes,capacity,allowed_uses,toll,facility_type\n"
        'a,1,02,false,1,50,2,900,hgv,0.5,trunk\nb,02,3,false,1.25,,,900,"ALL",,\n',
        config="long_length,speed,currency\nmile,mph,EUR\n",
        use_group='use_group,uses\nall,"hgv,train"\n',
        zone="zone_id,name\nz1,West\nz9,Nowhere\n",
    )
    case = read_gmns(foreign)
    links = case.links
    assert links["length_km"].tolist() == [KM_PER_MILE, 1.25 * KM_PER_MILE, 1.25 * KM_PER_MILE]
    assert links.loc["a", "hours"] == pytest.approx(1 / 50)
    assert links.loc["a", "delay_capacity"] == 1800.0  # by lane in the file
    assert links["delay_capacity"].isna().tolist() == [False, True, True]  # lanes are not known
    assert links["mode"].to_dict() == {"a": "hgv", "b": "hgv", "b@train": "train"}
    assert case.meta.units["links.declared_length"] == "mile"
    assert case.meta.units["links.toll"] == "EUR"
    assert case.zones["name"].to_dict() == {"z1": "West"}
    for word in ("repeated", "1 zones without a node", "by lane"):
        assert word in case.meta.text


def test_projected_coordinates_and_shared_geometry(foreign: Path) -> None:
    write(
        foreign,
        node="node_id,x_coord,y_coord\n1,500000,4427757\n2,501000,4427757\n",
        Link="link_id,from_node_id,to_node_id,directed,geometry_id,dir_flag\na,1,2,true,g,-1\n",
        geometry='geometry_id,geometry\ng,"LINESTRING (501000 4427757, 500500 4427800, 500000 4427757)"\n',
    )
    with pytest.raises(FormatError, match="give crs="):
        read_gmns(foreign)
    with pytest.raises(FormatError, match="is not known"):
        read_gmns(foreign, crs="EPSG:999999")
    case = read_gmns(foreign, crs="EPSG:32639")  # UTM 39 north: the meridian of 51 E
    assert case.nodes["longitude"].tolist() == pytest.approx([51.0, 51.0117], abs=1e-4)
    assert case.nodes["latitude"].tolist() == pytest.approx([40.0, 40.0], abs=1e-3)
    assert case.links.loc["a", "geometry"].startswith("LINESTRING (50.99")  # turned round


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({"node": NODES.replace("40,z1", "95,z1"), "config": DEGREES}, ("node.csv", 2, "y_coord", "95 is above 90")),
        ({"node": NODES.replace("50,40,z1", "x,40,z1")}, ("node.csv", 2, "x_coord", "no number")),
        ({"Link": LINKS.replace("b,02,3,TRUE", "b,02,3,")}, ("Link.csv", 3, "directed", "is empty")),
        ({"Link": LINKS.replace("TRUE", "maybe")}, ("Link.csv", 3, "directed", "neither true nor false")),
        ({"Link": LINKS.replace("b,02,3", "a,02,3")}, ("Link.csv", 3, "link_id", "stands already in line 2")),
        ({"Link": LINKS + "d,3,7,true\n"}, ("Link.csv", 5, "to_node_id", "'7' is not in node.csv")),
        ({"Link": LINKS + "d,3,1\n"}, ("Link.csv", 5, "", "has 3 cells")),
        (
            {
                "Link": LINKS.replace("Directed", "directed,length").replace("02,0", "02,0,-1").replace("UE", "UE,9")
                .replace("02,true", "02,true,9"),
                "config": "long_length\nkm\n",
            },
            ("Link.csv", 2, "length", "below 0"),
        ),
    ],
)  # fmt: skip
def test_faults_are_named_in_the_words_of_gmns(
    foreign: Path, files: dict[str, str], finding: tuple[str, int, str, str]
) -> None:
    write(foreign, **files)
    with pytest.raises(CaseError) as raised:
        read_gmns(foreign)
    (found,) = [f for f in raised.value.findings if f.severity == "error"]
    assert (found.file, found.line, found.field) == finding[:3]
    assert finding[3] in found.problem


def test_missing_tables_and_columns(foreign: Path, tmp_path: Path) -> None:
    (foreign / "node.csv").write_text("node_id,x_coord\n1,5\n", encoding="utf-8")
    with pytest.raises(CaseError, match="column 'y_coord' is missing"):
        read_gmns(foreign)
    (foreign / "node.csv").unlink()
    with pytest.raises(FormatError, match=r"no node\.csv"):
        read_gmns(foreign)
    with pytest.raises(FormatError, match="no such folder"):
        read_gmns(tmp_path / "nothing")


@pytest.mark.parametrize(
    "path", ["../node.csv", "/etc/passwd", "a/../../node.csv", "C:\\node.csv", "..\\node.csv", "", 5]
)
def test_paths_that_leave_the_folder_are_refused(foreign: Path, path: object) -> None:
    shutil.copy(foreign / "node.csv", foreign.parent / "node.csv")
    package = {"resources": [{"name": "node", "path": path}, {"name": "link", "path": "Link.csv"}]}
    (foreign / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(FormatError, match=r"leads out of the folder|no file name"):
        read_gmns(foreign)


def test_a_link_that_leaves_the_folder_is_refused(foreign: Path) -> None:
    (foreign / "node.csv").rename(foreign.parent / "secret.csv")
    (foreign / "node.csv").symlink_to(foreign.parent / "secret.csv")
    package = {"resources": [{"name": "node", "path": "node.csv"}, {"name": "link", "path": "Link.csv"}]}
    (foreign / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(FormatError, match="leads out of the folder"):
        read_gmns(foreign)


def test_our_own_folder_is_read_as_strictly_as_a_case_folder(tmp_path: Path) -> None:
    folder = write_gmns(read_case(SMALL), tmp_path / "out")
    text = (folder / "link.csv").read_text(encoding="utf-8")
    (folder / "link.csv").write_text(text.replace(",430,", ",-430,", 1), encoding="utf-8")
    (folder / "karavan_zonez.csv").write_text("id\n", encoding="utf-8")
    (folder / "karavan_modes.csv").write_text("id\n", encoding="utf-8")
    with pytest.raises(CaseError) as raised:
        read_gmns(folder)
    found = {(f.file, f.line, f.field) for f in raised.value.findings}
    assert found >= {("link.csv", 2, "length"), ("karavan_zonez.csv", 0, ""), ("karavan_modes.csv", 1, "name")}
    (folder / "node.csv").unlink()
    with pytest.raises(CaseError, match=r"node\.csv: the file is missing"):
        read_gmns(folder)


@pytest.fixture
def congested(tmp_path: Path) -> Path:
    """Return a folder of two zones and two ways between them, in the columns of assignment tools."""
    folder = tmp_path / "congested"
    folder.mkdir()
    return write(
        folder,
        node="node_id,zone_id,node_type,x_coord,y_coord\n1,1,,0,0\n2,,,0,0.1\n3,2,,0.1,0.1\n",
        link="link_id,from_node_id,to_node_id,dir_flag,length,lanes,capacity,free_speed,VDF_fftt1,VDF_cap1,VDF_alpha1,"
        "VDF_beta1,VDF_alpha2\na,1,3,1,1,1,5,60,1,10,1,1,9\nb,1,2,1,1,2,5,60,2,,0,1,9\nc,2,3,1,0,1,,60,0,,,,\n",
        demand="o_zone_id,d_zone_id,volume\n1,2,30\n2,1,0\n",
    )


def test_demand_and_delay_columns_make_it_ready_to_assign(
    congested: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = read_gmns(congested)
    assert check(case).errors == ()
    assert case.demand["tonnes"].to_dict() == {"1>2": 30.0}
    assert case.links["delay_function"].tolist() == ["bpr", "bpr", "constant"]
    assert case.links["delay_capacity"].tolist()[:2] == [10.0, 10.0]  # of the link; of its lanes
    assert case.links["delay_b"].tolist() == [1.0, 0.0, 0.15]
    assert case.meta.units["links.delay_free_flow_time"] == "min"
    assert case.zones["through"].all()
    out = tmp_path / "flows.csv"
    command = ["assign", "--method", "user-equilibrium", "--gap", "1e-10", "--out", str(out), "--json", str(congested)]
    assert main(command) == 0
    # link a takes 10 (1 + 10 / 10 = 2 minutes), the way over b and c the other 20: Beckmann 10 + 5 + 40
    assert json.loads(capsys.readouterr().out)["objective"] == pytest.approx(55.0)
    assert [float(row["flow"]) for row in rows(out)] == pytest.approx([10.0, 20.0, 20.0])


def test_delay_functions_from_length_speed_and_lanes(congested: Path) -> None:
    header = "link_id,from_node_id,to_node_id,directed,length,lanes,capacity,free_speed\n"
    write(congested, link=header + "a,1,3,true,30,2,900,60\nb,1,2,true,15,,900,60\nc,2,3,true,15,1,900,60\n")
    case = read_gmns(congested)
    assert case.links["delay_function"].tolist() == ["bpr", "constant", "bpr"]
    assert case.links["delay_free_flow_time"].tolist() == [0.5, 0.25, 0.25]
    assert case.links[["delay_b", "delay_power"]].to_numpy().tolist() == [[0.15, 4.0]] * 3
    assert case.meta.units["links.delay_free_flow_time"] == "declared length / declared speed"
    assert kv.assign(case, method=kv.UserEquilibrium()).converged
    write(congested, config="long_length,speed\nkm,km/h\n")
    assert read_gmns(congested).meta.units["links.delay_free_flow_time"] == "h"
    links = 'a,1,3,true,30,2,900,60,"auto,hgv"\nb,1,2,true,15,1,900,60,auto\n'
    write(congested, link=header.replace("free_speed", "free_speed,allowed_uses") + links)
    case = read_gmns(congested)
    assert case.links["mode"].to_dict() == {"a": "auto", "b": "auto"}  # no capacity twice
    assert "of the first only" in case.meta.text


def test_others_do_not_pass_through_a_centroid(congested: Path) -> None:
    nodes = "node_id,zone_id,node_type,x_coord,y_coord\n1,1,,0,0\n2,3,centroid,0,1\n3,2,,1,1\n"
    case = read_gmns(write(congested, node=nodes))
    assert case.zones["through"].tolist() == [True, False, True]
    flows = kv.assign(case, method=kv.UserEquilibrium()).link_flows
    assert flows["flow"].tolist() == pytest.approx([30.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("demand", "finding"),
    [
        ("o_zone_id,volume\n1,3\n", (1, "d_zone_id", "is missing")),
        ("o_zone_id,d_zone_id,volume\n1,9,3\n", (2, "d_zone_id", "'9' is not in")),
        ("o_zone_id,d_zone_id,volume\n1,2,-3\n", (2, "volume", "below 0")),
        ("o_zone_id,d_zone_id,volume\n1,2,x\n", (2, "volume", "no number")),
        ("o_zone_id,d_zone_id,volume\n1,2,3\n1,2,4\n", (3, "id", "stands already in line 2")),
    ],
)
def test_faults_of_demand(congested: Path, demand: str, finding: tuple[int, str, str]) -> None:
    with pytest.raises(CaseError) as raised:
        read_gmns(write(congested, demand=demand))
    found = [f for f in raised.value.findings if f.severity == "error" and f.file == "demand.csv"]
    assert (found[0].line, found[0].field) == finding[:2]
    assert finding[2] in found[0].problem
