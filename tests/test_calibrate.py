"""Calibration: what made the counts is found again, and what the counts cannot tell is refused."""

from __future__ import annotations

import numpy as np
import pytest
from choice_case import choice_case
from hypothesis import given
from hypothesis import strategies as st
from tiny import frame

from karavan.assignment.calibrate import calibrate, most_likely_demand
from karavan.assignment.counted import CountedPaths
from karavan.assignment.front import assign
from karavan.assignment.methods import Logit
from karavan.errors import NameNotFound, NotIdentified
from karavan.model import build_model
from karavan.schema.case import Case
from karavan.schema.check import check

TRUE = Logit(theta=0.08)


def counted(case: Case, method: Logit = TRUE) -> Case:
    """Return the case with the volumes that a method gives as its counts."""
    a = assign(case, method=method)
    s = a.solution
    paths = CountedPaths(a.model, s.path_start, s.path_arc, s.path_demand)
    table = case.counts.copy()
    table["value"] = [float(paths.per_tonne(row) @ s.path_tonnes) for _, row in table.iterrows()]
    return case.with_tables(counts=table)


def with_constants(case: Case, **constants: float) -> Case:
    kinds = {"road": "mode", "rail": "mode", "line": "corridor"}
    rows = frame(
        id=list(constants), kind=[kinds[c] for c in constants], target=list(constants),
        value=list(constants.values()), unit=["USD/t"] * len(constants),
    )  # fmt: skip
    return case.with_tables(constants=rows)


def without_constants(case: Case) -> Case:
    return case.with_tables(constants=case.constants.iloc[:0])


@pytest.mark.parametrize("method", [TRUE, Logit(theta=0.08, mode_ratio=1.5, overlap="c-logit")])
def test_what_made_the_counts_is_found_again(method: Logit) -> None:
    case = without_constants(counted(with_constants(choice_case(), road=3.0), method))
    from_afar = Logit(theta=0.03, mode_ratio=method.mode_ratio, overlap=method.overlap)
    found = calibrate(case, fit=("dispersion", "mode:road"), method=from_afar)
    assert found.method.theta == pytest.approx(0.08, rel=1e-3)
    value = found.constants.set_index("id")["value"]
    assert value["mode:road"] == pytest.approx(3.0, rel=1e-2)
    summary = found.summary
    assert summary["fitted_counts"] + summary["held_out_counts"] == 12
    assert summary["held_out_error_before"] > 0.05
    assert summary["held_out_error_after"] < 1e-3
    assert summary["fitted_error_after"] < 1e-3


def test_a_corridor_is_found_and_kept_with_its_origin() -> None:
    case = without_constants(counted(with_constants(choice_case(), line=6.0)))
    found = calibrate(case, fit=("corridor:line",), method=TRUE)
    assert found.constants["value"].tolist() == pytest.approx([6.0], rel=1e-2)
    kept = found.case.constants.loc["corridor:line"]
    assert kept[["kind", "target", "source", "confidence"]].tolist() == ["corridor", "line", "own-calibration", "C"]
    assert "held out" in kept["note"]
    assert "own-calibration" in found.case.sources.index
    # the case as kept gives the flows said
    again = assign(found.case, method=found.method)
    np.testing.assert_allclose(again.arc_tonnes, found.assignment.arc_tonnes, rtol=1e-5, atol=1e-3)
    assert not [e for e in check(found.case).errors if e.file in {"constants.csv", "provenance.csv"}]
    # and goes on from there when fitted again
    twice = calibrate(found.case, fit=("corridor:line",), method=TRUE)
    assert twice.constants["value"].tolist() == pytest.approx([6.0], rel=1e-2)
    assert len(twice.case.constants) == 1


def test_demand_is_drawn_to_the_counts_and_nothing_else() -> None:
    case = choice_case()
    more = case.demand.copy()
    more.loc["AB", "tonnes"] *= 2.0
    seen = counted(case.with_tables(demand=more)).counts
    found = calibrate(case.with_tables(counts=seen), fit=("demand",), method=TRUE, held_out=0.0, trust=1000.0)
    assert found.summary["fitted_error_after"] < 0.3 * found.summary["fitted_error_before"]
    factor = found.demand.set_index("id")["factor"]
    assert factor.idxmax() == "AB"
    origin = found.case.provenance[found.case.provenance["field"] == "tonnes"].set_index("id")
    assert origin.loc["AB", "source"] == "own-calibration"
    assert origin.loc["AB", "other_values"] == "1000 [made]"


def test_what_the_counts_cannot_tell_is_refused() -> None:
    case = counted(choice_case())
    model = build_model(case)
    with pytest.raises(NotIdentified, match="cannot tell mode:rail, mode:road") as refused:
        calibrate(model, fit=("mode:rail", "mode:road"), method=TRUE)  # only their difference shows
    assert set(refused.value.parameters) == {"mode:rail", "mode:road"}
    two = case.with_tables(counts=case.counts.iloc[:2])
    with pytest.raises(NotIdentified, match="counts are fitted"):
        calibrate(two, fit=("dispersion", "mode:road"), method=TRUE, held_out=0.0)
    with pytest.raises(NotIdentified, match="0 counts"):
        calibrate(case.with_tables(counts=case.counts.iloc[:0]), fit=("demand",), method=TRUE)


def test_nonsense_is_refused() -> None:
    model = build_model(choice_case())
    for fit in ((), ("mode",), ("theta",), ("dispersion", "dispersion")):
        with pytest.raises(ValueError, match="give dispersion"):
            calibrate(model, fit=fit, method=TRUE)
    with pytest.raises(NameNotFound):
        calibrate(model, fit=("mode:canal",), method=TRUE)
    with pytest.raises(ValueError, match="held_out"):
        calibrate(model, fit=("dispersion",), method=TRUE, held_out=1.0)


@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=6), st.floats(0.2, 5.0), st.floats(0.5, 1e4))
def test_demand_of_greatest_entropy(prior: list[float], wanted: float, trust: float) -> None:
    table = np.array(prior)
    share = np.ones((1, table.size)) / (wanted * table.sum())
    found = most_likely_demand(table, share, np.array([trust * table.sum()]))
    # one count of everything changes all rows alike, and never beyond the count
    np.testing.assert_allclose(found / table, found[0] / table[0], rtol=1e-9)
    low, high = sorted((1.0, wanted))
    assert low - 1e-9 <= found.sum() / table.sum() <= high + 1e-9
    # the optimum: what a tonne more is worth by the counts is what it costs in entropy
    price = -trust * table.sum() * (share @ found - 1.0)
    np.testing.assert_allclose(np.log(found / table), price @ share, atol=1e-5)
