"""Resilience: what the loss of each asset costs and leaves unserved, alone and in the worst pairs.

An asset that is lost takes all arcs with it that go over it; flows find the least-cost way that is left, under the
capacities of what is left. An asset that carries nothing at the optimum costs nothing alone.

Pairs. Taking away the paths over j from the flows that are best without i leaves flows that are possible without both:
so no pair costs more than the loss of i and what those tonnes are worth beyond their transport. The pairs are worked
out in the order of that bound, and the search ends when no pair left can be among the worst: then these are proven.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from karavan.assignment.draws import draw_start
from karavan.assignment.least_cost import least_cost
from karavan.assignment.methods import LeastCost
from karavan.model import Model, build_model, problem_of
from karavan.problem import perturb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from karavan.assignment.result import Columns, Solution
    from karavan.problem import Problem
    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Bool = NDArray[np.bool_]

Kind = Literal["links", "nodes", "borders", "services", "facilities"]
KINDS: tuple[Kind, ...] = ("links", "nodes", "borders", "services", "facilities")
EXACT = LeastCost(gap=1e-9, ties="any", price_factors=())
NOTHING = 1e-7  # of the cost of all: a smaller loss is rounding
SINGLE = ("table", "id", "name", "tonnes", "cost_usd", "unserved", "transport_usd", "usd_per_tonne")
PAIR = ("table_a", "id_a", "name_a", "table_b", "id_b", "name_b", "cost_usd", "unserved", "alone_a_usd", "alone_b_usd",
        "together_usd")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Assets:
    """What may be lost: rows of tables of the case, and the arcs that go with each.

    `arcs`: sparse (n_assets, n_classes * n_arcs), which arcs of which goods each asset takes with it.
    """

    table: tuple[str, ...]
    id: tuple[str, ...]
    name: tuple[str, ...]
    arcs: sparse.csr_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Criticality:
    """What losses cost, worst first.

    Attributes
    ----------
    assets
        One row an asset that carries something: table, id, name, tonnes over it before, what its loss costs a year
        (USD, with unserved tonnes at their price), tonnes more that are left unserved, what transport costs more (less
        where tonnes are lost), and cost over its tonnes.
    pairs
        The worst pairs: cost and tonnes unserved of both lost at once, of each alone, and `together_usd`, what both
        cost beyond the two alone: positive where one stands in for the other.
    idle
        Assets that carry nothing at the optimum, and cost nothing alone.
    evaluated
        Pairs that were worked out, of all `n_pairs`.
    bound
        No pair that was not worked out is worse than this, USD a year.
    proven
        Whether the pairs given are the worst of all.
    """

    case: str
    period: str
    assets: pd.DataFrame
    pairs: pd.DataFrame
    idle: int
    evaluated: int
    n_pairs: int
    bound: float
    proven: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `table` and `id` are those of the map's layers."""
        names = ("case", "period", "assets", "pairs", "idle", "evaluated", "n_pairs", "bound", "proven")
        return {name: getattr(self, name) for name in names}


def criticality(
    case: Case | Model,
    *,
    kinds: Sequence[Kind] = KINDS,
    pairs: int = 10,
    by: Literal["cost", "together"] = "cost",
    most_pairs: int = 500,
    month: bool = False,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Criticality:
    """Work out what the loss of each asset costs for a year (or its busiest month), alone and in pairs.

    Parameters
    ----------
    case
        The case, or its model.
    kinds
        Tables whose rows may be lost.
    pairs
        How many of the worst pairs are sought; 0: none.
    by
        Worst by what both cost ("cost"), or by what they cost beyond the two alone ("together").
    most_pairs
        Pairs that are worked out at most; the answer says whether they were enough.
    month
        The busiest month in place of the year.
    workers
        Losses that are worked out at a time.
    progress
        Called with what is being done.

    Raises
    ------
    ValueError
        `kinds` or `by` is none of those allowed.
    SolverError
        The flows without an asset were not found.
    """
    wrong = [k for k in kinds if k not in KINDS]
    if wrong or by not in {"cost", "together"}:
        message = f"kinds are {', '.join(KINDS)}, by is cost or together; not {', '.join(wrong) or by}"
        raise ValueError(message)
    model = case if isinstance(case, Model) else build_model(case)
    problem = problem_of(model, month=month)
    note = progress or (lambda _: None)
    work = _Losses(problem, assets_of(model, problem, kinds), workers)
    note(f"Taking away each of {len(work.used)} assets")
    work.singles()
    found = work.worst_pairs(pairs, by, most_pairs, note) if pairs else _Pairs([], 0.0, proven=True)
    n = len(work.assets.id)
    return Criticality(
        case=model.case.meta.name,
        period="busiest month" if month else "year",
        assets=work.table(),
        pairs=work.pair_table(found),
        idle=n - len(work.used),
        evaluated=len(work.pair_cost),
        n_pairs=n * (n - 1) // 2,
        bound=found.bound,
        proven=found.proven,
    )


def assets_of(model: Model, problem: Problem, kinds: Sequence[Kind]) -> Assets:
    """Return the assets of a model, each with the arcs it takes with it; those that touch no arc are left out."""
    tables, ids, names, rows = [], [], [], []
    for kind in kinds:
        for name, label, cells in _rows(model, problem, kind):
            if cells.size:
                tables.append(str(kind))
                ids.append(name)
                names.append(label)
                rows.append(cells)
    cells = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    row = np.repeat(np.arange(len(rows)), [r.size for r in rows])
    shape = (len(rows), problem.cost.size)
    arcs = sparse.csr_matrix((np.ones(cells.size, np.bool_), (row, cells)), shape=shape)
    return Assets(tuple(tables), tuple(ids), tuple(names), arcs)


_Rows = list[tuple[str, str, "NDArray[np.int64]"]]


def _rows(model: Model, problem: Problem, kind: Kind) -> _Rows:
    if kind == "facilities":
        return _facilities(model, problem)
    return {"links": _links, "nodes": _nodes, "borders": _borders, "services": _services}[kind](model)


def _all_goods(model: Model, arcs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the cells (class, arc) of arcs for all goods."""
    n = model.graph.n_arcs
    cells = np.arange(len(model.costs))[:, None] * n + np.unique(arcs)[None, :]
    return np.asarray(cells.ravel(), dtype=np.int64)


def _links(model: Model) -> _Rows:
    g, links, nodes = model.graph, model.case.links, model.case.nodes["name"]
    arc = np.repeat(np.arange(g.n_arcs), np.diff(g.steps_indptr))
    labels = [f"{nodes.get(a, a)} - {nodes.get(b, b)}, {m}" for a, b, m in
              zip(links["from_node"], links["to_node"], links["mode"], strict=True)]  # fmt: skip
    return [
        (str(name), labels[i], _all_goods(model, arc[g.steps_link == i])) for i, name in enumerate(links.index)
    ]


def _nodes(model: Model) -> _Rows:
    g, case = model.graph, model.case
    arc = np.repeat(np.arange(g.n_arcs), np.diff(g.steps_indptr))
    at = {str(n): i for i, n in enumerate(case.nodes.index)}
    ends = [np.array([at[str(n)] for n in case.links[f]], dtype=np.int64) for f in ("from_node", "to_node")]
    a, b = (e[g.steps_link] for e in ends)
    here = np.where(g.node[g.tail] == g.node[g.head], g.node[g.tail], -1)
    return [
        (str(name), str(case.nodes["name"].iloc[i]),
         _all_goods(model, np.append(arc[(a == i) | (b == i)], np.flatnonzero(here == i))))
        for i, name in enumerate(case.nodes.index)
    ]  # fmt: skip


def _borders(model: Model) -> _Rows:
    """Return the crossings: the rows of both ways, and of all units, of one mode between two places are one."""
    g, borders = model.graph, model.case.borders
    arc = np.repeat(np.arange(g.n_arcs), np.diff(g.over_indptr))
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, (start, end, mode) in enumerate(
        zip(borders["from_node"], borders["to_node"], borders["mode"], strict=True)
    ):
        groups.setdefault((str(mode), *sorted((str(start), str(end)))), []).append(i)
    return [
        (str(borders.index[rows[0]]), str(borders["name"].iloc[rows[0]]),
         _all_goods(model, arc[np.isin(g.over_border, rows)]))
        for rows in groups.values()
    ]  # fmt: skip


def _services(model: Model) -> _Rows:
    g, services = model.graph, model.case.services
    return [
        (str(name), str(services["name"].iloc[i]), _all_goods(model, np.flatnonzero(g.service == i)))
        for i, name in enumerate(services.index)
    ]


def _facilities(model: Model, problem: Problem) -> _Rows:
    """Return the facilities in force; what uses their rows goes with them, of the goods that they limit."""
    table = model.case.facilities
    cell = np.repeat(np.arange(problem.cost.size), np.diff(problem.usage_indptr))
    uses = problem.usage_units > 0
    of = model.capacity.facility[problem.usage_row]
    n = problem.n_arcs
    loaded = _loaded_cells(model)
    out: _Rows = []
    for i in np.unique(model.capacity.facility).tolist():
        cells = np.unique(cell[uses & (of == i)])
        cells = cells[loaded[i][cells % n]]
        out.append((str(table.index[i]), str(table["name"].iloc[i]), cells.astype(np.int64)))
    return out


def _loaded_cells(model: Model) -> dict[int, Bool]:
    """Return for each facility the arcs whose goods pass it: not those of which only empties come back that way."""
    capacity, n = model.capacity, model.graph.n_arcs
    arc = np.repeat(np.arange(n), np.diff(capacity.indptr))
    out = {}
    for i in np.unique(capacity.facility).tolist():
        mine = np.zeros(n, dtype=bool)
        mine[arc[capacity.loaded & (capacity.facility[capacity.row] == i)]] = True
        out[i] = mine
    return out


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs found, worst first, and a bound for the others."""

    found: list[tuple[int, int]]
    bound: float
    proven: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Loss:
    """What one loss leads to: cost and unserved tonnes beyond the base, and what it would cost to lose each asset too.

    `more` (n_assets,): no loss of the asset besides costs more than this.
    """

    cost: float
    unserved: float
    transport: float
    more: Float


class _Losses:
    """Losses worked out so far, all from one start."""

    def __init__(self, problem: Problem, assets: Assets, workers: int) -> None:
        self.problem, self.assets, self.workers = problem, assets, workers
        self.start: Columns = draw_start(problem, EXACT)
        self.base = least_cost(problem, EXACT, start=self.start, keep_columns=False)
        self.by_cell = assets.arcs.T.tocsr().astype(np.float64)
        touched = self._over(self.base)
        self.tonnes = np.asarray(touched.T @ self.base.path_tonnes)
        self.none = _Loss(0.0, 0.0, 0.0, self._more(self.base))
        self.used = np.flatnonzero(self.tonnes > 0).tolist()
        self.alone: dict[int, _Loss] = {}
        self.pair_cost: dict[tuple[int, int], _Loss] = {}

    def _over(self, s: Solution) -> sparse.csr_matrix:
        """Return (n_paths, n_assets): which paths go over which assets."""
        p = self.problem
        path = np.repeat(np.arange(s.path_demand.size), np.diff(s.path_start))
        cell = p.demand_class[s.path_demand[path]].astype(np.int64) * p.n_arcs + s.path_arc
        ones = np.ones(path.size)
        shape = (s.path_demand.size, p.cost.size)
        over = sparse.csr_matrix(sparse.csr_matrix((ones, (path, cell)), shape=shape) @ self.by_cell)
        over.data = np.minimum(over.data, 1.0)
        return over

    def _more(self, s: Solution) -> Float:
        """Return what leaving all tonnes over each asset unserved would cost beyond their transport."""
        p = self.problem
        path = np.repeat(np.arange(s.path_demand.size), np.diff(s.path_start))
        cost = np.bincount(path, weights=p.cost[p.demand_class[s.path_demand[path]], s.path_arc],
                           minlength=s.path_demand.size)  # fmt: skip
        worth = s.path_tonnes * np.maximum(p.unserved_price[s.path_demand] - cost, 0.0)
        return np.asarray(self._over(s).T @ worth, dtype=np.float64)

    def lost(self, *which: int) -> _Loss:
        """Work out the loss of assets together."""
        open_ = self.problem.open.copy().reshape(-1)
        for i in which:
            open_[self.assets.arcs.indices[self.assets.arcs.indptr[i] : self.assets.arcs.indptr[i + 1]]] = False
        left = perturb(self.problem, open=open_.reshape(self.problem.open.shape))
        s = least_cost(left, EXACT, start=self.start, keep_columns=False)
        unpaid = float(self.problem.unserved_price @ (s.unserved - self.base.unserved))
        cost = s.objective - self.base.objective
        cost = cost if cost > NOTHING * max(abs(self.base.objective), 1.0) else 0.0
        return _Loss(cost, float(s.unserved.sum() - self.base.unserved.sum()), cost - unpaid, self._more(s))

    def _map(self, work: Sequence[tuple[int, ...]]) -> list[_Loss]:
        if self.workers <= 1:
            return [self.lost(*which) for which in work]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda which: self.lost(*which), work))

    def singles(self) -> None:
        """Work out the loss of each asset that carries something."""
        self.alone = dict(zip(self.used, self._map([(i,) for i in self.used]), strict=True))

    def worst_pairs(self, wanted: int, by: str, most: int, note: Callable[[str], None]) -> _Pairs:
        """Work out pairs in the order of their bound, until no other can be among the worst."""
        i, j, bound = self._bounds(by)
        order = np.argsort(-bound, kind="stable")
        step = max(8 * self.workers, 16)
        ranked: list[tuple[float, int, int]] = []
        done = 0
        while done < order.size and done < most:
            worst = sorted((v for v, _, _ in ranked), reverse=True)[:wanted]
            if len(worst) == wanted and bound[order[done]] <= worst[-1]:
                break
            note(f"Taking away pairs: {done} worked out")
            batch = order[done : min(done + step, most)]
            pairs = [(int(i[k]), int(j[k])) for k in batch]
            for pair, loss in zip(pairs, self._map(pairs), strict=True):
                self.pair_cost[pair] = loss
                ranked.append((self._value(by, pair, loss), *pair))
            done += batch.size
        ranked.sort(key=lambda r: (-r[0], r[1], r[2]))
        best = [(a, b) for value, a, b in ranked[:wanted] if value > 0]
        left = float(bound[order[done]]) if done < order.size else 0.0
        enough = done >= order.size or (len(ranked) >= wanted and left <= ranked[min(wanted, len(ranked)) - 1][0])
        return _Pairs(best, left, proven=enough)

    def _value(self, by: str, pair: tuple[int, int], loss: _Loss) -> float:
        return loss.cost if by == "cost" else loss.cost - sum(self._alone(k).cost for k in pair)

    def _alone(self, i: int) -> _Loss:
        return self.alone.get(i, self.none)

    def _bounds(self, by: str) -> tuple[NDArray[np.int64], NDArray[np.int64], Float]:
        """Return the pairs of which none is part of the other, and a bound of what each is worth at most."""
        n = len(self.assets.id)
        both = np.full((n, n), np.inf)
        for k in range(n):
            loss = self._alone(k)
            both[k] = loss.cost + loss.more
        cost = np.array([self._alone(k).cost for k in range(n)])
        both = np.minimum(both, both.T)
        if by == "together":
            both = both - cost[:, None] - cost[None, :]
        cells = self.assets.arcs.astype(np.float64)
        shared = np.asarray((cells @ cells.T).todense())
        size = np.asarray(cells.sum(axis=1)).ravel()
        nested = shared >= np.minimum(size[:, None], size[None, :])
        i, j = np.nonzero(np.triu(~nested, k=1) & (both > 0))
        return i, j, both[i, j]

    def table(self) -> pd.DataFrame:
        """Return the losses of single assets, worst first."""
        a = self.assets
        rows = [
            [a.table[i], a.id[i], a.name[i], float(self.tonnes[i]), loss.cost, loss.unserved, loss.transport,
             loss.cost / float(self.tonnes[i])]
            for i, loss in self.alone.items()
        ]  # fmt: skip
        out = pd.DataFrame(rows, columns=list(SINGLE))
        return out.sort_values(["cost_usd", "table", "id"], ascending=[False, True, True], ignore_index=True)

    def pair_table(self, pairs: _Pairs) -> pd.DataFrame:
        """Return the worst pairs."""
        a, rows = self.assets, []
        for i, j in pairs.found:
            loss, first, second = self.pair_cost[i, j], self._alone(i), self._alone(j)
            rows.append([a.table[i], a.id[i], a.name[i], a.table[j], a.id[j], a.name[j], loss.cost, loss.unserved,
                         first.cost, second.cost, loss.cost - first.cost - second.cost])  # fmt: skip
        return pd.DataFrame(rows, columns=list(PAIR))
