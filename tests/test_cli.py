"""The command line: one JSON document, plain errors, numbers for people, quick help."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import frame, tiny

import karavan as kv
from karavan.cli import main
from karavan.cli.output import cell_text, safe

COMMANDS = (
    "check", "describe", "trace", "route", "assign", "brief", "promise", "validate", "export", "import", "packs",
    "route-many", "skim", "run", "compare", "invest", "equipment", "criticality", "serve",
)  # fmt: skip
ROUTE = ("route", "Aby", "Dale", "--commodity", "grain", "--tonnes", "1000")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return kv.write_case(tiny(), tmp_path / "tiny")


def strict(text: str) -> Any:
    """Parse JSON as the standard has it: no NaN, no infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    given_code, out, err = run(capsys, *arguments, "--json")
    assert given_code == code, err
    assert "Traceback" not in err
    return strict(out)


def program(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as people do, in another process and folder."""
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-m", "karavan", *arguments], cwd=cwd, env=os.environ | {"PYTHONPATH": path, "COLUMNS": "100"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_is_quick(tmp_path: Path) -> None:
    """Processor time of the program, so that other work on the machine does not count."""
    seconds = []
    for _ in range(3):
        before = os.times()
        done = program("--help", cwd=tmp_path)
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert done.returncode == 0
    assert min(seconds) < 0.4
    assert all(c in done.stdout for c in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"Example: karavan {command}" in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"karavan {kv.__version__}\n", "")


def test_route_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_json(capsys, *ROUTE, "--case", folder)
    (route,) = answer["routes"]
    assert route["usd_per_tonne"]["money"] == pytest.approx(50.02)  # 17 whole wagons
    assert route["usd_for_shipment"]["money"] == pytest.approx(50_020)
    assert route["km"] == pytest.approx(840)
    assert sum(leg["hours"] for leg in route["legs"]) == pytest.approx(route["hours"])
    assert sum(leg["usd_money_per_tonne"] for leg in route["legs"]) == pytest.approx(50.02)
    assert [p["id"] for p in route["ports"]] == ["B", "C"]
    assert route["borders"] == ["B to C"]


def test_route_names_the_restriction_it_meets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restrictions = frame(
        id=["r"], name=["Port of Bay"], applies_to=["nodes"], target=["B"], regime=["eu"], effect=["flag"], text=["No."]
    )
    folder = kv.write_case(tiny(restrictions=restrictions), tmp_path / "tiny")
    (route,) = run_json(capsys, *ROUTE, "--case", folder)["routes"]
    assert [(r["id"], r["name"], r["regime"]) for r in route["restrictions"]] == [("r", "Port of Bay", "eu")]


def test_route_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *ROUTE, "--case", folder)
    assert (code, err) == (0, "")
    assert "840 km" in out
    assert "50.0 USD/t paid" in out
    assert "50,020 USD for 1,000 t" in out


def test_assign_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_json(capsys, "assign", "--case", folder)
    assert {"demand", "served", "unserved", "shadow_prices"} <= set(answer)
    assert answer["demand"] == pytest.approx(1000)
    assert answer["served"] + answer["unserved"] == pytest.approx(answer["demand"])


def test_assign_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "assign", "--case", folder)
    assert code == 0
    assert "Demand 1,000 t, served 1,000 t, unserved 0 t" in out


def test_what_is_overloaded_is_said_where_capacity_is_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facilities = frame(
        id=["f"], name=["Strait"], kind=["port"], unit=["tonnes"], element_table=["links"], elements=["B-C"],
        direction=["each"], capacity_stated=[600.0],
    )  # fmt: skip
    folder = kv.write_case(tiny(facilities=facilities), tmp_path / "tiny")
    answer = run_json(capsys, "assign", "--case", folder, "--method", "all-or-nothing")
    (over,) = answer["over_capacity"]
    assert (over["facility"], over["used"], over["utilisation"]) == ("f", 1000, pytest.approx(1000 / 600))
    _, out, _ = run(capsys, "assign", "--case", folder, "--method", "all-or-nothing")
    assert "whatever the capacities" in out
    assert "Used beyond capacity" in out
    assert run_json(capsys, "assign", "--case", folder)["over_capacity"] == []


def test_a_part_load_pays_for_a_whole_unit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = ("route", "Aby", "Dale", "--commodity", "grain", "--tonnes", "20", "--case", folder)
    assert run_json(capsys, *part)["routes"][0]["tonnes_in_full_unit"]["wagon_1520"] == pytest.approx(60)
    _, out, _ = run(capsys, *part)
    assert "101 USD/t paid (2,020 USD for 20 t)" in out  # a wagon at 60 USD, a ship at 1,000 USD


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """`karavan ... | head` ends well, be it a table, text or JSON."""
    for arguments in ("describe", "describe links --json", "check --pack caspian"):
        path = os.pathsep.join(p for p in sys.path if p)
        done = subprocess.run(
            ["bash", "-c", f'"$0" -m karavan {arguments} | true; echo "${{PIPESTATUS[0]}}"', sys.executable],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == "0\n", arguments
        assert "Traceback" not in done.stderr


def test_check_finds_and_exits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_json(capsys, "check", folder)["errors"] == 0
    links = folder / "links.csv"
    links.write_text(links.read_text(encoding="utf-8").replace("A-B,A,B", "A-B,A,Nowhere"), encoding="utf-8")
    answer = run_json(capsys, "check", folder, code=1)
    (finding,) = [f for f in answer["findings"] if f["field"] == "to_node"]
    assert (finding["file"], finding["line"]) == ("links.csv", 2)
    code, out, _ = run(capsys, "check", folder)
    assert code == 1
    assert "links.csv:2 to_node" in out
    error = run_json(capsys, *ROUTE, "--case", folder, code=1)
    assert error["type"] == "CaseError"
    assert error["findings"]


def test_export_and_import(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for target, out, back in (("csv", "copy", None), ("gmns", "g", "gmns"), ("geopackage", "g.gpkg", "geopackage")):
        answer = run_json(capsys, "export", tmp_path / out, "--to", target, "--case", folder)
        assert answer["rows"]["links"] == 3
        if back:
            copy = tmp_path / f"from-{back}"
            assert run_json(capsys, "import", "--from", back, tmp_path / out, copy)["rows"] == answer["rows"]
            assert [p.name for p in sorted(copy.iterdir())] == [p.name for p in sorted(folder.iterdir())]


def test_import_tntp(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (net,) = shared.glob("data/tntp/**/SiouxFalls_net.tntp")
    trips = net.with_name("SiouxFalls_trips.tntp")
    out = tmp_path / "sioux"
    answer = run_json(capsys, "import", "--from", "tntp", net, out, "--trips", trips)
    assert (answer["rows"]["links"], answer["rows"]["nodes"]) == (76, 24)


def test_describe_and_packs(capsys: pytest.CaptureFixture[str]) -> None:
    fields = run_json(capsys, "describe", "links")
    (length,) = [f for f in fields if f["field"] == "length_km"]
    assert length["unit"] == "km"
    assert {t["table"] for t in run_json(capsys, "describe")} >= {"links", "nodes", "demand"}
    code, out, _ = run(capsys, "describe", "links")
    assert code == 0
    assert "length_km" in out
    assert "caspian" in run_json(capsys, "packs")


def test_trace_ends_at_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    cell = ("trace", "links", "KZ_AKT-AZ_ALA-ferry", "length_km", "--pack", "caspian")
    assert run_json(capsys, *cell)
    code, out, _ = run(capsys, *cell)
    assert code == 0
    assert "length_km" in out


def test_validate_shows_all_counts(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_json(capsys, "validate", "--pack", "caspian")
    assert len(answer["counts"]) == len(kv.read_pack("caspian").counts)


def test_validate_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = frame(id=["c"], name=["Strait"], element_table=["links"], elements=["B-C"], year=[2024], value=[500.0],
                   unit=["tonnes"])  # fmt: skip
    code, out, _ = run(capsys, "validate", "--case", kv.write_case(tiny(counts=counts), tmp_path / "tiny"))
    assert code == 0
    assert "Counts, worst first" in out
    assert "Median of modelled over observed 2;" in out


def test_brief_is_written(tmp_path: Path) -> None:
    done = program("brief", "--pack", "caspian", "--out", "results", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = tmp_path / strict(done.stdout)["brief"]
    assert page == tmp_path / "results" / "brief.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {p.suffix for p in (tmp_path / "results").iterdir()} >= {".html", ".parquet", ".csv"}


@pytest.mark.parametrize(
    ("arguments", "code", "kind", "words"),
    [
        (("rout",), 2, "", "route"),
        (("route", "Aby"), 2, "", "destination"),
        ((*ROUTE, "--tonnes", "-1"), 1, "ShipmentError", "above zero"),
        ((*ROUTE, "--tonnes", "nan"), 1, "ShipmentError", "above zero"),
        ((*ROUTE, "--day", "2024-02-30"), 2, "", "YYYY-MM-DD"),
        (("route", "Abu", "Dale", "--commodity", "grain"), 1, "NameNotFound", "Aby"),
        (("route", "Aby", "Dale", "--commodity", "toys"), 1, "NoRoute", "No route"),
        (("trace", "links", "no-such-link", "length_km"), 1, "NameNotFound", "no-such-link"),
        (("trace", "link", "A-B", "length_km"), 1, "NameNotFound", "links"),
    ],
)
def test_errors_are_plain(
    arguments: tuple[str, ...], code: int, kind: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_case = ("--case", str(folder)) if arguments[0] != "rout" else ()
    answer = run_json(capsys, *arguments, *given_case, code=code)
    assert words in answer["error"]
    assert kind in {"", answer["type"]}
    plain, out, err = run(capsys, *arguments, *given_case)
    assert (plain, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_unknown_places_of_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "case.toml" in run_json(capsys, "assign", "--case", tmp_path / "none", code=1)["error"]
    assert run_json(capsys, "assign", "--pack", "kaspian", code=1)["type"] == "NameNotFound"
    assert "exclude" in run_json(capsys, "assign", "--pack", "caspian", "--case", tmp_path, code=2)["error"]


def test_works_from_any_folder_and_writes_one_document(folder: Path, tmp_path: Path) -> None:
    done = program("assign", "--case", folder.name, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert strict(done.stdout)["demand"] == 1000
    assert done.stderr == ""


def test_data_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = tiny().nodes
    nodes["name"] = ["Aby\x1b[2J\x07", "[red]Bay[/]", "Cove\x9b31m", "Dale\u202e"]
    folder = kv.write_case(tiny(nodes=nodes), tmp_path / "tiny")
    _, out, _ = run(capsys, "route", "A", "D", "--commodity", "grain", "--case", folder)
    assert not set(out) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "\\x1b[2J" in out
    assert "[red]Bay[/]" in out
    _, out, _ = run(capsys, "route", "A", "D", "--commodity", "grain", "--case", folder, "--json")
    assert out.isascii()
    assert strict(out)["routes"][0]["origin_name"] == "Aby\x1b[2J\x07"


@given(st.text())
def test_safe_text_obeys_nothing(text: str) -> None:
    assert not any((c < " " and c not in "\t\n") or "\x7f" <= c <= "\x9f" for c in safe(text))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_any_result_becomes_strict_json(value: Any) -> None:
    text = json.dumps(kv.jsonable(value), allow_nan=False)
    again = strict(text)
    if isinstance(value, float):
        assert again == (value if math.isfinite(value) else None)


def test_numbers_of_people() -> None:
    shown = [cell_text(v) for v in (2024, 12_345, 3128.4, 0.5, math.nan, None, True, "A")]
    assert shown == ["2024", "12,345", "3,128", "0.5", "", "", "yes", "A"]


def test_a_congested_network_is_assigned_from_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = tmp_path / "two_net.tntp"
    net.write_text(
        "<NUMBER OF ZONES> 2\n<NUMBER OF NODES> 2\n<FIRST THRU NODE> 1\n<NUMBER OF LINKS> 2\n<END OF METADATA>\n"
        "~ init term capacity length time b power speed toll type ;\n"
        "1 2 10 1 1 1 1 0 0 1 ;\n1 2 10 1 2 0 1 0 0 1 ;\n"
    )
    (tmp_path / "two_trips.tntp").write_text(
        "<NUMBER OF ZONES> 2\n<TOTAL OD FLOW> 30.0\n<END OF METADATA>\nOrigin 1\n 2 : 30.0;\n"
    )
    out = tmp_path / "flows.csv"
    document = run_json(capsys, "assign", net, "--method", "user-equilibrium", "--gap", "1e-10", "--out", out)
    # the first link takes 10 (1 + 10 / 10 = 2), the other 20 at a constant 2: Beckmann 10 + 5 + 40
    assert document["objective"] == pytest.approx(55.0)
    assert document["relative_gap"] <= 1e-10
    flows = [float(line.split(",")[2]) for line in out.read_text().splitlines()[1:]]
    assert flows == pytest.approx([10.0, 20.0])


def test_logit_asks_for_its_dispersion(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--theta" in run_json(capsys, "assign", "--method", "logit", code=2)["error"]
