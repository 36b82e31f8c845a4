"""What a solver sees: graph, costs, capacity and demand as contiguous arrays of fixed dtype."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Problem:
    """Flows of several commodity classes that share capacity rows. Build it with `make_problem`, which checks it.

    Zones are nodes of their own, a source and a sink copy each, so that no path passes through a zone. Arrays are
    read-only.

    Attributes
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (n_arcs,): nodes that an arc leaves and enters.
    cost
        (n_classes, n_arcs), USD per tonne, at least zero where `open`; elsewhere of no meaning, and finite.
    open
        (n_classes, n_arcs): whether the class may use the arc.
    second
        (n_arcs,), at least zero: the fixed second objective per tonne that breaks ties (hours plus kilometres, say).
    rhs
        (n_rows,), own units a year, at least zero: capacity left after the background traffic.
    usage_indptr, usage_row, usage_units
        What a tonne uses: entries `usage_indptr[k * n_arcs + a]` up to the next are the rows that class k uses on arc a
        and the own units per tonne it uses of each.
    origin, destination, demand_class
        (n_demands,): node, node, class.
    tonnes
        (n_demands,), at least zero, a year.
    unserved_price
        (n_demands,), USD per tonne left unserved, at least zero.
    out_start, out_arc
        Arcs by tail: arcs out of v are `out_arc[out_start[v]:out_start[v + 1]]`, sorted by head, then `second`, then
        the first row used: the order in which a solver meets them does not depend on the order of the arcs given.
    """

    n_nodes: int
    tail: Int
    head: Int
    cost: Float
    open: Bool
    second: Float
    rhs: Float
    usage_indptr: Long
    usage_row: Int
    usage_units: Float
    origin: Int
    destination: Int
    demand_class: Int
    tonnes: Float
    unserved_price: Float
    out_start: Long
    out_arc: Int

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return self.tail.size

    @property
    def n_classes(self) -> int:
        """Number of commodity classes."""
        return int(self.cost.shape[0])

    @property
    def n_rows(self) -> int:
        """Number of capacity rows."""
        return self.rhs.size

    @property
    def n_demands(self) -> int:
        """Number of demands."""
        return self.tonnes.size


def make_problem(
    *,
    n_nodes: int,
    tail: ArrayLike,
    head: ArrayLike,
    cost: ArrayLike,
    open: ArrayLike | None = None,  # noqa: A002  the field's own word
    second: ArrayLike | None = None,
    rhs: ArrayLike = (),
    usage_indptr: ArrayLike | None = None,
    usage_row: ArrayLike = (),
    usage_units: ArrayLike = (),
    origin: ArrayLike,
    destination: ArrayLike,
    demand_class: ArrayLike | None = None,
    tonnes: ArrayLike,
    unserved_price: ArrayLike,
) -> Problem:
    """Check the arrays of a problem and bring them to their dtype. Shapes and units: see `Problem`.

    `cost` and `open` may be (n_arcs,) for a single class. Left out: all arcs open, `second` zero, no usage, class 0.

    Raises
    ------
    ValueError
        With every fault found: shapes that do not fit, positions out of range, negative or missing values.

    Examples
    --------
    >>> p = make_problem(n_nodes=2, tail=[0], head=[1], cost=[3.0], rhs=[5.0], usage_indptr=[0, 1], usage_row=[0],
    ...                  usage_units=[1.0], origin=[0], destination=[1], tonnes=[8.0], unserved_price=[100.0])
    >>> p.n_arcs, p.n_classes, p.n_rows
    (1, 1, 1)
    """
    tails = _array(tail, np.int32)
    costs = np.atleast_2d(_array(cost, np.float64))
    n_arcs, pairs = tails.size, costs.size
    demands = _array(tonnes, np.float64)
    fields: dict[str, Any] = {
        "tail": tails,
        "head": _array(head, np.int32),
        "cost": costs,
        "open": np.ones(costs.shape, np.bool_) if open is None else np.atleast_2d(_array(open, np.bool_)),
        "second": np.zeros(n_arcs) if second is None else _array(second, np.float64),
        "rhs": _array(rhs, np.float64),
        "usage_indptr": np.zeros(pairs + 1, np.int64) if usage_indptr is None else _array(usage_indptr, np.int64),
        "usage_row": _array(usage_row, np.int32),
        "usage_units": _array(usage_units, np.float64),
        "origin": _array(origin, np.int32),
        "destination": _array(destination, np.int32),
        "demand_class": np.zeros(demands.size, np.int32) if demand_class is None else _array(demand_class, np.int32),
        "tonnes": demands,
        "unserved_price": _array(unserved_price, np.float64),
    }
    faults = _shape_faults(fields) or _value_faults(n_nodes, fields)
    if faults:
        raise ValueError("problem: " + "; ".join(faults))
    start, order = _arcs_by_tail(n_nodes, fields)
    return _frozen(Problem(n_nodes=int(n_nodes), out_start=start, out_arc=order, **fields))


def perturb(
    problem: Problem,
    *,
    cost: ArrayLike | None = None,
    rhs: ArrayLike | None = None,
    tonnes: ArrayLike | None = None,
    unserved_price: ArrayLike | None = None,
    open: ArrayLike | None = None,  # noqa: A002  the field's own word
) -> Problem:
    """Return the problem with some arrays replaced and nothing rebuilt. Shapes stay as they are.

    Raises
    ------
    ValueError
        With every fault found, as `make_problem`.
    """
    given = {"cost": cost, "rhs": rhs, "tonnes": tonnes, "unserved_price": unserved_price, "open": open}
    fields: dict[str, Any] = {}
    faults = []
    for name, values in given.items():
        if values is None:
            continue
        kept = getattr(problem, name)
        fields[name] = _array(values, kept.dtype)
        if fields[name].shape != kept.shape:
            faults.append(f"{name} has shape {fields[name].shape}, not {kept.shape}")
    if not faults:
        faults = _sign_faults({"cost": problem.cost, "open": problem.open} | fields)
    if faults:
        raise ValueError("problem: " + "; ".join(faults))
    return _frozen(replace(problem, **fields))


def _array(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return a contiguous array of `dtype` that nobody else can write to."""
    array = np.array(values, dtype=dtype, order="C")
    array.flags.writeable = False
    return array


def _frozen(problem: Problem) -> Problem:
    for name in problem.__slots__:
        value = getattr(problem, name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return problem


def _shape_faults(fields: dict[str, Any]) -> list[str]:
    n_arcs, n_demands, pairs = fields["tail"].size, fields["tonnes"].size, fields["cost"].shape
    n_entries = fields["usage_row"].size
    wanted = {
        "head": (n_arcs,),
        "cost": (pairs[0], n_arcs),
        "open": pairs,
        "second": (n_arcs,),
        "usage_indptr": (fields["cost"].size + 1,),
        "usage_units": (n_entries,),
        "origin": (n_demands,),
        "destination": (n_demands,),
        "demand_class": (n_demands,),
        "unserved_price": (n_demands,),
    }
    faults = [f"{n} has shape {fields[n].shape}, not {s}" for n, s in wanted.items() if fields[n].shape != s]
    return faults + [
        f"{n} has {fields[n].ndim} dimensions, not 1" for n in ("tail", "tonnes", "rhs") if fields[n].ndim != 1
    ]


def _value_faults(n_nodes: int, fields: dict[str, Any]) -> list[str]:
    limits = {
        "tail": n_nodes,
        "head": n_nodes,
        "origin": n_nodes,
        "destination": n_nodes,
        "demand_class": fields["cost"].shape[0],
        "usage_row": fields["rhs"].size,
    }
    faults = [
        f"{name} has a position outside 0 to {limit - 1}"
        for name, limit in limits.items()
        if fields[name].size and (fields[name].min() < 0 or fields[name].max() >= limit)
    ]
    start = fields["usage_indptr"]
    if start[0] != 0 or start[-1] != fields["usage_row"].size or (np.diff(start) < 0).any():
        faults.append("usage_indptr does not run from 0 up to the number of usage entries")
    if (fields["origin"] == fields["destination"]).any():
        faults.append("a demand starts where it ends")
    return faults + _sign_faults(fields)


def _sign_faults(fields: dict[str, Any]) -> list[str]:
    faults = []
    for name in ("cost", "second", "rhs", "usage_units", "tonnes", "unserved_price"):
        if name not in fields:
            continue
        values = fields[name]
        if not np.isfinite(values).all():
            faults.append(
                f"{name} has a value that is not finite; close an arc by `open`, leave a row out if it has no limit"
            )
        elif ((values < 0) & fields["open"]).any() if name == "cost" else (values < 0).any():
            faults.append(f"{name} has a negative value")
    return faults


def _arcs_by_tail(n_nodes: int, fields: dict[str, Any]) -> tuple[Long, Int]:
    """Sort the arcs by tail, head, second objective and first row used by any class."""
    n_rows, pairs = fields["rhs"].size, fields["cost"].shape
    start = fields["usage_indptr"]
    first = np.full(start.size - 1, n_rows)
    used = start[1:] > start[:-1]
    first[used] = fields["usage_row"][start[:-1][used]]
    order = np.lexsort((first.reshape(pairs).min(axis=0), fields["second"], fields["head"], fields["tail"]))
    begin = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(fields["tail"], minlength=n_nodes), out=begin[1:])
    return begin, order.astype(np.int32)
