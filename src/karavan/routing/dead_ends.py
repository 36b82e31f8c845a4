"""Why there is no way: what is asked for, when, or what is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from karavan.errors import NoRoute
from karavan.model import build_model
from karavan.routing.options import OBJECTIVES, RouteOptions
from karavan.routing.search import reasons
from karavan.routing.shipment import minute
from karavan.routing.tell import flagged_on
from karavan.routing.timetable import shut_services
from karavan.schema.case import as_list
from karavan.schema.names import find_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from karavan.routing.query import Query
    from karavan.routing.router import Router
    from karavan.routing.shipment import Shipment

ASKED = ("closed", "comply", "avoid", "only", "budget")  # the order in which they are lifted


def why_none(router: Router, query: Query) -> NoRoute:
    """Return the error of a search without an answer, with what closes the way: found by opening one after another."""
    shipment = query.shipment
    day = router.model.day
    when = f" on {day}" if day and not shipment.dated else ""
    when += f" from {shipment.ready}" if shipment.ready else ""
    message = f"No route for {shipment.commodity} from {shipment.origin} to {shipment.destination}{when}."
    return NoRoute(message, list(_reasons(router, query)))


def _reasons(router: Router, query: Query) -> Iterator[str]:
    shipment, options = query.shipment, query.options
    free = replace(shipment, deadline=shipment.deadline if shipment.ready is None else None, within_days=None)
    if free != shipment and (told := _late(router, shipment, free, options)):
        yield told
        return
    for name in ASKED:
        given = getattr(options, name)
        without: dict[str, Any] = {name: {} if name in {"closed", "budget"} else ()}
        if given and _found(router, free, replace(options, **without)):
            yield _asked(router, free, options, name)
            return
    if any(getattr(options, name) for name in ASKED) and _found(router, free, _plain(options)):
        yield "what is asked for closes every way: " + ", ".join(n for n in ASKED if getattr(options, n))
        return
    if told := _uncarried(router, query):
        yield told
        return
    yield from _timetables(router, query)
    model = router.model if shipment.ready is None else build_model(router.case, day=shipment.ready[:10])
    yield from reasons(model, shipment)


def _uncarried(router: Router, query: Query) -> str | None:
    """Say that no mode carries the goods in any of the units they travel in."""
    goods = router.case.commodities.iloc[query.k]
    units = as_list(goods["carrying_units"])
    carried = {unit for cell in router.case.modes["carrying_units"] for unit in as_list(cell)}
    return None if carried & set(units) else f"no mode carries {goods['name']}: it travels in {', '.join(units)}"


def _plain(options: RouteOptions) -> RouteOptions:
    return replace(options, avoid=(), only=(), comply=(), closed={}, budget={})


def _found(router: Router, shipment: Shipment, options: RouteOptions) -> bool:
    return bool(router.find(shipment, options).ways)


def _late(router: Router, shipment: Shipment, free: Shipment, options: RouteOptions) -> str | None:
    """Say when the fastest way arrives, where it is only too late."""
    ways = router.find(free, options).ways
    if not ways:
        return None
    fastest = min(ways, key=lambda w: w.lead_hours)
    days = fastest.lead_hours / 24.0
    timetable = router.scene(free, options).timetable
    if fastest.times is None or timetable is None:
        return f"the fastest way takes {days:.1f} days, and {shipment.within_days:g} are allowed"
    arrives = str(minute(float(fastest.times[-1]) + timetable.start)).replace("T", " ")
    asked = f"{shipment.deadline} is the deadline" if shipment.deadline else f"{shipment.within_days:g} are allowed"
    return f"the first arrival is {arrives}, {days:.1f} days after the goods are ready, and {asked}"


def _asked(router: Router, shipment: Shipment, options: RouteOptions, name: str) -> str:
    given = getattr(options, name)
    if name != "budget":
        alone = _each_alone(router, shipment, options, name)
        lifted = alone or list(given)
        listed = ""
        if name == "comply":
            listed = _listed(router, shipment, replace(options, comply=_left(given, lifted)), lifted)
        without = "one of these" if len(alone) > 1 else "it"
        what = f"{name} {', '.join(lifted)}"
        return f"what is asked for closes every way ({what}); without {without} there is one{listed}"
    ways = router.ways(shipment, replace(options, budget={})).ways
    least = (f"{o} {given[o]:g} is asked for, {min(w.value(o) for w in ways):,.1f} is the least ({OBJECTIVES[o]})"
             for o in given)  # fmt: skip
    return "no way keeps to the budget: " + "; ".join(least)


def _left(given: Any, lifted: Iterable[str]) -> Any:
    kept = [name for name in given if name not in set(lifted)]
    return {name: given[name] for name in kept} if isinstance(given, Mapping) else tuple(kept)


def _each_alone(router: Router, shipment: Shipment, options: RouteOptions, name: str) -> list[str]:
    """Return those of several things asked for of which it is enough to lift one."""
    given = getattr(options, name)
    if len(given) < 2 or name == "only":
        return []
    return [one for one in given if _found(router, shipment, replace(options, **{name: _left(given, [one])}))]


def _listed(router: Router, shipment: Shipment, options: RouteOptions, regimes: Iterable[str]) -> str:
    """Name what the cheapest way meets of some regimes."""
    found = router.find(shipment, options)
    scene, way = found.query.scene, found.cheapest
    times = None if way.times is None or scene.timetable is None else way.times + scene.timetable.start
    met = {i for rows in flagged_on(found.query, way, times) for i in rows}
    names = dict.fromkeys(str(scene.rules[i]["name"]) for i in sorted(met) if scene.rules[i]["regime"] in set(regimes))
    return f", which meets: {', '.join(names)}" if names else ""


def _timetables(router: Router, query: Query) -> Iterator[str]:
    """Name the timetabled services between the two ends that do not sail in the time looked at."""
    timetable = query.scene.timetable
    if timetable is None:
        return
    services = router.case.services
    ends = set(find_nodes(router.case, query.shipment.origin)) | set(
        find_nodes(router.case, query.shipment.destination)
    )
    for name in shut_services(timetable, router.case):
        row = services.loc[name]
        if {row["from_node"], row["to_node"]} & ends:
            yield f"{name} does not sail from {timetable.days[0]} to {timetable.days[-1]}"
