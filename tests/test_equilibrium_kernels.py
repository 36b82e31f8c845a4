"""Kernels of congested assignment against plain twins and against what must hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from equilibrium_networks import equilibrium, networks, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from karavan.assignment.equilibrium_problem import EquilibriumProblem, path_table
from karavan.assignment.hierarchy import make_hierarchy, price, skim
from karavan.kernels import contraction, equilibrium_delay, equilibrium_shift
from karavan.kernels import equilibrium as kernels
from karavan.kernels import reference_equilibrium as reference


@settings(max_examples=150)
@given(networks, st.integers(0, 10**6))
def test_skims_agree_with_dijkstra(p: EquilibriumProblem, seed: int) -> None:
    """Zones that may not be passed, dead ends, one-way chains, closed and free links, more origins than lanes."""
    rng = np.random.default_rng(seed)
    time = rng.choice([0.0, 1.0, 2.0, 7.0], p.n_links)
    nodes = list(range(p.n_nodes))
    found = skim(p, time, origins=nodes, destinations=nodes)
    cost = np.where(p.open[0], time + p.fixed[0], np.inf)
    np.testing.assert_allclose(found, reference.skim(p, cost, nodes, nodes), rtol=1e-12, atol=0.0)


def test_a_chain_is_not_joined_against_its_direction() -> None:
    """A node with two links in and none out, as Barcelona's 1008, is no way from one neighbour to the other."""
    from karavan.assignment.equilibrium_problem import make_equilibrium_problem

    p = make_equilibrium_problem(
        n_nodes=4, tail=[0, 2, 0, 3], head=[1, 1, 3, 2], free_time=[1.0, 1.0, 5.0, 5.0], origin=[0], destination=[2],
        demand=[1.0],
    )  # fmt: skip
    assert skim(p, [1.0, 1.0, 5.0, 5.0], origins=[0], destinations=[1, 2]).tolist() == [[1.0, 10.0]]
    assert equilibrium(p).link_flow.tolist() == [[0.0, 0.0, 1.0, 1.0]]


@given(networks)
def test_hierarchy(p: EquilibriumProblem) -> None:
    """Every arc leads up, neighbours of a node are joined, and an arc costs what the links it stands for do."""
    h = make_hierarchy(p)
    assert (h.high > h.low).all()
    arcs = set(zip(h.low.tolist(), h.high.tolist(), strict=True))
    for v in range(p.n_nodes):
        above = h.high[h.start[v] : h.start[v + 1]].tolist()
        assert above == sorted(set(above))
        assert all((a, b) in arcs for i, a in enumerate(above) for b in above[i + 1 :])
    cost = np.where(p.open[0], p.delays.table[:, 0] + p.fixed[0], np.inf)
    prices = price(h, cost)
    for e in range(h.high.size):
        for down in (False, True):
            total = (prices.down if down else prices.up)[e]
            links = unpacked(h, prices, e, down=down) if np.isfinite(total) else []
            assert np.isinf(total) or sum(cost[links]) == pytest.approx(total)
            ends = (h.high[e], h.low[e]) if down else (h.low[e], h.high[e])
            nodes = [h.rank[p.tail[a]] for a in links] + [h.rank[p.head[a]] for a in links[-1:]]
            assert not links or (nodes[0], nodes[-1]) == ends
            assert all(h.rank[p.head[a]] == h.rank[p.tail[b]] for a, b in pairwise(links))


def unpacked(h, prices, e: int, *, down: bool) -> list[int]:
    """Return the links an arc stands for."""
    f = int((prices.down_from if down else prices.up_from)[e])
    if f < 0:
        return [-1 - f]
    g = f + 1 + int(np.argmax(h.high[f + 1 :] == h.high[e]))
    parts = [(g, True), (f, False)] if down else [(f, True), (g, False)]
    return [a for arc, turn in parts for a in unpacked(h, prices, arc, down=turn)]


@given(networks)
def test_contraction_order_takes_every_node_once(p: EquilibriumProblem) -> None:
    order, start, _ = contraction.contract(p.n_nodes, p.tail, p.head)
    assert sorted(order.tolist()) == list(range(p.n_nodes))
    assert start[-1] >= len({frozenset(x) for x in zip(p.tail.tolist(), p.head.tolist(), strict=True) if x[0] != x[1]})


@given(networks)
def test_path_trees(p: EquilibriumProblem) -> None:
    """Costs and flows run through the trees as they do path by path; pruning changes neither."""
    s = equilibrium(p, gap=1e-3, max_passes=4)
    cost = np.random.default_rng(0).uniform(0.0, 3.0, p.n_links)
    total = np.zeros((p.n_classes, p.n_links))
    for block in s.paths:
        spent = np.empty(len(block.branch))
        kernels.branch_costs(block.branch, len(block.branch), block.n_origins, cost, spent)
        np.testing.assert_allclose(spent, reference.branch_costs(block.branch, block.n_origins, cost), rtol=1e-12)
    table = path_table(p, s)
    for i, d in enumerate(table.demand.tolist()):
        links = table.link[table.start[i] : table.start[i + 1]]
        assert (p.tail[links[0]], p.head[links[-1]]) == (p.origin[d], p.destination[d])
        assert (p.head[links[:-1]] == p.tail[links[1:]]).all()
        assert p.through[p.head[links[:-1]]].all()
        assert p.open[p.demand_class[d], links].all()
        assert len(set(p.tail[links].tolist())) == links.size  # no node twice
        total[p.demand_class[d], links] += table.vehicles[i]
    np.testing.assert_allclose(total, s.link_flow, rtol=1e-9, atol=1e-9)
    carried = np.bincount(table.demand, table.vehicles, minlength=p.n_demands)
    np.testing.assert_allclose(carried, s.served, rtol=1e-9, atol=1e-9)


def two_paths(seed: int) -> tuple[EquilibriumProblem, list[list[list[int]]], list[list[float]], list[list[float]]]:
    """Pairs of two paths over any links of a network."""
    p = random_network(seed)
    rng = np.random.default_rng(seed)
    paths, has, rest = [], [], []
    for _ in range(6):
        links = rng.permutation(p.n_links)[: rng.integers(2, 8)].tolist()
        cut = int(rng.integers(1, len(links)))
        paths.append([links[:cut], links[cut:]])
        has.append(rng.choice([0.0, 1.0, 4.0], 2).tolist())
        rest.append(rng.uniform(0.0, 1.0, 2).tolist())
    return p, paths, has, rest


def flat(p: EquilibriumProblem, paths: list, has: list, rest: list) -> tuple:
    """The same as arrays, with the state of the links."""
    lists = [path for pair in paths for path in pair]
    flow = np.zeros(p.n_links)
    for path, x in zip(lists, np.ravel(has), strict=True):
        flow[path] += x
    time, slope = np.empty(p.n_links), np.empty(p.n_links)
    equilibrium_delay.delays(p.delays.kind, flow, p.delays.table, time, slope)
    return (
        np.arange(0, len(lists) + 1, 2), np.append(0, np.cumsum([len(x) for x in lists])),
        np.concatenate(lists).astype(np.int32), np.ravel(rest), np.ravel(has), p.delays.kind, p.delays.table, flow,
        time, slope,
    )  # fmt: skip


@given(st.integers(0, 10**6))
def test_shift_agrees_with_the_twin(seed: int) -> None:
    p, paths, has, rest = two_paths(seed)
    arrays = flat(p, paths, has, rest)
    met, _ = equilibrium_shift.shift(*arrays, np.zeros(p.n_links, np.int64), 1, 1, 0.0)
    assert met == pytest.approx(reference.shift(p, paths, has, rest), rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(arrays[4], np.ravel(has), rtol=1e-2, atol=1e-2)


@given(st.integers(0, 10**6))
def test_newton_step_lowers_the_beckmann_sum(seed: int) -> None:
    p, paths, has, rest = two_paths(seed)
    arrays = flat(p, paths, has, rest)

    def objective() -> float:
        integrals = np.empty(p.n_links)
        equilibrium_delay.delay_integrals(p.delays.kind, arrays[7], p.delays.table, integrals)
        return integrals.sum() + arrays[3] @ arrays[4]

    before, sums = objective(), arrays[4].reshape(-1, 2).sum(axis=1)
    equilibrium_shift.newton(*arrays, 20, False)
    assert objective() <= before * (1 + 1e-4)  # the slope at the end of a step may be a little above zero
    assert (arrays[4] >= 0.0).all()
    np.testing.assert_allclose(arrays[4].reshape(-1, 2).sum(axis=1), sums, rtol=1e-12, atol=1e-12)
    again = np.zeros(p.n_links)
    equilibrium_shift.spread(arrays[1], arrays[2], arrays[4], again)
    np.testing.assert_allclose(arrays[7], again, rtol=1e-9, atol=1e-9)
