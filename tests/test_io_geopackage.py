"""GeoPackage: opens in a GIS, and takes over what a person changed there."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest
import shapely

from karavan.errors import CaseError, FormatError
from karavan.schema.io.folder import read_case
from karavan.schema.io.geopackage import read_geopackage, write_geopackage
from karavan.schema.tables import schema

SMALL = Path(__file__).parent / "cases" / "small"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the small case as a GeoPackage, in a folder whose name needs escaping in a URI."""
    return write_geopackage(read_case(SMALL), tmp_path / "a #b ?c%20" / "small.gpkg")


def ask(file: Path, question: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as db, db:
        return db.execute(question, values).fetchall()


def blob(wkb: bytes, srs: int = 4326) -> bytes:
    """Return a geometry with an envelope in its header, as a GIS writes it."""
    x0, y0, x1, y1 = shapely.from_wkb(wkb).bounds
    return struct.pack("<2sBBi4d", b"GP", 0, 3, srs, x0, x1, y0, y1) + wkb


def test_the_tables_of_the_standard_say_what_is_there(file: Path) -> None:
    assert file.read_bytes()[68:72] == b"GPKG"
    assert ask(file, "PRAGMA user_version") == [(10300,)]
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert ask(file, "PRAGMA foreign_key_check") == []
    contents = dict(ask(file, "SELECT table_name, data_type FROM gpkg_contents"))
    assert contents == {
        "nodes": "features",
        "links": "features",
        "karavan_case": "attributes",
        **{name: "attributes" for name in schema() if name not in {"nodes", "links"}},
    }
    assert ask(file, "SELECT table_name, column_name, geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns") == [
        ("nodes", "geom", "POINT", 4326, 0, 0),
        ("links", "geom", "LINESTRING", 4326, 0, 0),
    ]
    assert [r[0] for r in ask(file, "SELECT srs_id FROM gpkg_spatial_ref_sys ORDER BY 1")] == [-1, 0, 4326]
    ((organization, number, definition),) = ask(
        file, "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = 4326"
    )
    assert (organization, number) == ("EPSG", 4326)
    assert str(definition).startswith('GEOGCS["WGS 84"')
    assert ask(file, "SELECT min_x, max_y FROM gpkg_contents WHERE table_name = 'nodes'") == [(43.09, 45.32)]


def test_a_gis_library_reads_every_layer(file: Path) -> None:
    pyogrio = pytest.importorskip("pyogrio")
    layers = {str(name): kind for name, kind in pyogrio.list_layers(file)}
    assert layers["nodes"] == "Point"
    assert layers["links"] == "LineString"
    assert set(layers) == {*schema(), "karavan_case"}
    case = read_case(SMALL)
    nodes, links = pyogrio.read_dataframe(file, layer="nodes"), pyogrio.read_dataframe(file, layer="links")
    assert nodes.crs.to_epsg() == links.crs.to_epsg() == 4326
    assert nodes.geometry.x.tolist() == case.nodes["longitude"].tolist()
    assert (
        links.set_index("id").geometry["AKT-ALA-sea"].equals(shapely.from_wkt(case.links.at["AKT-ALA-sea", "geometry"]))
    )
    assert links["length_km"].tolist() == case.links["length_km"].tolist()
    assert links["electrified"].isna().tolist() == case.links["electrified"].isna().tolist()
    assert pyogrio.read_dataframe(file, layer="demand")["tonnes"].tolist() == case.demand["tonnes"].tolist()


def test_what_was_moved_or_drawn_in_a_gis_is_taken_over(file: Path) -> None:
    point = blob(shapely.to_wkb(shapely.Point(51.23, 43.61), byte_order=0))
    line = shapely.LineString([(55.19, 45.32), (53, 44), (51.22, 43.6)])
    ask(file, "UPDATE nodes SET geom = ? WHERE id = 'AKT'", point)
    ask(file, "UPDATE links SET geom = ? WHERE id = 'BEY-AKT-rail'", blob(shapely.to_wkb(line)))
    ask(file, "UPDATE links SET geom = ? WHERE id = 'AKT-ALA-sea'", blob(shapely.to_wkb(line)))
    ask(file, "UPDATE links SET electrified = 1 WHERE id = 'AKH-KRS-rail'")
    before, after = read_case(SMALL), read_geopackage(file)
    assert (after.nodes.at["AKT", "longitude"], after.nodes.at["AKT", "latitude"]) == (51.23, 43.61)
    assert after.links.at["BEY-AKT-rail", "geometry"] == "LINESTRING (55.19 45.32, 53 44, 51.22 43.6)"
    assert after.links.at["AKT-ALA-sea", "geometry"] == "LINESTRING (55.19 45.32, 53 44, 51.22 43.6)"
    assert after.links.at["AKH-KRS-rail", "electrified"]
    straight = before.links["geometry"].isna() & (before.links.index != "BEY-AKT-rail")
    assert after.links.loc[straight, "geometry"].isna().all()


def test_faults_name_layer_and_row(file: Path) -> None:
    ask(file, "UPDATE links SET length_km = -1 WHERE id = 'AKT-ALA-ferry'")
    ask(file, "UPDATE links SET mode = 'boat' WHERE id = 'ALA-TBS-road'")
    ask(file, "UPDATE nodes SET geom = x'00' WHERE id = 'BEY'")
    ask(file, "ALTER TABLE zones ADD COLUMN colour TEXT")
    with pytest.raises(CaseError) as raised:
        read_geopackage(file)
    found = {(f.file, f.line, f.field) for f in raised.value.findings if f.severity == "error"}
    assert found >= {
        ("small.gpkg:links", 2, "length_km"),
        ("small.gpkg:links", 6, "mode"),
        ("small.gpkg:nodes", 1, "geom"),
        ("small.gpkg:zones", 1, "colour"),
    }


def test_what_is_no_geopackage_of_a_case_is_refused(file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.db"
    ask(plain, "CREATE TABLE t (a)")
    whole = file.read_bytes()
    (tmp_path / "cut.gpkg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.gpkg").write_text("no database", encoding="utf-8")
    for name in ("plain.db", "cut.gpkg", "text.gpkg"):
        with pytest.raises(FormatError):
            read_geopackage(tmp_path / name)
    with pytest.raises(FormatError, match="not replaced"):
        write_geopackage(read_case(SMALL), plain)
    ask(file, "UPDATE karavan_case SET value = '{' WHERE key = 'name'")
    with pytest.raises(FormatError, match="no JSON"):
        read_geopackage(file)
