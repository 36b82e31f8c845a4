"""Calibration: dispersion, constants of modes and corridors, and demand, fitted to counts, with some counts held out.

Dispersion and constants: least squares of relative errors by Levenberg and Marquardt, with queues in equilibrium at
every step. Demand: the table of greatest entropy beside the given one (van Zuylen and Willumsen 1980), with counts
that need not be met exactly. What the counts cannot tell is refused: the rank of the Jacobian decides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from karavan.assignment import solve
from karavan.assignment.assignment import Assignment
from karavan.assignment.counted import CountedPaths
from karavan.assignment.methods import ArcLabels, Logit
from karavan.cost.constants import constant_share
from karavan.errors import NotIdentified
from karavan.model import Model, build_model, demand_rows, problem_of
from karavan.problem import Problem, perturb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from karavan.assignment.result import Columns, Solution
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

SOURCE = "own-calibration"
DISPERSION, DEMAND = "dispersion", "demand"
LEAST_EFFECT = 1e-3  # a usual change of a parameter that changes the counts by less, in sum of squares, is not seen
STEP = 1e-2  # of a usual change, for the Jacobian
PASSES, STEPS, SETTLED = 4, 8, 1e-4
FURTHEST = float(np.log(100.0))  # theta at most 100 times more or less than at the start
SEEN = 1e-2  # a count of which the model has less than this share says nothing of what is fitted
UNSURE = 2.0  # a standard error of so many usual changes: nothing has been found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration:
    """What was fitted, and how well the counts are met before and after.

    Attributes
    ----------
    case
        The case with the constants and the demand found, each with its origin (tables `constants`, `provenance`).
    method
        `Logit` with the dispersion found.
    constants
        One row a parameter: id, kind, target, start, value, standard_error, unit. Without a standard error: a constant
        as low as it may go, which is where some arc would cost less than nothing.
    counts
        One row a count that was used: observed, before, after, and whether it was held out.
    demand
        One row a demand row that was changed: before, after, factor. Empty where demand was not fitted.
    unseen
        Comparable counts that were not used: the model has next to nothing where they were counted.
    assignment
        The flows after.
    """

    case: Case
    method: Logit
    constants: pd.DataFrame
    counts: pd.DataFrame
    demand: pd.DataFrame
    unseen: tuple[str, ...]
    assignment: Assignment

    def __repr__(self) -> str:
        rest = ", ".join(f"{name} {value:.3g}" for name, value in self.summary.items())
        return f"<Calibration of {self.case.meta.name}: {rest}>"

    @property
    def summary(self) -> dict[str, float]:
        """Numbers of counts, and root mean square of relative errors before and after, of fitted and held-out ones."""
        out: dict[str, float] = {}
        for name, rows in (("fitted", ~self.counts["held_out"]), ("held_out", self.counts["held_out"])):
            mine = self.counts[rows]
            out[f"{name}_counts"] = len(mine)
            for when in ("before", "after"):
                error = (mine[when] / mine["observed"] - 1.0).to_numpy(dtype=np.float64)
                out[f"{name}_error_{when}"] = float(np.sqrt(np.mean(error**2))) if len(mine) else float("nan")
        return out


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A dispersion (`kind` "dispersion") or the constant of a mode or corridor."""

    kind: Literal["dispersion", "mode", "corridor"]
    target: str

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """What stays the same while parameters change. `shares` (n_parameters, n_arcs); `counts` are the rows used."""

    model: Model
    problem: Problem
    labels: ArcLabels
    method: Logit
    parameters: tuple[_Parameter, ...]
    shares: Float
    start: Float
    counts: pd.DataFrame
    fitted: NDArray[np.bool_]
    columns: Columns | None

    @property
    def observed(self) -> Float:
        return np.asarray(self.counts["value"].to_numpy(dtype=np.float64))

    @property
    def usual(self) -> Float:
        """A usual change of each parameter: theta by a factor e, a constant by 1/theta."""
        return np.array([1.0 if p.kind == DISPERSION else 1.0 / self.method.theta for p in self.parameters])

    @property
    def least(self) -> Float:
        """How low each parameter may go: no open arc may cost less than nothing."""
        out = np.full(len(self.parameters), -FURTHEST)
        cost = np.where(self.problem.open, self.problem.cost, np.inf).min(axis=0, initial=np.inf)
        for j, p in enumerate(self.parameters):
            if p.kind != DISPERSION:
                on = self.shares[j] > 0
                out[j] = -float((cost[on] / self.shares[j, on]).min(initial=np.inf)) if on.any() else 0.0
        return out

    @property
    def most(self) -> Float:
        """How high each parameter may go."""
        return np.array([FURTHEST if p.kind == DISPERSION else np.inf for p in self.parameters])


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Flows at some parameters and tonnes: modelled counts (n_counts,) and their shares by demand."""

    x: Float
    tonnes: Float
    modelled: Float
    by_demand: Float
    solution: Solution


def calibrate(
    case: Case | Model,
    *,
    fit: Sequence[str],
    method: Logit,
    held_out: float = 0.25,
    trust: float = 10.0,
    furthest: float = 5.0,
) -> Calibration:
    """Fit what is named to the counts of the case's year.

    Parameters
    ----------
    fit
        What to fit: "dispersion", "mode:ID" and "corridor:ID" (USD per tonne), "demand".
    method
        Where the dispersion starts from, and all that is not fitted.
    held_out
        Share of the counts that is not fitted but only compared; drawn by their ids, always the same.
    trust
        How much a count weighs against the demand table: a demand row that one count alone counts goes by
        trust / (1 + trust) of the way.
    furthest
        No demand row is changed by more than this factor.

    Only counts of a whole year, the case's, with some path that they would count are used.

    Raises
    ------
    NotIdentified
        There are not more fitted counts than parameters; or the counts do not see a parameter, cannot tell some apart,
        or leave one anywhere between a seventh and seven times its value.
    ValueError
        `fit` names nothing that can be fitted.
    """
    model = case if isinstance(case, Model) else build_model(case)
    study = _study(model, fit, method, held_out)
    everything = study.counts.index
    study = _visible(study, _state(study, study.start, study.problem.tonnes))
    unseen = tuple(str(name) for name in everything.difference(study.counts.index))
    before = _state(study, study.start, study.problem.tonnes)
    _refuse_unseen(study, before, demand=DEMAND in fit)
    state = before
    for _ in range(PASSES if DEMAND in fit and study.parameters else 1):
        old = state
        state = _fit_demand(study, state, trust, furthest) if DEMAND in fit else state
        state = _fit_parameters(study, state) if study.parameters else state
        if np.abs(state.modelled - old.modelled).max() <= SETTLED * study.observed.max():
            break
    return _calibration(study, before, state, unseen)


def _study(model: Model, fit: Sequence[str], method: Logit, held_out: float) -> _Study:
    parameters = tuple(_parameter(name) for name in fit if name != DEMAND)
    if not fit or len(set(fit)) < len(fit):
        message = "fit names nothing, or something twice; give dispersion, mode:ID, corridor:ID or demand"
        raise ValueError(message)
    case, graph = model.case, model.graph
    shares = [
        np.zeros(graph.n_arcs) if p.kind == "dispersion" else constant_share(case, graph, p.kind, p.target)
        for p in parameters
    ]
    counts = case.counts
    whole = counts["period_from"].isna() & counts["period_until"].isna() & (counts["value"] > 0)
    counts = counts[whole & (counts["year"] == case.meta.year).fillna(False)]
    return _Study(
        model=model,
        problem=problem_of(model),
        labels=ArcLabels(graph.arc_mode, graph.arc_unit, graph.km),
        method=method,
        parameters=parameters,
        shares=np.array(shares).reshape(len(parameters), graph.n_arcs),
        start=np.zeros(len(parameters)),
        counts=counts,
        fitted=_drawn(counts, held_out),
        columns=None,
    )


def _parameter(name: str) -> _Parameter:
    kind, _, target = name.partition(":")
    if kind == DISPERSION and not target:
        return _Parameter("dispersion", "")
    if kind == "mode" and target:
        return _Parameter("mode", target)
    if kind == "corridor" and target:
        return _Parameter("corridor", target)
    message = f"nothing called {name!r} can be fitted; give dispersion, mode:ID, corridor:ID or demand"
    raise ValueError(message)


def _drawn(counts: pd.DataFrame, held_out: float) -> NDArray[np.bool_]:
    """Return which counts are fitted: all but the share whose ids have the least digests."""
    if not 0.0 <= held_out < 1.0:
        message = f"held_out is {held_out}; give a number from 0 up to 1"
        raise ValueError(message)
    digest = [hashlib.sha256(str(name).encode()).hexdigest() for name in counts.index]
    out = np.ones(len(counts), dtype=bool)
    out[np.argsort(digest, kind="stable")[: round(held_out * len(counts))]] = False
    return out


def _state(study: _Study, x: Float, tonnes: Float) -> _State:
    """Solve at parameters `x` (changes of log theta and of constants) and demand `tonnes`, and read the counts."""
    solution = solve(_perturbed(study, x, tonnes), _method(study, x), start=study.columns, labels=study.labels)
    paths = CountedPaths(study.model, solution.path_start, solution.path_arc, solution.path_demand)
    by_demand = np.zeros((len(study.counts), tonnes.size))
    for i, (_, count) in enumerate(study.counts.iterrows()):
        weight = paths.per_tonne(count) * solution.path_tonnes
        by_demand[i] = np.bincount(solution.path_demand, weights=weight, minlength=tonnes.size)
    return _State(x, tonnes, by_demand.sum(axis=1), by_demand, solution)


def _perturbed(study: _Study, x: Float, tonnes: Float) -> Problem:
    cost = np.maximum(study.problem.cost + x @ study.shares, 0.0) if x.size else study.problem.cost
    return perturb(study.problem, cost=cost, tonnes=tonnes)


def _method(study: _Study, x: Float) -> Logit:
    change = sum(float(v) for v, p in zip(x, study.parameters, strict=True) if p.kind == DISPERSION)
    return replace(study.method, theta=study.method.theta * float(np.exp(change)))


def _visible(study: _Study, state: _State) -> _Study:
    """Keep the counts that some path would add to, and the choice sets found."""
    seen = state.modelled > SEEN * study.observed
    return replace(study, counts=study.counts[seen], fitted=study.fitted[seen], columns=state.solution.columns)


def _jacobian(study: _Study, state: _State) -> Float:
    """Return the relative change of each count by a usual change of each parameter, (n_counts, n_parameters)."""
    columns = []
    for j, usual in enumerate(study.usual):
        step = np.zeros(state.x.size)
        step[j] = STEP * usual
        ahead, behind = (_state(study, state.x + s * step, state.tonnes).modelled for s in (1.0, -1.0))
        columns.append((ahead - behind) / (2 * STEP) / study.observed)
    return np.array(columns).reshape(len(columns), len(study.counts)).T


def _refuse_unseen(study: _Study, state: _State, *, demand: bool) -> None:
    """Raise `NotIdentified` where the fitted counts cannot tell the parameters."""
    n_counts, names = int(study.fitted.sum()), [p.name for p in study.parameters]
    if n_counts <= len(names) or (demand and not n_counts):
        message = f"{n_counts} counts are fitted; they cannot tell {len(names)} parameters and leave any error to see"
        raise NotIdentified(message, names)
    if not names:
        return
    _, size, turn = np.linalg.svd(_jacobian(study, state)[study.fitted])
    unseen = turn[size < LEAST_EFFECT]
    if len(unseen):
        doubtful = [n for n, w in zip(names, np.abs(unseen).max(axis=0), strict=True) if w > 0.1]
        message = (
            f"the {n_counts} fitted counts cannot tell {', '.join(doubtful)}: they do not see them, or not one without "
            "the other; leave some out"
        )
        raise NotIdentified(message, doubtful)


def _error(study: _Study, state: _State) -> Float:
    return (state.modelled / study.observed - 1.0)[study.fitted]


def _fit_parameters(study: _Study, state: _State) -> _State:
    """Least squares of the relative errors of the fitted counts (Levenberg 1944, Marquardt 1963)."""
    damping = 1e-2
    for _ in range(STEPS):
        slope, error = _jacobian(study, state)[study.fitted], _error(study, state)
        normal, down = slope.T @ slope, slope.T @ error
        better = state
        while damping < 1e6:
            change = np.linalg.solve(normal + damping * np.diag(np.diagonal(normal) + LEAST_EFFECT**2), -down)
            x = state.x + np.clip(change, -1.0, 1.0) * study.usual
            x = np.clip(x, study.least, study.most)
            new = _state(study, x, state.tonnes)
            if _error(study, new) @ _error(study, new) < error @ error:
                better, damping = new, max(damping / 10.0, 1e-8)
                break
            damping *= 10.0
        gain = 1.0 - float(_error(study, better) @ _error(study, better)) / max(float(error @ error), 1e-300)
        state = better
        if gain < SETTLED:
            break
    return state


def _fit_demand(study: _Study, state: _State, trust: float, furthest: float) -> _State:
    """Return the state with the demand of greatest entropy beside the given one, if the counts are met better so."""
    prior, rows = study.problem.tonnes, study.fitted
    share = np.divide(state.by_demand, state.tonnes, out=np.zeros(state.by_demand.shape), where=state.tonnes > 0)[rows]
    share = share / study.observed[rows, None]
    # trust times the tonnes counted; of demands that pass the count in part, as many as would show as much
    weight = trust * (share @ prior) ** 2 / np.maximum(share**2 @ prior, 1e-300)
    wanted = np.clip(most_likely_demand(prior, share, weight), prior / furthest, prior * furthest)
    part = 1.0
    for _ in range(6):
        # a change of demand moves queues and with them the shares: not all of the way at once
        factor = np.divide(wanted, state.tonnes, out=np.ones(prior.size), where=state.tonnes > 0)
        new = _state(study, state.x, state.tonnes * factor**part)
        if _error(study, new) @ _error(study, new) < _error(study, state) @ _error(study, state):
            return new
        part /= 2.0
    return state


def most_likely_demand(prior: Float, share: Float, weight: Float) -> Float:
    """Return the demand of greatest entropy beside `prior` that meets counts of 1, more or less.

    Least sum of d log(d / prior) - d + prior plus half the weighted squares of `share @ d - 1` (van Zuylen and
    Willumsen 1980; soft counts), by Newton on its dual, which has a variable a count.

    Parameters
    ----------
    prior
        (n_demands,), tonnes.
    share
        (n_counts, n_demands): what a tonne adds to each count, counts in units of what was observed.
    weight
        (n_counts,), tonnes.

    Examples
    --------
    >>> most_likely_demand(np.array([10.0, 10.0]), np.array([[0.05, 0.0]]), np.array([1e9])).round(3).tolist()
    [20.0, 10.0]
    """
    price = np.zeros(weight.size)
    for _ in range(100):
        demand = prior * np.exp(price @ share)
        slope = share @ demand - 1.0 + price / weight
        if np.abs(slope).max(initial=0.0) < 1e-10:
            break
        curvature = (share * demand) @ share.T + np.diag(1.0 / weight)
        change = -np.linalg.solve(curvature, slope)
        # no demand by more than a factor e^2 at a time, so that nothing overflows
        price = price + change * min(1.0, 2.0 / max(float(np.abs(change @ share).max(initial=0.0)), 1e-300))
    return np.asarray(prior * np.exp(price @ share), dtype=np.float64)


def _calibration(study: _Study, before: _State, after: _State, unseen: tuple[str, ...]) -> Calibration:
    method = _method(study, after.x)
    constants, counts = _constants(study, after), _counts(study, before, after)
    demand = _changed(study, after)
    case = _kept(study, constants, counts, demand)
    model = build_model(case, day=study.model.day)
    # flows of the case as it is kept: its constants are in its costs now
    problem = problem_of(model)
    solution = solve(problem, method, start=study.columns, labels=study.labels)
    flows = Assignment(model, problem, solution, method)
    return Calibration(case, method, constants, counts, demand, unseen, flows)


def _constants(study: _Study, after: _State) -> pd.DataFrame:
    """Return the parameters found; raise `NotIdentified` where the standard error of one says that nothing was."""
    errors = _standard_errors(study, after)
    unsure = [p.name for p, e in zip(study.parameters, errors, strict=True) if e > UNSURE]
    if unsure:
        message = (
            f"the counts leave {', '.join(unsure)} open: the standard error is more than {UNSURE:g} usual changes "
            "(theta by a factor e, a constant by 1/theta); leave it out"
        )
        raise NotIdentified(message, unsure)
    old = {(str(r["kind"]), str(r["target"])): float(r["value"]) for _, r in study.model.case.constants.iterrows()}
    rows = []
    for p, x, usual, error in zip(study.parameters, after.x, study.usual, errors, strict=True):
        if p.kind == DISPERSION:
            value = study.method.theta * float(np.exp(x))
            row = (study.method.theta, value, value * error, "t/USD")
        else:
            start = old.get((p.kind, p.target), 0.0)
            row = (start, start + float(x), float(usual * error), "USD/t")
        rows.append((p.name, p.kind, p.target or None, *row))
    return pd.DataFrame(rows, columns=["id", "kind", "target", "start", "value", "standard_error", "unit"])


def _standard_errors(study: _Study, after: _State) -> Float:
    """Return the standard error of each parameter in usual changes; NaN where it stands at its bound."""
    out = np.full(len(study.parameters), np.nan)
    inside = np.flatnonzero((after.x > study.least + 1e-9) & (after.x < study.most - 1e-9))
    slope, error = _jacobian(study, after)[study.fitted][:, inside], _error(study, after)
    spread = float(error @ error) / max(len(error) - len(inside), 1)
    normal = slope.T @ slope
    if inside.size:
        # what is not seen at all is known to a very great error
        out[inside] = np.sqrt(spread * np.diagonal(np.linalg.inv(normal + 1e-12 * np.eye(inside.size))))
    return out


def _counts(study: _Study, before: _State, after: _State) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": study.counts.index.to_numpy(dtype=object),
            "name": study.counts["name"].to_numpy(dtype=object),
            "unit": study.counts["unit"].to_numpy(dtype=object),
            "observed": study.observed,
            "before": before.modelled,
            "after": after.modelled,
            "held_out": ~study.fitted,
        }
    )


def _changed(study: _Study, after: _State) -> pd.DataFrame:
    before = study.problem.tonnes
    out = pd.DataFrame({"id": demand_rows(study.model.case).index.to_numpy(dtype=object), "before": before})
    out["after"] = after.tonnes
    out["factor"] = np.divide(after.tonnes, before, out=np.ones(len(out)), where=before > 0)
    changed: pd.DataFrame = out[np.abs(out["factor"] - 1.0) > 1e-6]
    return changed.reset_index(drop=True)


def _kept(study: _Study, constants: pd.DataFrame, counts: pd.DataFrame, demand: pd.DataFrame) -> Case:
    """Return the case with what was found, each number with its origin."""
    case = study.model.case
    fitted, held = (";".join(counts.loc[counts["held_out"] == h, "id"]) for h in (False, True))
    note = f"Fitted to the counts {fitted}; held out: {held or 'none'}."
    tables: dict[str, pd.DataFrame] = {"sources": _with_rows(case.sources, [_source()], ["id"])}
    rows = [
        {**{c: r[c] for c in ("id", "kind", "target", "value", "unit")}, "source": SOURCE, "confidence": "C",
         "note": f"{note} {_accuracy(r['standard_error'])}"}
        for _, r in constants.iterrows()
    ]  # fmt: skip
    tables["constants"] = _with_rows(case.constants, rows, ["id"])
    if len(demand):
        table = case.demand.copy()
        table.loc[demand["id"], "tonnes"] = demand["after"].to_numpy()
        cells = [
            {"table": "demand", "id": r["id"], "field": "tonnes", "source": SOURCE, "confidence": "C", "note": note,
             "other_values": f"{r['before']:.6g} [{table.loc[r['id'], 'source']}]"}
            for _, r in demand.iterrows()
        ]  # fmt: skip
        tables |= {"demand": table, "provenance": _with_rows(case.provenance, cells, ["table", "id", "field"])}
    return case.with_tables(**tables)


def _accuracy(error: float) -> str:
    return "As low as it may go." if np.isnan(error) else f"Standard error {error:.3g}."


def _source() -> dict[str, Any]:
    title = "Calibration of the model to observed counts"
    return {"id": SOURCE, "title": title, "kind": "computation"}


def _with_rows(table: pd.DataFrame, rows: list[dict[str, Any]], key: list[str]) -> pd.DataFrame:
    """Return the table with rows put in, in place of those of the same key."""
    plain = table if table.index.name is None else table.reset_index()
    new = pd.DataFrame(rows)
    if not len(new):
        return table
    same = plain.set_index(key).index.isin(new.set_index(key).index) if len(plain) else np.zeros(0, dtype=bool)
    if len(plain) == int(same.sum()):
        return new
    return pd.concat([plain[~same], new], ignore_index=True)
