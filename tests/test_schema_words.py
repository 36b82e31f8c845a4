"""What tables mean, and where a number comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from karavan.errors import NameNotFound
from karavan.schema.describe import describe
from karavan.schema.io.folder import read_case
from karavan.schema.io.geopackage import read_geopackage, write_geopackage
from karavan.schema.io.gmns import read_gmns, write_gmns
from karavan.schema.tables import schema, table
from karavan.schema.trace import trace

SMALL = Path(__file__).parent / "cases" / "small"


def test_the_declarations_fit_together() -> None:
    for declared in schema().values():
        assert set(declared.key) <= set(declared.fields)
        assert declared.title
        assert declared.text
        for field in declared.fields.values():
            assert field.text.endswith("."), (declared.name, field.name)
            assert field.type in {"id", "text", "number", "integer", "boolean", "date", "choice", "list"}
            assert field.required in {"always", "pack", "no"}
            assert (field.type == "choice") == bool(field.allowed), (declared.name, field.name)
            if field.allowed and field.default:
                assert field.default in field.allowed
            target = field.refers_to
            assert not target or target in schema() or target.removeprefix("@") in declared.fields


@pytest.mark.parametrize("name", schema())
def test_every_table_is_described(name: str) -> None:
    frame = describe(name)
    assert list(frame.index) == list(table(name).fields)
    assert frame["text"].str.endswith(".").all()
    assert describe().loc[name, "text"] == table(name).text


def test_what_is_allowed_is_said_in_words() -> None:
    frame = describe("links")
    assert frame.loc["status", "allowed"] == "open, planned, suspended, seasonal"
    assert frame.loc["from_node", "allowed"] == "a row of nodes"
    assert frame.loc["length_km", "allowed"] == "at least 0"
    assert describe("facilities").loc["elements", "allowed"] == "rows of the table in element_table"
    with pytest.raises(NameNotFound, match="links"):
        describe("lnks")


def test_a_number_is_followed_to_its_source() -> None:
    chain = trace(read_case(SMALL), "facilities", "AKT-line", "capacity_stated")
    assert (chain.value, chain.unit, chain.confidence) == (4000.0, "trains/yr", "B")
    assert [step.kind for step in chain.steps] == ["cell", "source"]
    assert (Path(chain.steps[0].file).name, chain.steps[0].line) == ("facilities.csv", 2)
    (source,) = chain.sources
    assert (source.id, Path(source.file).name, source.line) == ("made-for-tests", "sources.csv", 2)
    assert source.details["title"] == "Invented for tests"
    assert source.details["address"] == "tests/cases/small"
    assert str(chain).splitlines()[0] == "facilities/AKT-line/capacity_stated = 4000.0 trains/yr"
    assert "Karavan, Invented for tests, 2024" in str(chain)


def test_a_cell_with_a_source_of_its_own() -> None:
    chain = trace(read_case(SMALL), "links", "AKT-ALA-ferry", "length_km")
    assert [step.kind for step in chain.steps] == ["cell", "provenance", "source"]
    assert chain.other_values == "455 (made-for-tests)"
    assert chain.note == "along the fairway"
    assert chain.sources[0].details["publisher"] == "A publisher"
    assert (Path(chain.steps[1].file).name, chain.steps[1].line) == ("provenance.csv", 2)


def test_the_row_says_how_an_estimate_was_made() -> None:
    chain = trace(read_case(SMALL), "demand", "kz-az-wheat", "tonnes")
    assert (chain.confidence, chain.note) == ("C", "invented")
    assert chain.to_json()["steps"][1]["details"]["kind"] == "judgement"


def test_keys_of_several_fields_and_empty_cells() -> None:
    case = read_case(SMALL)
    assert trace(case, "corridors", "middle/2", "mode").value == "ferry"
    assert trace(case, "links", "BEY-AKT-rail", "hours").value is None
    assert trace(case, "links", "BEY-AKT-rail", "electrified").value is False
    assert trace(case, "links", "BEY-AKT-rail", "id").value == "BEY-AKT-rail"
    assert trace(case, "counts", "c1", "value").unit == "wagons"


def test_what_is_not_there_is_named_with_what_is_near() -> None:
    case = read_case(SMALL)
    for cell, near in (
        (("link", "BEY-AKT-rail", "hours"), "links"),
        (("links", "BEY-AKT-rial", "hours"), "BEY-AKT-rail"),
        (("links", "BEY-AKT-rail", "length"), "length_km"),
    ):
        with pytest.raises(NameNotFound, match=near):
            trace(case, *cell)


def test_the_chain_names_the_file_of_every_form(tmp_path: Path) -> None:
    case = read_case(shutil.copytree(SMALL, tmp_path / "case"))
    cell = ("links", "BEY-AKT-rail", "length_km")
    assert trace(case, *cell).steps[0].file == str(tmp_path / "case" / "links.csv")
    gmns = read_gmns(write_gmns(case, tmp_path / "gmns"))
    assert trace(gmns, *cell).steps[0].file == str(tmp_path / "gmns" / "link.csv")
    package = read_geopackage(write_geopackage(case, tmp_path / "case.gpkg"))
    assert trace(package, *cell).steps[0].file == str(tmp_path / "case.gpkg:links")
    assert trace(case.with_tables(links=case.links), *cell).steps[0].line == 0
