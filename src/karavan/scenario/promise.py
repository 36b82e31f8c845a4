"""Can a promise be kept? One sentence, or a commitment of a ledger, judged by the network and by the pace of trade."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from karavan.assignment.front import assign
from karavan.errors import NameNotFound, ScenarioError
from karavan.evidence.ledger.entry import LedgerEntry
from karavan.evidence.promises import SOFT, Promise, promises
from karavan.evidence.series import amount, observations
from karavan.model import build_model
from karavan.scenario.promise_base import corridor_series, observed_bases, trade_series
from karavan.scenario.promise_capacity import capacity_frame
from karavan.scenario.promise_draws import promise_draws
from karavan.scenario.promise_ground import Grounds
from karavan.scenario.promise_network import ALL_SETTINGS, SHIPPERS, TONNE, headline, network_grid
from karavan.scenario.promise_pace import TradePace, trade_pace
from karavan.scenario.promise_sentence import read_sentence
from karavan.scenario.promise_target import TargetOptions, targets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from karavan.assignment.assignment import Assignment
    from karavan.evidence.ledger.view import View
    from karavan.evidence.series import Observation
    from karavan.scenario.promise_draws import PromiseDraws
    from karavan.scenario.promise_ground import Basis, Projects
    from karavan.scenario.promise_network import NetworkVerdict, Setting
    from karavan.scenario.promise_types import Base, Target
    from karavan.schema.case import Case

Words = Literal["carried with room", "at a limit", "not carried", "not a matter of the network", "cannot be judged"]
Settings = Literal["main", "all", "computed", "headline"]
BASES: tuple[Basis, ...] = ("computed", "demonstrated", "stated")


@dataclass(frozen=True, slots=True, eq=False)
class PromiseOptions:
    """How promises are judged.

    Attributes
    ----------
    target
        How a promise is brought to tonnes.
    draws, seed, workers
        Draws over unit values, costs, capacities and other published values; 0: none. Same seed, same answer, with any
        number of workers (0: one a processor).
    settings
        "main": computed capacities under every assumption on other demand, projects and time of year, and stated and
        demonstrated ones with other demand frozen and open projects; "all"; only those with "computed" capacities; or
        the "headline" alone (many promises in little time).
    """

    target: TargetOptions = field(default_factory=TargetOptions)
    draws: int = 200
    seed: int = 1
    workers: int = 0
    settings: Settings = "main"


@dataclass(frozen=True, slots=True, eq=False)
class BaseCheck:
    """The answer for one candidate base: the target and its verdicts, the one that stands first in `headline`."""

    target: Target
    verdicts: tuple[NetworkVerdict, ...]
    headline: NetworkVerdict
    pace: TradePace


@dataclass(frozen=True, slots=True, eq=False)
class CapacityCheck:
    """A promise of capacity: rows that limit it, by projects and basis, and the verdict of each."""

    target: Target
    frames: Mapping[tuple[Projects, Basis], pd.DataFrame]
    words: Mapping[tuple[Projects, Basis], Words]


@dataclass(frozen=True, slots=True, eq=False)
class PromiseCheck:
    """A promise with both verdicts, and what they rest on.

    Attributes
    ----------
    case, quote, fact, title
        Name of the case; the words; id of the fact (None for a typed sentence); what is promised in short.
    verdict, why
        The network's verdict and the reason in a sentence. Never by stated capacity alone.
    pace
        The other verdict: growth still needed beside the best ever reached.
    targets
        One for each candidate base, the central one in front.
    checks
        Of a volume: one for each target.
    capacity
        Of a capacity.
    draws
        Of the central target; None where none was asked for.
    status, said, speakers
        Of a commitment of a ledger: how far it has come by the register, ids of all facts that make it, who said it.
    modality
        How it was said: target, plan, agreement, pledge, proposal, expectation, possibility.
    """

    case: str
    quote: str
    fact: str | None
    title: str
    verdict: Words
    why: str
    pace: TradePace
    targets: tuple[Target, ...]
    checks: tuple[BaseCheck, ...] = ()
    capacity: CapacityCheck | None = None
    draws: PromiseDraws | None = None
    status: str = ""
    said: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    modality: str = ""

    @property
    def binding(self) -> bool:
        """Whether it was promised at all, and not only said to be possible, expected or proposed."""
        return self.modality not in SOFT

    @property
    def target(self) -> Target:
        """The central target."""
        return self.targets[0]

    @property
    def leans_on_unknown(self) -> bool:
        """Whether the target is carried only over crossings or handling that no capacity row limits.

        What no row limits is taken to have room without end, so such a verdict holds as far as is known.
        """
        head = self.central.headline if self.central is not None else None
        return head is not None and head.is_carried and head.served_known < (1.0 - TONNE) * head.wanted

    @property
    def headline(self) -> str:
        """The network's verdict in words, with what must be said beside it."""
        return f"{self.verdict}, as far as capacities are known" if self.leans_on_unknown else self.verdict

    @property
    def central(self) -> BaseCheck | None:
        """The answer for the central base; None where the network was not asked."""
        return self.checks[0] if self.checks else None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values: `karavan promise --json`."""
        from karavan.scenario.promise_json import to_json

        return to_json(self)

    def __repr__(self) -> str:
        return f"<PromiseCheck {self.title!r}: {self.verdict}; pace: {self.pace.verdict}>"


@dataclass(frozen=True, slots=True, eq=False)
class _Desk:
    """What all promises of one run share: the case, its networks, its shippers, and what was observed."""

    case: Case
    options: PromiseOptions
    seen: tuple[Observation, ...]
    grounds: Grounds
    flows: Callable[[], Assignment]


def promise(
    case: Case,
    what: str | Promise | LedgerEntry | Mapping[str, Any],
    *,
    ledger: View | None = None,
    options: PromiseOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> PromiseCheck:
    """Judge one promise: a typed sentence, a promise of the register, or a fact of kind commitment.

    Parameters
    ----------
    case
        A case with demand, and with trade where money is promised.
    what
        Words such as "KZ-IR trade reaches USD 1bn" (no ledger needed); a row of `promises`; an entry of a ledger or its
        JSON object. Where a sentence names several stages, the first is judged: `promise_stages` gives all.
    ledger
        Adds what was observed to the candidates for a base, and all its promises to a setting of their own.
    progress
        Is told what is being done.

    Raises
    ------
    ScenarioError
        Nothing that is to be reached is found in the sentence.
    NameNotFound
        A promise of the register is not in the ledger given.
    """
    return promise_stages(case, what, ledger=ledger, options=options, progress=progress)[0]


def promise_stages(
    case: Case,
    what: str | Promise | LedgerEntry | Mapping[str, Any],
    *,
    ledger: View | None = None,
    options: PromiseOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[PromiseCheck]:
    """Judge every stage that a promise names ("1 billion initially and 2 billion in the next stage"); as `promise`."""
    desk = _desk(case, options, ledger)
    facts = read_sentence(what, case) if isinstance(what, str) else [_fact(what, ledger)]
    register = _register(ledger)
    others = [t for r in register for t in _targets(desk, r[1])[:1]]
    return [_check(desk, f, _targets(desk, f), others, progress) for f in facts]


def promise_all(
    case: Case,
    ledger: View,
    *,
    options: PromiseOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[PromiseCheck]:
    """Judge every commitment of a ledger; a promise made again is one, in the order of the register (`promises`).

    In the setting "all promises" each is judged with all others that ask something of the network, for they share
    lines and ports.
    """
    desk = _desk(case, options, ledger)
    register = [(p, f, _targets(desk, f)) for p, f in _register(ledger)]
    others = [targets[0] for _, _, targets in register]
    return [_check(desk, f, targets, others, progress, p) for p, f, targets in register]


def _desk(case: Case, options: PromiseOptions | None, ledger: View | None) -> _Desk:
    seen = tuple(o for o in observations(ledger.facts()) if not o.derived) if ledger is not None else ()

    @cache
    def flows() -> Assignment:
        return assign(build_model(case), method=SHIPPERS)

    return _Desk(case, options or PromiseOptions(), seen, Grounds(case), flows)


def _register(ledger: View | None) -> list[tuple[Promise, Mapping[str, Any]]]:
    """Return the promises of a ledger, each with the fact it was first said in."""
    if ledger is None:
        return []
    return [(p, ledger.fact(p.fact).data) for p in promises(ledger.facts())]


def _fact(what: Promise | LedgerEntry | Mapping[str, Any], ledger: View | None) -> Mapping[str, Any]:
    if isinstance(what, Promise):
        if ledger is None:
            message = f"the promise {what.title!r} stands in a ledger: give it, ledger=..."
            raise ScenarioError(message)
        return ledger.fact(what.fact).data
    fact = what.data if isinstance(what, LedgerEntry) else what
    if fact.get("kind") != "commitment":
        name, kind = str(fact.get("id") or "this fact"), "commitment"
        raise NameNotFound(name, kind)
    return fact


def _targets(desk: _Desk, fact: Mapping[str, Any]) -> list[Target]:
    return targets_of(fact, desk.case, options=desk.options.target, seen=desk.seen, flows=desk.flows)


def _check(
    desk: _Desk, fact: Mapping[str, Any], targets: list[Target], others: Sequence[Target],
    progress: Callable[[str], None] | None, row: Promise | None = None,
) -> PromiseCheck:  # fmt: skip
    """Judge one promise by its targets."""
    central = targets[0]
    if progress is not None:
        progress(f"judging: {central.title[:60]}")
    together = [t for t in others if t.kind == "volume" and not _same_subject(t, central)]
    volumes = [t for t in targets if t.kind == "volume"]
    checks = tuple(_base_check(desk, t, together if t is central else (), full=t is central) for t in volumes)
    capacity = _capacity_check(desk, central) if central.kind == "capacity" else None
    verdict, why = _verdict(central, checks, capacity)
    drawn = None
    if checks and desk.options.draws:
        drawn = promise_draws(desk.case, central, n=desk.options.draws, seed=desk.options.seed,
                              workers=desk.options.workers or os.cpu_count() or 1, setting=checks[0].headline.setting,
                              grounds=desk.grounds)  # fmt: skip
    return PromiseCheck(
        case=desk.case.meta.name, quote=central.quote, fact=central.fact, title=central.title, verdict=verdict, why=why,
        pace=_pace(desk, central, checks), targets=tuple(targets),
        checks=checks, capacity=capacity, draws=drawn, status=row.status if row is not None else "",
        said=tuple(s.fact for s in row.history) if row is not None else (),
        speakers=row.by if row is not None else tuple(x for x in (fact.get("speaker"),) if x),
        modality=str(fact.get("modality") or ""),
    )  # fmt: skip


def _pace(desk: _Desk, target: Target, checks: Sequence[BaseCheck]) -> TradePace:
    if checks:
        return checks[0].pace
    if target.not_network or target.value is None:
        return TradePace("cannot be judged", "no amount is promised, so no pace is asked for")
    return trade_pace(target, _series(desk, target))


def _same_subject(one: Target, other: Target) -> bool:
    """Tell whether two targets are stages or repeats of one promise: only one of them can be the demand of a year."""
    return (set(one.areas), one.indicator, one.via) == (set(other.areas), other.indicator, other.via)


def _base_check(desk: _Desk, target: Target, together: Sequence[Target], *, full: bool) -> BaseCheck:
    """Judge one target under every setting there is material for; a base that is not the central one by the headline's.

    "All promises" needs others.
    """
    wanted = desk.options.settings if full else "headline"
    settings = [s for s in ALL_SETTINGS if (s.others != "all promises" or together) and _is_asked(s, wanted)]
    verdicts = tuple(network_grid(desk.case, target, settings, together=together, grounds=desk.grounds))
    return BaseCheck(target, verdicts, headline(verdicts), trade_pace(target, _series(desk, target)))


def _is_asked(setting: Setting, wanted: Settings) -> bool:
    """Tell whether a setting is worked out."""
    if wanted == "headline":
        return (setting.others, setting.projects, setting.capacity) == ("frozen", "open", "computed")
    plain = (setting.others, setting.projects) == ("frozen", "open")
    return wanted == "all" or setting.capacity == "computed" or (wanted == "main" and plain)


def _series(desk: _Desk, target: Target) -> list[Base]:
    """Return the levels by which the pace of a target is judged: of the case, then of the ledger."""
    said = observed_bases(desk.seen, target.indicator, target.areas, target.unit)
    if target.via:
        return [*corridor_series(desk.case, target.via, target.unit), *said]
    if target.unit != "USD" or len(target.directions) == 0:
        return said
    first = target.directions[0]
    direction = f"{first.exporter}->{first.importer}" if len(target.directions) == 1 else ""
    return [*trade_series(desk.case, first.exporter, first.importer, direction=direction), *said]


def _capacity_check(desk: _Desk, target: Target) -> CapacityCheck:
    """Compare every row that limits the corridor or place with the capacity promised, by projects and basis."""
    frames: dict[tuple[Projects, Basis], pd.DataFrame] = {}
    words: dict[tuple[Projects, Basis], Words] = {}
    kinds: tuple[Projects, ...] = ("open", "planned")
    for projects in kinds:
        ground = desk.grounds.at(target.year, projects)
        for basis in BASES:
            frame = capacity_frame(ground.case, target, ground.capacity[basis], ground.rests_on[basis])
            frames[projects, basis] = frame
            words[projects, basis] = _capacity_words(frame, basis)
    return CapacityCheck(target, frames, words)


def _capacity_words(frame: pd.DataFrame, basis: Basis) -> Words:
    """Judge rows; what is enough only as its owners state cannot be judged, but by stated capacities."""
    known = frame["enough"].dropna().astype(bool)
    if not len(known):
        return "cannot be judged"
    if not known.all():
        return "not carried"
    return "cannot be judged" if basis != "stated" and frame["claimed"].any() else "carried with room"


def _verdict(
    target: Target, checks: Sequence[BaseCheck], capacity: CapacityCheck | None
) -> tuple[Words, str]:
    """Return the headline and the reason for it."""
    if target.not_network:
        return "not a matter of the network", target.not_network
    if target.needs:
        return "cannot be judged", f"missing: {'; '.join(target.needs)}"
    if capacity is not None:
        return _capacity_verdict(target, capacity)
    found = checks[0].headline
    per = "in the busiest month" if found.setting.period == "month" else "a year"
    want, served = mass(found.wanted), mass(found.served)
    if found.verdict == "not carried":
        first = found.bottlenecks["name"].head(1).tolist()
        where = f"; it breaks first at {first[0]}" if first else ""
        return "not carried", f"{served} of {want} {per} can be served with every other flow whole{where}"
    scale, known = found.largest.scale, found.largest_known.scale
    if scale is None:
        room = "nothing limits it"
    elif known is not None and known < 0.99 * scale:
        room = (
            f"over crossings and handling of known capacity the network would carry {known:.1f} times as much, "
            f"{scale:.1f} times with the others"
        )
    else:
        room = f"the network would carry {scale:.1f} times as much"
    dear = f"; {mass(found.too_dear)} of it by ways that cost more than the goods bear" if found.too_dear >= 1.0 else ""
    shown = _as_shown(checks[0])
    return found.verdict, f"all {want} {per} can be served with every other flow whole{dear}; {room}{shown}"


def _as_shown(check: BaseCheck) -> str:
    """Say whether a carried target is also carried where no place may carry more than it ever has."""
    wanted = replace(check.headline.setting, capacity="demonstrated")
    words = [v.verdict for v in check.verdicts if v.setting == wanted]
    if not words:
        return ""
    if words[0] == "not carried":
        return "; not where no place may carry more than it ever has"
    return "; also where no place may carry more than it ever has"


def mass(tonnes: float) -> str:
    """Write tonnes as people read them.

    Examples
    --------
    >>> mass(2317700.0), mass(237139.9), mass(840.0)
    ('2.32 million t', '237 thousand t', '840 t')
    """
    if tonnes >= 1e6:
        return f"{tonnes / 1e6:,.2f} million t"
    return f"{tonnes / 1e3:,.0f} thousand t" if tonnes >= 1e4 else f"{tonnes:,.0f} t"


def _capacity_verdict(target: Target, capacity: CapacityCheck) -> tuple[Words, str]:
    """Judge by computed capacities; the stated ones stand beside, never alone."""
    words, frame = capacity.words["open", "computed"], capacity.frames["open", "computed"]
    wanted = amount(target.value or 0.0, target.unit)
    short = frame[frame["enough"].eq(False).fillna(False)]
    if not frame["enough"].notna().any():
        return words, "missing: a capacity of any row that limits it"
    claimed = frame.loc[frame["claimed"], "stage_name"].drop_duplicates().tolist()
    if not len(short) and claimed:
        who = ", ".join(claimed[:3])
        return words, f"missing: a capacity computed or shown for {who}; as its owners state, it would be enough"
    if not len(short):
        return words, f"every row that limits it has {wanted} a year or more"
    least = short.iloc[0]
    has = mass(float(least["tonnes"]))
    short_of = f"{short['stage'].nunique()} of {frame['stage'].nunique()} places have less than {wanted}"
    return words, f"{short_of}; least {least['stage_name']}: {has} a year"


