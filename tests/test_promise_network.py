"""Can the network carry it? Against linear programmes solved by hand, and by what must always hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from assign_problems import problems
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from promise_case import LINES, by_hand, frame, target, three_lines
from scipy import sparse
from scipy.optimize import linprog

from karavan.assignment import LeastCost, solve
from karavan.assignment.room import Room, displace, enlarge, relaxed, scale, serve
from karavan.problem import Problem, perturb
from karavan.scenario.promise_change import applied, unit_costs
from karavan.scenario.promise_corridor import corridor_steps, stages
from karavan.scenario.promise_ground import Grounds, ground
from karavan.scenario.promise_network import (
    Setting,
    headline,
    network_check,
    network_grid,
)
from karavan.schema.io.packs import read_pack

CAPACITY = st.integers(50, 2000).map(float)


def test_three_lines_by_hand() -> None:
    v = network_check(three_lines(), target(1500.0))
    # base keeps 200 of F1; the target has 700 by F2 and 300 by F3
    assert v.verdict == "not carried"
    assert v.served == pytest.approx(1000.0)
    assert v.unserved == pytest.approx(500.0)
    # without F3's limit all is served; without F2's alone only the 100 that F1 has left
    first = v.bottlenecks.iloc[0]
    assert first["facility"] == "F3"
    assert first["tonnes_lost"] == pytest.approx(500.0)
    assert first["tonnes_alone"] == pytest.approx(500.0)
    assert first["tonnes_per_unit"] == pytest.approx(1.0)
    assert (first["capacity"], first["used"], first["rests_on"]) == (300.0, pytest.approx(300.0), "computed")
    # 500 more by F3 is 167%; by F2 (500 of 700) and F1 (400 of 1000) it is 71 + 40 = 111%
    add = v.least_change.frame.set_index("facility")["add"]
    assert add.to_dict() == {"F2": pytest.approx(500.0), "F1": pytest.approx(400.0)}
    assert v.least_change.criterion == "percent"
    assert v.largest.scale == pytest.approx(1000.0 / 1500.0)
    assert v.largest.tonnes == pytest.approx(1000.0)
    assert set(v.largest.set_by) == {"F2", "F3"}
    assert v.too_dear == 0.0
    assert v.routes["usd_per_tonne"].tolist() == pytest.approx([35.0, 30.0])
    assert v.base_unserved == 0.0


@pytest.mark.parametrize(
    ("f3", "verdict", "served"),
    [(900.0, "carried with room", 1500.0), (800.0, "at a limit", 1500.0), (799.0, "not carried", 1499.0)],
)
def test_one_capacity_moves_the_verdict(f3: float, verdict: str, served: float) -> None:
    v = network_check(three_lines(f3=f3), target(1500.0))
    assert (v.verdict, v.served) == (verdict, pytest.approx(served))
    if verdict == "carried with room":
        assert v.bottlenecks["tonnes_lost"].sum() == 0.0
        assert v.least_change.frame.empty
        assert v.displaced.empty


def test_the_bottleneck_moves_with_the_capacities() -> None:
    # nothing by F3: F2 binds first, then F1
    v = network_check(three_lines(f3=50.0, base=0.0), target(1500.0))
    assert v.bottlenecks["facility"].tolist()[0] == "F3"
    v = network_check(three_lines(f1=400.0, f2=600.0, f3=1000.0, base=200.0), target(1600.0))
    # F1 has 200 left: 1200 served; F3 or F1 alone bring the rest
    assert v.served == pytest.approx(1200.0)
    assert set(v.bottlenecks["facility"]) <= {"F1", "F3"}
    assert v.bottlenecks["tonnes_lost"].sum() == pytest.approx(400.0)


@settings(max_examples=60)
@given(CAPACITY, CAPACITY, CAPACITY, st.integers(1, 500).map(float), st.integers(1, 3000).map(float))
def test_all_answers_are_those_of_the_programme_by_hand(
    f1: float, f2: float, f3: float, base: float, wanted: float
) -> None:
    v = network_check(three_lines(f1, f2, f3, base=base), target(wanted))
    true = by_hand((f1, f2, f3), base, wanted)
    assert v.served == pytest.approx(true.served, rel=1e-6, abs=1e-3)
    assert v.largest.scale == pytest.approx(true.scale, rel=1e-6, abs=1e-6)
    added = v.least_change.frame["percent"].sum()
    if true.base >= base * (1 - 1e-6):
        assert added == pytest.approx(true.percent, rel=1e-5, abs=1e-4)
    else:  # what base demand lacks today may have to be made up as well
        assert added >= true.percent - 1e-4
    carried = true.served >= wanted * (1 - 1e-6)
    assert v.verdict == ("not carried" if not carried else "carried with room" if true.scale >= 1.05 else "at a limit")
    assert v.bottlenecks["tonnes_lost"].sum() == pytest.approx(0.0 if carried else wanted - true.served, abs=1e-2)
    if not carried:
        first = v.bottlenecks.iloc[0]
        free = [f if n != first["facility"] else 1e9 for n, f in zip(LINES, (f1, f2, f3), strict=True)]
        assert first["tonnes_lost"] == pytest.approx(by_hand(tuple(free), base, wanted).served - v.served, abs=1e-2)


@settings(max_examples=25)
@given(CAPACITY, CAPACITY, CAPACITY, st.integers(1, 500).map(float), st.integers(500, 3000).map(float))
def test_the_least_change_carries_it_and_a_hundredth_less_does_not(
    f1: float, f2: float, f3: float, base: float, wanted: float
) -> None:
    case, asked = three_lines(f1, f2, f3, base=base), target(wanted)
    v = network_check(case, asked)
    assume(v.unserved > 1.0)
    assert network_check(applied(case, v.least_change), asked).is_carried
    assert not network_check(applied(case, v.least_change, share=0.99), asked).is_carried


def test_room_for_the_target_is_not_taken_by_what_is_unserved_today() -> None:
    case, asked = three_lines(50.0, 50.0, 50.0, base=500.0), target(1500.0)
    v = network_check(case, asked)
    assert v.base_unserved == pytest.approx(400.0)
    assert v.served == pytest.approx(0.0, abs=1e-3)
    assert "take the room first" in v.least_change.text
    assert network_check(applied(case, v.least_change), asked).is_carried
    assert not network_check(applied(case, v.least_change, share=0.99), asked).is_carried


@settings(max_examples=25)
@given(CAPACITY, CAPACITY, CAPACITY, st.integers(1, 3000).map(float), st.sampled_from(LINES), st.floats(1.0, 500.0))
def test_more_capacity_never_makes_it_worse(
    f1: float, f2: float, f3: float, wanted: float, line: str, more: float
) -> None:
    capacity = dict(zip(LINES, (f1, f2, f3), strict=True))
    first = network_check(three_lines(*capacity.values()), target(wanted))
    then = network_check(three_lines(*(capacity | {line: capacity[line] + more}).values()), target(wanted))
    assert then.served >= first.served - 1e-3
    assert then.largest.scale >= first.largest.scale - 1e-6
    assert then.base_unserved <= first.base_unserved + 1e-3


@settings(deadline=None, max_examples=40)
@given(problems, st.integers(0, 2**16))
def test_flows_are_never_worse_for_more_capacity(p: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    more = perturb(p, rhs=p.rhs + rng.choice([0.0, 1.0, 20.0], p.n_rows))
    first, then = (solve(q, LeastCost(objective="served first")) for q in (p, more))
    assert then.served.sum() >= first.served.sum() - 1e-6 * (1.0 + p.tonnes.sum())
    first, then = (solve(q, LeastCost()) for q in (p, more))
    assert then.objective <= first.objective + 3e-6 * (1.0 + abs(first.objective))


# The programme itself, on random networks with several goods, against one of arc flows


def arc_flows(p: Problem, is_target: np.ndarray, short: np.ndarray, ask: str, group: np.ndarray, weight: np.ndarray):
    """Solve one question by a programme of arc flows: tonnes of each demand on each arc, unserved, scale, additions."""
    n_flow, n, groups = p.n_demands * p.n_arcs, p.n_demands, weight.size
    balance = sparse.lil_matrix((n * p.n_nodes, n_flow + n + 1 + groups))
    rhs = np.zeros(n * p.n_nodes)
    use = sparse.lil_matrix((p.n_rows, n_flow + n + 1 + groups))
    for d in range(n):
        k = int(p.demand_class[d])
        for a in range(p.n_arcs):
            balance[d * p.n_nodes + p.tail[a], d * p.n_arcs + a] += 1.0
            balance[d * p.n_nodes + p.head[a], d * p.n_arcs + a] -= 1.0
            for e in range(p.usage_indptr[k * p.n_arcs + a], p.usage_indptr[k * p.n_arcs + a + 1]):
                use[p.usage_row[e], d * p.n_arcs + a] += p.usage_units[e]
        for node, sign in ((p.origin[d], 1.0), (p.destination[d], -1.0)):
            balance[d * p.n_nodes + node, n_flow + d] = sign
            if ask == "scale" and is_target[d]:
                balance[d * p.n_nodes + node, n_flow + n] = -sign * p.tonnes[d]
            else:
                rhs[d * p.n_nodes + node] = sign * p.tonnes[d]
    for r in range(p.n_rows):
        use[r, n_flow + n + 1 + group[r]] = -1.0
    whole = ask in {"scale", "enlarge"}
    most = np.where(is_target, 0.0 if whole else np.inf, short + 1e-6)
    upper = np.concatenate(
        [np.where(p.open[p.demand_class], np.inf, 0.0).ravel(), most, [np.inf if ask == "scale" else 0.0],
         np.full(groups, np.inf if ask == "enlarge" else 0.0)]
    )  # fmt: skip
    cost = np.concatenate([np.zeros(n_flow), is_target * float(ask == "serve"), [-float(ask == "scale")],
                           weight * float(ask == "enlarge")])  # fmt: skip
    limits = {"A_ub": use.tocsr(), "b_ub": p.rhs} if p.n_rows else {}
    bounds = np.stack([np.zeros(upper.size), upper], axis=1)
    return linprog(cost, A_eq=balance.tocsr(), b_eq=rhs, bounds=bounds, **limits)


@settings(deadline=None, max_examples=40)
@given(problems, st.integers(0, 2**16))
def test_room_is_the_optimum_over_all_paths(p: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    is_target = rng.random(p.n_demands) < 0.4
    group = np.arange(p.n_rows, dtype=np.int32) // 2
    weight = rng.choice([1.0, 2.0, 5.0], (p.n_rows + 1) // 2)
    room = Room(p, is_target, group)
    found = serve(room)
    short = p.tonnes - found.served
    alone = Room(perturb(p, tonnes=np.where(is_target, 0.0, p.tonnes)), is_target, group)
    assert short[~is_target].sum() == pytest.approx(
        (alone.tonnes - serve(alone).served).sum(), abs=1e-4
    )
    true = arc_flows(p, is_target, short, "serve", group, weight)
    assert short[is_target].sum() == pytest.approx(true.fun, abs=1e-3)
    assert (found.use <= p.rhs + 1e-4).all()
    wanted = is_target & (p.tonnes > 0)
    assume(wanted.any())
    if room.reachable[wanted].all():
        true = arc_flows(p, is_target, short, "scale", group, weight)
        greatest = np.inf if true.status == 3 else -true.fun  # unbounded
        assert min(scale(room).scale, 1e4) == pytest.approx(min(greatest, 1e4), rel=1e-3, abs=1e-4)
        true = arc_flows(p, is_target, short, "enlarge", group, weight)
        assert enlarge(room, weight).cost == pytest.approx(true.fun, rel=1e-3, abs=1e-3)
    # the order of questions changes nothing, and no limits bring back everything that has a way
    again = serve(room)
    np.testing.assert_allclose(again.served[is_target].sum(), found.served[is_target].sum(), atol=1e-4)
    everything = relaxed(room, np.unique(group).astype(np.int32))
    assert everything.served[is_target & room.reachable].sum() == pytest.approx(
        p.tonnes[is_target & room.reachable].sum(), abs=1e-3
    )
    first = displace(room)
    assert first.served[is_target].sum() >= found.served[is_target].sum() - 1e-3


# Settings


def projects(**columns: list) -> pd.DataFrame:
    return frame(
        id=["more-3"], name=["More of line 3"], element_table=["facilities"], elements=["F3"],
        effect=["raises_capacity"], capacity_after=[900.0], capacity_unit=["tonnes"], year=[2029], status=["planned"],
        **columns,
    )  # fmt: skip


def test_planned_projects_count_when_they_are_due() -> None:
    case = three_lines(projects=projects())
    words = {s: network_check(case, target(1500.0), setting=Setting(projects=s)).verdict for s in ("open", "planned")}
    assert words == {"open": "not carried", "planned": "carried with room"}
    early = network_check(case, target(1500.0, year=2028), setting=Setting(projects="planned"))
    assert early.verdict == "not carried"
    assert early.ground.left_out == {"more-3": "due in 2029"}
    # what a project promises has never been carried
    shown = network_check(case, target(1500.0), setting=Setting(projects="planned", capacity="demonstrated"))
    assert shown.verdict == "not carried"
    grounds = Grounds(case).at(2030, "planned")
    assert grounds.opened == ("more-3",)
    assert grounds.rests_on["computed"]["F3"] == "project"
    assert grounds.capacity["demonstrated"]["F3"] == 300.0


def test_capacities_fall_back_and_say_so() -> None:
    table = three_lines().facilities
    table = table.assign(
        capacity_stated=[5000.0, 5000.0, 5000.0],
        capacity_computed=[1000.0, np.nan, 300.0],
        capacity_demonstrated=[np.nan, 100.0, np.nan],
        capacity_used="stated",
    )
    found = ground(three_lines().with_tables(facilities=table), year=2030, projects="open")
    assert found.capacity["computed"].tolist() == [1000.0, 5000.0, 300.0]
    assert found.rests_on["computed"].tolist() == ["computed", "stated", "computed"]
    assert found.capacity["demonstrated"].tolist() == [1000.0, 100.0, 300.0]
    assert found.rests_on["demonstrated"].tolist() == ["computed", "demonstrated", "computed"]
    assert found.capacity["stated"].tolist() == [5000.0] * 3


def test_the_headline_is_never_what_is_stated() -> None:
    table = three_lines().facilities.assign(capacity_stated=9000.0, capacity_used="stated")
    case = three_lines().with_tables(facilities=table)
    grid = network_grid(case, target(1500.0), [Setting(capacity=c, period=p) for c in ("stated", "computed")
                                               for p in ("year", "month")])  # fmt: skip
    assert {v.verdict for v in grid if v.setting.capacity == "stated"} == {"carried with room"}
    assert headline(grid).verdict == "not carried"
    with pytest.raises(ValueError, match="ask for one"):
        headline(v for v in grid if v.setting.capacity == "stated")


def test_the_peak_month_binds_before_the_year() -> None:
    case = three_lines(f3=1000.0)
    year = network_check(case, target(1500.0, peak=0.2))
    month = network_check(case, target(1500.0, peak=0.2), setting=Setting(period="month"))
    assert year.verdict == "carried with room"
    assert month.verdict == "not carried"
    assert month.wanted == pytest.approx(300.0)
    assert month.served == pytest.approx((700.0 + 1000.0) / 12)
    # capacities are told by the year, whatever the period
    added = month.least_change.frame.set_index("facility")
    assert added.loc["F3", "capacity"] == pytest.approx(1000.0)
    changed = applied(case, month.least_change)
    assert network_check(changed, target(1500.0, peak=0.2), setting=Setting(period="month")).is_carried
    assert headline([year, month]) is month


def test_what_it_would_displace_stands_apart() -> None:
    v = network_check(three_lines(f1=700.0, f2=700.0, f3=100.0, base=200.0), target(800.0))
    # with base whole: 500 by B, 100 directly; alone it would take all of F1 and F3
    assert v.served == pytest.approx(600.0)
    assert v.displaced["tonnes"].tolist() == pytest.approx([200.0])
    assert v.displaced["id"].tolist() == ["a>b"]


def test_base_flows_that_make_room_cost_more() -> None:
    case = three_lines(f1=700.0, f2=700.0, f3=400.0, base=200.0)
    # F1: 500 of the target beside the base, 400 directly; no base flow moves
    stays = network_check(case, target(900.0))
    assert stays.is_carried
    assert stays.cost_to_others == pytest.approx(0.0, abs=1e-3)
    # held to F1 and F2, 100 t of the base go round by C, at 40 USD instead of 25
    moves = network_check(case, target(600.0, via="by-b"))
    assert moves.is_carried
    assert moves.cost_to_others == pytest.approx(100.0 * 15.0)


def test_all_promises_together_share_the_lines() -> None:
    case = three_lines(f1=1000.0, f2=700.0, f3=300.0)
    other = target(600.0)
    rows = other.directions[0].rows.assign(destination="b")
    (one_way,) = other.directions
    other = replace(other, title="another", directions=(replace(one_way, rows=rows, replaces={}),))
    alone = network_check(case, target(900.0))
    both = network_check(case, target(900.0), setting=Setting(others="all promises"), together=(other,))
    assert alone.is_carried
    # 800 of F1 go to b: 200 are left for c by B, and 300 directly
    assert both.served == pytest.approx(500.0)


# Causes that are no capacity, ways, corridors


def test_a_closed_way_is_named() -> None:
    closed = frame(
        id=["shut-1", "shut-3"], name=["Shut 1", "Shut 3"], applies_to=["links", "links"], target=["A-B", "A-C"],
        regime=["physical", "physical"], effect=["closed", "closed"], text=["Line 1 is shut", "Line 3 is shut"],
    )  # fmt: skip
    v = network_check(three_lines(restrictions=closed), target(1500.0))
    assert v.served == 0.0
    assert v.largest.scale == 0.0
    causes = v.least_change.causes
    assert causes["cause"].tolist() == ["restriction"]
    assert causes["what"].tolist() == ["shut-3"]
    assert v.least_change.frame.empty


def test_a_tariff_that_prices_it_out_is_a_cause() -> None:
    dear = frame(id=["rail"], mode=["rail"], usd_per_tkm=[1.5])
    v = network_check(three_lines(freight_tariffs=dear), target(900.0))
    assert v.is_carried
    assert v.too_dear == pytest.approx(900.0)
    assert v.least_change.causes["cause"].tolist() == ["tariff"]
    assert v.logit.not_sent > 890.0
    assert v.logit.verdict == "not carried"


def test_no_unit_for_the_goods_is_a_cause() -> None:
    goods = three_lines().commodities.assign(carrying_units=["", "wagon"])
    v = network_check(three_lines().with_tables(commodities=goods), target(900.0))
    assert v.least_change.causes["cause"].tolist() == ["equipment"]


def test_restricted_places_are_named() -> None:
    flag = frame(id=["watch-c"], name=["Watch C"], applies_to=["nodes"], target=["C"], regime=["us"], effect=["flag"],
                 text=["Look out at C"])  # fmt: skip
    v = network_check(three_lines(restrictions=flag), target(900.0))
    assert v.restricted == ("watch-c",)
    assert (v.routes["restrictions"] == "watch-c").all()


def test_a_corridor_holds_its_target() -> None:
    case = three_lines()
    assert [case.links.index[link] for link, _ in corridor_steps(case, "by-b", None)] == ["A-B", "B-C"]
    v = network_check(case, target(1500.0, via="by-b"))
    assert v.served == pytest.approx(700.0)
    assert set(v.bottlenecks["facility"]) == {"F1", "F2"}
    assert v.largest.scale == pytest.approx(700.0 / 1500.0)


def test_stretches_of_a_corridor() -> None:
    countries = ("AAA", "BBB", "CCC")
    assert stages(countries, "AAA", "CCC") == [(0, 2)]
    assert stages(countries, "CCC", "BBB") == [(2, 1)]
    assert stages(countries, "BBB", "BBB") == []
    assert stages(countries, "XXX", "BBB") == [(0, 1), (2, 1)]
    assert stages(countries, "XXX", "YYY") == [(i, j) for i in range(3) for j in range(3) if i != j]


def test_ways_twice_as_dear_do_not_count() -> None:
    links = three_lines().links.assign(length_km=[100.0, 100.0, 401.0])
    v = network_check(three_lines().with_tables(links=links), target(1500.0))
    assert v.served == pytest.approx(700.0)
    # nor for base demand: held to F1 and F2, the target finds 500 t of F1 left, and no base flow goes round by C
    links = three_lines().links.assign(length_km=[100.0, 100.0, 150.0])
    v = network_check(three_lines(f1=700.0, f3=400.0, links=links), target(900.0, via="by-b"))
    assert v.served == pytest.approx(500.0)


def test_ways_without_a_capacity_row_are_told_apart() -> None:
    case = three_lines()
    v = network_check(case.with_tables(facilities=case.facilities.iloc[:2]), target(1500.0))
    assert v.verdict == "carried with room"
    assert v.unknown_tonnes == pytest.approx(1500.0)  # the direct line is the cheapest, and has no row
    assert v.unknown_places == ("Aby - Cove (rail)",)
    assert v.unknown_ways["tonnes"].tolist() == pytest.approx([1500.0])
    assert v.served_known == pytest.approx(700.0)
    assert v.largest_known.scale == pytest.approx(700.0 / 1500.0)
    sure = network_check(case, target(900.0))
    assert (sure.unknown_tonnes, sure.unknown_places) == (0.0, ())
    assert sure.served_known == pytest.approx(900.0)


# Cost of what is added, shippers, seasons


def test_the_least_change_is_in_money_where_all_costs_are_known() -> None:
    each = ["F1", "F2", "F3"]
    table = frame(
        id=each, name=each, element_table=["facilities"] * 3, elements=each, effect=["raises_capacity"] * 3,
        capacity_after=[2000.0, 1700.0, 1300.0], capacity_unit=["tonnes"] * 3, cost_usd=[1e6, 1e6, 1.5e6],
        status=["planned"] * 3,
    )  # fmt: skip
    case = three_lines(projects=table)
    np.testing.assert_allclose(unit_costs(case, each), [1000.0, 1000.0, 1500.0])
    change = network_check(case, target(1500.0)).least_change
    # 100 t by F2 alone, then F3 is cheaper than F1 and F2
    assert change.criterion == "usd"
    add = change.frame.set_index("facility")["add"].to_dict()
    assert add == {"F2": pytest.approx(100.0), "F3": pytest.approx(400.0)}
    assert change.frame["usd"].sum() == pytest.approx(100.0 * 1000 + 400.0 * 1500)
    assert change.frame.set_index("facility")["projects"].to_dict() == {"F2": "F2", "F3": "F3"}


def test_a_capacity_taken_by_other_traffic_is_made_up_first() -> None:
    loads = frame(id=["p"], facility=["F2"], direction=["each"], units_per_year=[900.0], traffic=["coal"])
    case = three_lines(f3=50.0, preloads=loads)
    v = network_check(case, target(300.0))
    assert v.served == pytest.approx(50.0)
    assert network_check(applied(case, v.least_change), target(300.0)).is_carried


def test_shippers_go_where_there_is_room() -> None:
    v = network_check(three_lines(f3=5000.0), target(600.0))
    assert v.logit.verdict == "carried with room"
    assert v.logit.served == pytest.approx(600.0, rel=1e-3)
    tight = network_check(three_lines(f3=100.0), target(1500.0))
    assert tight.logit.verdict == "not carried"
    assert tight.logit.lost_to_queues > 0.0
    assert tight.logit.served <= tight.served + 250.0  # base demand has no priority with shippers


def test_seasons_close_months() -> None:
    ice = frame(id=["ice"], name=["Ice"], applies_to=["links"], target=["A-C"], regime=["season"], effect=["closed"],
                months=["12;1;2;3"], text=["Shut in winter"])  # fmt: skip
    v = network_check(three_lines(restrictions=ice), target(1500.0))
    months = v.by_month.set_index("month")
    # in a year everything works; in winter F3 has nothing, in the other months an eighth of its year
    assert v.served == pytest.approx(1000.0)
    assert months.loc[1, "served"] == pytest.approx(700.0 / 12)
    assert months.loc[7, "served"] == pytest.approx(700.0 / 12 + 300.0 / 8)
    assert months["same_as"].tolist() == [1, 1, 1, *([4] * 8), 1]
    month = network_check(three_lines(restrictions=ice), target(1500.0), setting=Setting(period="month"))
    assert month.served == pytest.approx(1000.0 / 12)


def test_everything_is_plain_in_json() -> None:
    found = json.loads(json.dumps(network_check(three_lines(), target(1500.0)).to_json()))
    assert found["verdict"] == "not carried"
    assert found["bottlenecks"][0]["facility"] == "F3"
    assert found["tonnes"] == {"wanted": 1500.0, "served": pytest.approx(1000.0), "unserved": pytest.approx(500.0),
                               "too_dear": 0.0, "base_unserved": 0.0}  # fmt: skip


# The Caspian


def test_the_gauge_yard_holds_back_the_kazakhstan_turkmenistan_iran_railway() -> None:
    case = read_pack("caspian")
    mine = (case.demand["origin"].str.startswith("KZ")) & (case.demand["destination"].str.startswith("IR"))
    rows = case.demand[mine][["origin", "destination", "commodity", "tonnes", "peak_month_share"]]
    rows = rows.assign(tonnes=rows["tonnes"] * 3e6 / rows["tonnes"].sum(), value_usd=np.nan)
    asked = target(3e6, via="kti")
    (one_way,) = asked.directions
    one_way = replace(one_way, rows=rows.reset_index(drop=True), replaces=case.demand[mine]["tonnes"].to_dict())
    v = network_check(case, replace(asked, directions=(one_way,)))
    assert v.verdict == "not carried"
    assert v.bottlenecks["facility"].tolist()[0] == "AKY-yard"
    assert v.least_change.frame["facility"].tolist()[0] == "AKY-yard"
    assert v.served < 2e6
