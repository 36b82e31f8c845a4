"""Each endpoint on the real pack: what it answers, and that it says plainly what it cannot."""

from __future__ import annotations

import io
import json
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from web_client import API, BEARER, TOKEN, client_of, ledger_in, packed

import karavan as kv
from karavan.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Client

CASE = f"{API}/cases/caspian"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client_of(tmp_path_factory.mktemp("web"), read_write=True, token=TOKEN) as made:
        yield made


@pytest.fixture(scope="module")
def case() -> kv.Case:
    return kv.read_pack("caspian")


def ok(client: Client, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_about_and_cases(client: Client) -> None:
    about = ok(client, f"{API}/about")
    assert about["version"] == kv.__version__
    assert (about["needs_token"], about["read_only"], about["ledger"]) == ("write", False, "file")
    assert TOKEN not in json.dumps(about)
    (line,) = ok(client, f"{API}/cases")["cases"]
    assert (line["id"], line["kind"], line["uploaded"]) == ("caspian", "pack", False)
    assert ok(client, f"{API}/packs")["cases"] == [line]


def test_overview(client: Client, case: kv.Case) -> None:
    found = ok(client, CASE)
    assert found["rows"]["links"] == len(case.links)
    assert found["years"][0] == case.meta.year
    assert {c["id"] for c in found["commodities"]} == set(case.commodities.index)
    assert [c["id"] for c in found["corridors"] if c["headline"]]
    west, south, east, north = found["bbox"]
    assert west < east
    assert south < north


def test_unknown_case_says_what_is_there(client: Client) -> None:
    answer = client.get(f"{API}/cases/caspain")
    assert answer.status_code == 404
    assert answer.json()["suggestions"] == ["caspian"]


def test_tables(client: Client, case: kv.Case) -> None:
    tables = {t["name"]: t for t in ok(client, f"{CASE}/tables")["tables"]}
    assert tables["links"]["rows"] == len(case.links)
    page = ok(client, f"{CASE}/tables/links", filter=["mode:eq:rail", "length_km:gt:500"], sort="-length_km", limit=3)
    wanted = case.links[(case.links["mode"] == "rail") & (case.links["length_km"] > 500)]
    assert page["total"] == len(wanted)
    assert [r["length_km"] for r in page["rows"]] == sorted(wanted["length_km"], reverse=True)[:3]
    assert next(c for c in page["columns"] if c["name"] == "length_km")["unit"] == "km"
    rest = ok(client, f"{CASE}/tables/links", filter=["mode:ne:rail"])["total"]
    rail = ok(client, f"{CASE}/tables/links", filter=["mode:eq:rail"])["total"]
    assert rest + rail == len(case.links)
    assert ok(client, f"{CASE}/tables/nodes", q="AKTAU")["total"] >= 1


@pytest.mark.parametrize(
    ("query", "status"),
    [("filter=mode:like:rail", 400), ("filter=nothing:eq:1", 404), ("filter=length_km:gt:far", 400),
     ("sort=nothing", 404), ("limit=0", 422), ("limit=5000", 422), ("filter=mode", 400)],
)  # fmt: skip
def test_wrong_questions_about_tables(client: Client, query: str, status: int) -> None:
    answer = client.get(f"{CASE}/tables/links?{query}")
    assert answer.status_code == status
    assert answer.json()["error"]


def test_sql_in_a_filter_is_text(client: Client, case: kv.Case) -> None:
    drop = "x'; DROP TABLE links; --"
    assert ok(client, f"{CASE}/tables/links", filter=[f"name:eq:{drop}"], q=drop)["total"] == 0
    assert ok(client, f"{API}/facts", q="\"'; DROP TABLE facts; --")["total"] == 0
    assert ok(client, f"{API}/facts", status="' OR 1=1 --", kind="x")["total"] == 0
    assert client.get(f"{API}/facts/%27%20OR%201=1").status_code == 404
    assert ok(client, f"{CASE}/tables/links")["total"] == len(case.links)


def test_downloads(client: Client, case: kv.Case, tmp_path: Any) -> None:
    wanted = {"filter": "kind:eq:port", "format": "csv"}
    answer = client.get(f"{CASE}/tables/nodes/download", params=wanted)
    assert "attachment" in answer.headers["content-disposition"]
    ports = pd.read_csv(io.BytesIO(answer.content))
    assert set(ports["id"]) == set(case.nodes.index[case.nodes["kind"] == "port"])
    parquet = client.get(f"{CASE}/tables/nodes/download", params=wanted | {"format": "parquet"})
    assert set(pd.read_parquet(io.BytesIO(parquet.content))["id"]) == set(ports["id"])
    package = tmp_path / "links.gpkg"
    package.write_bytes(client.get(f"{CASE}/tables/links/download", params={"format": "gpkg"}).content)
    from karavan.schema.io.geopackage import load_geopackage

    assert len(load_geopackage(package)[0].links) == len(case.links)


def test_record_and_trace(client: Client) -> None:
    link = "KZ_AKT-AZ_ALA-ferry"
    found = ok(client, f"{CASE}/records/links/{link}")
    length = next(f for f in found["fields"] if f["name"] == "length_km")
    assert length["unit"] == "km"
    assert found["sources"][0]["title"]
    chain = ok(client, f"{CASE}/trace/links/length_km", id=link)
    assert chain["value"] == length["value"]
    assert chain["steps"][0]["kind"] == "cell"
    assert all("/" not in s["file"] for s in chain["steps"])
    near = client.get(f"{CASE}/records/links/KZ_AKT-AZ_ALA-fery")
    assert near.status_code == 404
    assert link in near.json()["suggestions"]


def test_names_as_they_are_typed(client: Client) -> None:
    found = ok(client, f"{CASE}/names", q="akt")["names"]
    assert found[0]["value"] == "Aktau"
    assert ok(client, f"{CASE}/names", q="whe", kinds="commodity")["names"][0]["value"] == "wheat"
    assert ok(client, f"{CASE}/names", q="")["names"] == []


def test_map(client: Client, case: kv.Case) -> None:
    answer = client.get(f"{CASE}/map")
    found = answer.json()
    layers = {layer["id"]: layer["features"] for layer in found["layers"]}
    assert len(layers["links"]) == len(case.links)
    assert layers["bottlenecks"]
    assert found["corridors"][0]["features"]
    assert found["summary"]["served"] > 0
    again = client.get(f"{CASE}/map", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    wheat = ok(client, f"{CASE}/map", commodity="Wheat and flour", year=case.meta.year)
    totals = [sum(f["properties"]["tonnes"] for f in m["layers"][0]["features"]) for m in (wheat, found)]
    assert 0 < totals[0] < totals[1]
    assert client.get(f"{CASE}/map", params={"commodity": "gold"}).status_code == 404


def test_basemap(client: Client) -> None:
    found = ok(client, f"{API}/basemap")
    names = {f["properties"]["name"] for f in found["land"]}
    assert {"Kazakhstan", "Iran", "Azerbaijan"} <= names
    assert found["borders"][0]["geometry"]["coordinates"]


QUESTION = {"origin": "Khorgos", "destination": "Poti", "commodity": "general cargo", "tonnes": 20}


def test_routes(client: Client, case: kv.Case) -> None:
    answer = client.post(f"{CASE}/routes", json=QUESTION)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    best = found["routes"][0]
    direct = kv.route(case, kv.Shipment("Khorgos", "Poti", "general cargo", 20.0))[0]
    assert best["km"] == pytest.approx(direct.km)
    moves = [i for i, leg in enumerate(best["legs"]) if leg["km"]]
    assert [f["properties"]["leg"] for f in best["lines"]] == moves
    assert found["charts"]["time"]["$schema"].endswith(".json")
    assert found["cli"].startswith("karavan route Khorgos Poti --commodity 'general cargo'")
    assert client.post(f"{CASE}/routes", json=QUESTION).json() == found


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [({"origin": "Khorgoss"}, 404, "NameNotFound"), ({"commodity": "gold"}, 404, "NameNotFound"),
     ({"tonnes": 0}, 422, "NotValid"), ({"tonnes": "NaN"}, 422, "NotValid"), ({"orgin": "x"}, 422, "NotValid"),
     ({"day": "tomorrow"}, 422, "NotValid"), ({"origin": ""}, 422, "NotValid")],
)  # fmt: skip
def test_wrong_questions_about_routes(client: Client, change: dict[str, Any], status: int, kind: str) -> None:
    answer = client.post(f"{CASE}/routes", json=QUESTION | change)
    assert (answer.status_code, answer.json()["type"]) == (status, kind)


def test_assignment(client: Client, case: kv.Case) -> None:
    found = client.post(f"{CASE}/assignments?wait=20", json={"method": "all-or-nothing"}).json()
    assert found["state"] == "done"
    own = kv.assign(case, method=kv.AllOrNothing())
    assert found["result"]["summary"]["served"] == pytest.approx(own.summary["served"])
    assert client.post(f"{CASE}/assignments", json={"method": "logit"}).status_code == 400


def test_what_if(client: Client, case: kv.Case) -> None:
    board = ok(client, f"{CASE}/scenarios")
    assert {"kti-2030", "baku-closed"} <= {s["name"] for s in board["scenarios"]}
    project = next(p for p in board["projects"] if p["id"] == "RAS-AST-rail")
    level = next(x for x in board["levels"] if x["scenario"] == "fall 16 cm a year")
    demand = board["demand"]["change"] | {"by": 1.2, "where": {"commodity": ["wheat"]}}
    asked = {"changes": [project["change"], level["change"], demand], "year": 2030, "title": "A try"}
    answer = client.post(f"{CASE}/scenarios/run?wait=20", json=asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()["result"]
    wheat = case.demand.loc[case.demand["commodity"] == "wheat", "tonnes"].sum()
    total = next(t for t in found["totals"] if t["measure"] == "demand")
    assert total["change"] == pytest.approx(0.2 * wheat, rel=1e-6)
    assert total["unit"] == "t"
    assert found["title"] == "A try"
    assert any(f["properties"]["change"] for f in found["map"]["layers"][0]["features"])
    assert tomllib.loads(found["toml"])["change"][0]["open"] == "RAS-AST-rail"
    run = found["run"]
    assert ok(client, f"{API}/runs/{run}") == found
    assert run in [r["run"] for r in ok(client, f"{API}/runs")["runs"]]
    assert client.get(f"{API}/runs/{run}/scenario.toml").text == found["toml"]
    rows = pd.read_csv(io.StringIO(client.get(f"{API}/runs/{run}/tables/commodities").text))
    assert set(rows["commodity"]) <= set(case.commodities.index)
    base = f"caspian~base~{asked['year']}"
    same = client.post(f"{API}/compare", json={"a": base, "b": run}).json()
    assert same["totals"] == found["totals"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [({}, 422), ({"scenarios": ["nothing"]}, 404), ({"changes": [{"open": "no-such"}]}, 422),
     ({"changes": [{"close": "nodes"}]}, 422), ({"changes": [{"level": "fall 16 cm a year"}], "year": 2030}, 422),
     ({"changes": [{"set": "links", "field": "length_km", "value": "far", "id": "KZ_AKT-AZ_ALA-ferry"}]}, 422)],
)  # fmt: skip
def test_wrong_scenarios(client: Client, asked: dict[str, Any], status: int) -> None:
    answer = client.post(f"{CASE}/scenarios/run?wait=20", json=asked)
    said = answer.json()
    if answer.status_code == 200:  # only the case itself can tell
        assert said["state"] == "failed"
        assert said["error"]["type"] != "Fault", said
    else:
        assert answer.status_code == status, said
        assert said["error"]


def test_evidence(client: Client) -> None:
    listed = ok(client, f"{API}/documents")["documents"]
    whole = ok(client, f"{API}/documents/{listed[0]['id']}")
    assert "".join(p["text"] for p in whole["parts"])
    marked = {f for p in whole["parts"] for f in p["facts"]}
    assert marked == {f["id"] for f in whole["facts"]}
    some = ok(client, f"{API}/facts", areas="KZ-IR", limit=2)
    assert len(some["facts"]) == 2 < some["total"]
    conflict = ok(client, f"{API}/conflicts")["conflicts"][0]
    assert [q["id"] for q in conflict["quotes"]] == conflict["facts"]
    assert ok(client, f"{API}/series", name="trade KZ-IR")["chart"]["layer"]
    assert client.get(f"{API}/series", params={"name": "wishes KZ-IR"}).status_code == 404
    assert "trade" in ok(client, f"{API}/indicators")["indicators"]


def test_promises(client: Client) -> None:
    rows = ok(client, f"{API}/promises")["promises"]
    assert rows
    one = ok(client, f"{API}/promises/{rows[-1]['id']}")
    assert one["status"] == rows[-1]["status"]
    assert one["points"]
    assert one["chart"]["layer"]
    wrong = client.post(f"{API}/promises/check", json={"case": "caspian"})
    assert wrong.status_code == 400


def test_trace_reaches_the_facts_of_the_ledger(client: Client, case: kv.Case) -> None:
    read = {d["address"]: d["id"] for d in ok(client, f"{API}/documents")["documents"] if d["address"]}
    cited = case.sources.index[case.sources["address"].isin(list(read))]
    rows = case.counts.reset_index()
    mine = rows[rows["source"].fillna("").str.split(";").map(lambda s: bool(set(s) & set(cited)))]
    if not len(mine):
        pytest.skip("no count of the pack rests on an article of the sample")
    chain = ok(client, f"{CASE}/trace/counts/value", id=mine["id"].iloc[0])
    assert chain["facts"][0]["quote"]


def test_brief(client: Client) -> None:
    made = client.post(f"{API}/briefs?wait=0", json={"case": "caspian"}).json()
    with client.stream("GET", f"{API}/jobs/{made['job']}/events") as stream:
        told = [line for line in stream.iter_lines() if line.startswith("event: ")]
    assert told[-1] == "event: done"
    brief = ok(client, f"{API}/jobs/{made['job']}")["result"]
    listed = ok(client, f"{API}/briefs")["briefs"]
    assert listed == [brief]
    page = client.get(f"{API}/briefs/{brief['run']}/files/brief.html?show=true")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "Karavan" in page.text
    for name in ("../facts.db", "..%2f..%2ffacts.db", "nothing"):
        assert client.get(f"{API}/briefs/{brief['run']}/files/{name}").status_code == 404
    assert client.get(f"{API}/briefs/..%2f/files/brief.html").status_code == 404


def test_decision(tmp_path: Any) -> None:
    ledger = ledger_in(tmp_path)
    with client_of(tmp_path, read_write=True, token=TOKEN) as client:
        fact = ok(client, f"{API}/facts", kind="figure")["facts"][0]
        path = f"{API}/facts/{fact['id']}"
        asked = {"decision": "correct", "expected_version": fact["version"], "who": "Aigerim", "fields": {"value": 5.0}}
        answer = client.post(f"{path}/decision", json=asked, headers=BEARER)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["value"], found["status"], found["version"]) == (5.0, "accepted", 2)
        assert found["review"]["who"] == "Aigerim"
        assert [h["superseded"] for h in found["history"]] == [True, False]
        late = client.post(f"{path}/decision", json=asked | {"decision": "reject"}, headers=BEARER)
        assert (late.status_code, late.json()["type"]) == (409, "OutOfDate")
        assert "Aigerim" in late.json()["error"]
        bad = asked | {"expected_version": 2, "fields": {"nothing": 1}}
        assert client.post(f"{path}/decision", json=bad, headers=BEARER).status_code == 400
    with kv.Ledger(ledger) as opened:
        assert opened.fact(fact["id"])["value"] == 5.0


def test_openapi_names_every_endpoint(client: Client) -> None:
    said = ok(client, "/api/openapi.json")
    assert said["info"]["title"] == "Karavan"
    for path, methods in said["paths"].items():
        assert path.startswith(API)
        for method, about in methods.items():
            assert about["summary"], (method, path)
            assert {"404", "422"} <= set(about["responses"])


def as_typed(command: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Type a command the page shows, and return its answer."""
    assert main([*shlex.split(command)[1:], "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "more",
    [{}, {"ready": "2025-03-01", "deadline": "2025-05-01", "window_days": 7, "draws": 100, "seed": 3},
     {"avoid": ["IRN"], "comply": ["us"], "closed": {"RU_AST": "2024-01-01"}, "objectives": ["cost", "time"],
      "budget": {"time": 2000}, "certified": True, "draws": 50, "within_days": 90, "incoterm": "FCA",
      "unit": "container", "alternatives": 2}],
)  # fmt: skip
def test_the_command_line_gives_the_same_routes(
    client: Client, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    answer = client.post(f"{CASE}/routes", json=QUESTION | more)
    assert answer.status_code == 200, answer.text
    typed = as_typed(answer.json()["cli"], capsys)["routes"]
    mine = [{k: v for k, v in r.items() if k in typed[0]} for r in answer.json()["routes"]]
    assert mine == typed


def test_the_command_line_gives_the_same_flows(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ok(client, f"{CASE}/map", year=2030, method="all-or-nothing")
    typed = as_typed(shown["cli"], capsys)
    assert typed["served"] == pytest.approx(shown["summary"]["served"])
    assert typed["year"] == 2030


def test_the_command_line_gives_the_same_trace_and_tables(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of a shipped pack, and those of a case that was brought, which name its folder."""
    pack = kv.packs()["caspian"]
    files: dict[str, bytes | str] = {p.name: p.read_bytes() for p in pack.iterdir() if p.suffix in {".csv", ".toml"}}
    sent = client.post(f"{API}/cases", files={"file": ("brought.zip", packed(files))}, headers=BEARER)
    assert sent.status_code == 201, sent.text
    monkeypatch.chdir(tmp_path)
    for name, option in (("caspian", "--pack"), ("brought", "--case")):
        chain = ok(client, f"{API}/cases/{name}/trace/links/length_km", id="KZ_AKT-AZ_ALA-ferry")
        assert option in chain["cli"]
        typed = as_typed(chain["cli"], capsys)
        assert [s["text"] for s in typed["steps"]] == [s["text"] for s in chain["steps"]]
        listed = ok(client, f"{API}/cases/{name}/tables")
        as_typed(listed["cli"], capsys)
        written = kv.read_case(tmp_path / f"{name}-tables")
        assert {t["name"]: t["rows"] for t in listed["tables"]} == {
            t["name"]: t["rows"] for t in kv.table_list(written)
        }
        assert ok(client, f"{API}/cases/{name}/tables/links", limit=1)["cli"] == listed["cli"]


def test_promises_get_both_verdicts(client: Client) -> None:
    first = ok(client, f"{API}/promises", case="caspian")
    if first["job"]:
        with client.stream("GET", f"{API}/jobs/{first['job']}/events") as stream:
            assert [line for line in stream.iter_lines() if line.startswith("event: ")][-1] == "event: done"
    found = ok(client, f"{API}/promises", case="caspian")
    assert found["job"] is None
    for row in found["promises"]:
        assert row["verdict"]
        assert row["why"]
        assert row["pace"]["verdict"]


def test_a_wish_is_no_promise(client: Client) -> None:
    asked = {"case": "caspian", "text": "We like each other very much."}
    found = client.post(f"{API}/promises/check?wait=20", json=asked).json()
    assert found["state"] == "failed"
    assert found["error"]["type"] == "ScenarioError"


@pytest.mark.soak
def test_a_promise_is_checked(client: Client) -> None:
    asked = {"case": "caspian", "text": "KZ-IR trade reaches USD 1bn", "draws": 0}
    job = client.post(f"{API}/promises/check?wait=0", json=asked).json()
    with client.stream("GET", f"{API}/jobs/{job['job']}/events") as stream:
        last = [line for line in stream.iter_lines() if line.startswith("data: ")][-1]
    done = json.loads(last.removeprefix("data: "))
    assert done["state"] == "done", done
    assert done["result"]["verdict"]
    assert done["result"]["cli"].startswith("karavan promise 'KZ-IR trade reaches USD 1bn'")
