"""OMX: matrices become demand, skims become matrices, and what does not fit is said."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import karavan as kv
from karavan.errors import FormatError, MissingExtra, NameNotFound

NET = (
    "<NUMBER OF ZONES> 2\n<NUMBER OF NODES> 2\n<FIRST THRU NODE> 1\n<NUMBER OF LINKS> 2\n<END OF METADATA>\n"
    "1 2 10 1 1 1 1 0 0 1 ;\n1 2 10 1 2 0 1 0 0 1 ;\n"
)
TRIPS = np.array([[0.0, 30.0], [0.0, 0.25]])


@pytest.fixture
def case(tmp_path: Path) -> kv.Case:
    (tmp_path / "two_net.tntp").write_text(NET)
    return kv.read_tntp(tmp_path / "two_net.tntp")


def omx(folder: Path, *, lookups: dict[str, object] | None = None, **matrices: object) -> Path:
    """Write a file as another program would."""
    path = folder / "trips.omx"
    with h5py.File(path, "w") as out:
        out.attrs["OMX_VERSION"] = np.bytes_("0.2")
        for group, held in (("data", matrices), ("lookup", lookups or {})):
            for name, values in held.items():
                out.require_group(group)[name] = values
    return path


def test_a_matrix_becomes_demand_that_is_assigned(case: kv.Case, tmp_path: Path) -> None:
    full = kv.read_omx(omx(tmp_path, car=TRIPS), case, commodity="vehicles")
    assert full.demand["tonnes"].to_dict() == {"1>2:vehicles": 30.0, "2>2:vehicles": 0.25}
    assert full.demand["derivation"].iloc[0] == "Matrix car of trips.omx."
    assert len(case.demand) == 0
    assert kv.assign(full, method=kv.UserEquilibrium(gap=1e-10)).objective == pytest.approx(55.0)
    again = kv.read_case(kv.write_case(full, tmp_path / "case"))
    assert again.demand["tonnes"].to_dict() == full.demand["tonnes"].to_dict()
    with pytest.raises(FormatError, match=r"has demand '1>2:vehicles' already \(2 such"):
        kv.read_omx(tmp_path / "trips.omx", full, commodity="vehicles")


@pytest.mark.parametrize("ids", [[2, 1], [2.0, 1.0], [b"2", b"1"]])
def test_a_lookup_names_the_zones(case: kv.Case, tmp_path: Path, ids: list[object]) -> None:
    path = omx(tmp_path, lookups={"zone": ids}, car=TRIPS, lorry=2 * TRIPS.astype(np.float32))
    found = kv.read_omx(path, case, commodity="vehicles", matrix="lorry")
    assert found.demand["tonnes"].to_dict() == {"2>1:vehicles": 60.0, "1>1:vehicles": 0.5}


@pytest.mark.parametrize(
    ("matrices", "lookups", "options", "problem"),
    [
        ({"a": TRIPS, "b": TRIPS}, {}, {}, r"has 2 in data: a, b; say which"),
        ({"a": TRIPS}, {}, {"matrix": "c"}, r"no 'c' in data; it has a"),
        ({}, {}, {}, r"has no matrix"),
        ({"a": TRIPS[:1]}, {}, {}, r"a is no square matrix"),
        ({"a": np.ones((3, 3))}, {}, {}, r"a is of 3 zones, and the case has 2"),
        ({"a": TRIPS}, {"zone": [1, 2, 3]}, {}, r"zone has shape \(3,\)"),
        ({"a": TRIPS}, {"zone": [1, 9]}, {}, r"the case has no zone '9' \(1 in all\)"),
        ({"a": TRIPS}, {"zone": [1, 1]}, {}, r"zone names a zone twice"),
        ({"a": -TRIPS}, {}, {}, r"a from 1 to 2 is -30; trips are numbers from 0"),
        ({"a": TRIPS * np.nan}, {}, {}, r"a from 1 to 1 is nan"),
        ({"a": np.array([[b"x"]])}, {}, {}, r"no square matrix of numbers"),
        ({"a": h5py.ExternalLink("/etc/passwd", "/a")}, {}, {}, r"does not hold its numbers itself"),
    ],
)
def test_what_does_not_fit_is_said(
    case: kv.Case, tmp_path: Path, matrices: dict[str, object], lookups: dict[str, object], options: dict[str, str],
    problem: str,
) -> None:  # fmt: skip
    path = omx(tmp_path, lookups=lookups, **matrices)
    with pytest.raises(FormatError, match=problem):
        kv.read_omx(path, case, commodity="vehicles", **options)


def test_other_faults(case: kv.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = omx(tmp_path, a=TRIPS)
    with pytest.raises(NameNotFound):
        kv.read_omx(path, case, commodity="wheat")
    with pytest.raises(FormatError, match="no such file"):
        kv.read_omx(tmp_path / "nothing.omx", case, commodity="vehicles")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(FormatError, match="cannot be read"):
        kv.read_omx(path, case, commodity="vehicles")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"karavan\[omx\]"):
        kv.read_omx(path, case, commodity="vehicles")


def test_skims_are_written(tmp_path: Path) -> None:
    skims = kv.skims(kv.assign(kv.read_pack("caspian"), method=kv.AllOrNothing()))
    with pytest.raises(FormatError, match="several rows"):
        kv.write_omx(skims, tmp_path / "skims.omx")
    path = kv.write_omx(skims, tmp_path / "skims.omx", commodity="wheat", columns=["hours", "km"])
    wheat = skims[skims["commodity"] == "wheat"]
    with h5py.File(path) as file:
        ids = [z.decode() for z in file["lookup/zone"][()]]
        assert sorted(file["data"]) == ["hours", "km"]
        assert file.attrs["SHAPE"].tolist() == [len(ids)] * 2
        assert file.attrs["OMX_VERSION"] == b"0.2"
        km = file["data/km"][()]
    assert ids == sorted({*wheat["origin"], *wheat["destination"]})
    for row in wheat.itertuples():
        assert km[ids.index(row.origin), ids.index(row.destination)] == pytest.approx(row.km, nan_ok=True)
    assert np.isfinite(km).sum() == wheat["km"].notna().sum()


def test_what_is_written_is_read(case: kv.Case, tmp_path: Path) -> None:
    full = kv.read_omx(omx(tmp_path, car=TRIPS), case, commodity="vehicles")
    pairs = kv.assign(full, method=kv.UserEquilibrium()).pairs
    assert pairs[["origin", "destination", "commodity"]].to_numpy().tolist() == [["1", "2", "vehicles"]]
    path = kv.write_omx(pairs, tmp_path / "out.omx", columns=["served", "cost"], zones=case.zones.index)
    with h5py.File(path) as file:
        assert file["lookup/zone"][()].tolist() == [1, 2]
        assert np.array_equal(file["data/served"][()], [[np.nan, 30.0], [np.nan, np.nan]], equal_nan=True)
    for columns, zones, problem in (
        (["id"], None, "no column of numbers"), (None, ["1"], "'2' is not in zones"), (None, ["1", "2", "1"], "twice"),
    ):  # fmt: skip
        with pytest.raises(FormatError, match=problem):
            kv.write_omx(pairs, path, columns=columns, zones=zones)
    empty = kv.write_omx(pd.DataFrame({"origin": [], "destination": [], "x": []}), path)
    with h5py.File(empty) as file:
        assert file["data/x"].shape == (0, 0)
