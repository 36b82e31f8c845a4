"""Finding things by the names people use: ids, names, places and aliases."""

from __future__ import annotations

import difflib
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from karavan.errors import AmbiguousName, NameNotFound

if TYPE_CHECKING:
    from karavan.schema.case import Case


@lru_cache(maxsize=8192)
def plain(name: str) -> str:
    """Fold case, accents, apostrophes and dashes away.

    Examples
    --------
    >>> plain("Xi’an"), plain("Bandar-Abbas")
    ('xian', 'bandar abbas')
    """
    bare = unicodedata.normalize("NFKD", name)
    bare = "".join(c for c in bare if not unicodedata.combining(c)).casefold()
    for mark in "'’‘`ʻ":  # noqa: RUF001 (apostrophes as people type them)
        bare = bare.replace(mark, "")
    return " ".join(bare.replace("-", " ").replace("_", " ").replace("/", " ").split())


def find_nodes(case: Case, name: str) -> list[str]:
    """Return the nodes that answer to a name: an id, a node's name, a place (all its nodes), an alias, or a zone.

    Raises `AmbiguousName` when places of one name are different towns, `NameNotFound` when nothing answers.
    """
    nodes = case.nodes
    if name in nodes.index:
        return [name]
    wanted = plain(name)
    ids = [i for i in nodes.index if plain(i) == wanted]
    if ids:
        return ids
    aliased = [
        str(i)
        for i in case.aliases.loc[[plain(n) == wanted for n in case.aliases["name"]]].query("table == 'nodes'")["id"]
    ]
    places = {str(p) for p in nodes["place"].dropna().unique() if plain(p) == wanted or p in aliased}
    found = {i for i in aliased if i in nodes.index}
    found |= {str(i) for i, n in nodes["name"].items() if plain(n) == wanted}
    found |= {str(i) for i, p in nodes["place"].items() if p in places}
    if not found:
        found = set(_zone_nodes(case, wanted))
        if found:
            return [i for i in nodes.index if i in found]
        towns = {plain(_town(p)): _town(p) for p in nodes["place"].dropna()}
        same = sorted({str(p) for p in nodes["place"].dropna() if plain(_town(p)) == wanted and wanted in towns})
        if len(same) > 1:
            raise AmbiguousName(name, "place", same)
        found = {str(i) for i, p in nodes["place"].items() if p in same}
    if not found:
        raise NameNotFound(name, "place", suggestions(case, name))
    towns_found = {str(nodes.at[i, "place"]) if isinstance(nodes.at[i, "place"], str) else i for i in found}
    if len(towns_found) > 1:
        raise AmbiguousName(name, "place", sorted(towns_found))
    return [i for i in nodes.index if i in found]


def _town(place: object) -> str:
    """Return a place without what stands in brackets: "Astara (Iran)" is a town called Astara."""
    return str(place).split(" (", maxsplit=1)[0]


def find_zone(case: Case, name: str) -> str:
    """Return the id of the zone that answers to a name; raises `NameNotFound` or `AmbiguousName`."""
    found = _zones(case, plain(name))
    if name in found:
        return name
    if len(found) > 1:
        raise AmbiguousName(name, "zone", found)
    if not found:
        known = {plain(n): str(n) for n in [*case.zones["name"], *map(str, case.zones.index)]}
        near = difflib.get_close_matches(plain(name), known, n=3, cutoff=0.5)
        raise NameNotFound(name, "zone", [known[n] for n in near])
    return found[0]


def _zones(case: Case, wanted: str) -> list[str]:
    """Return the ids of zones by a plain name."""
    aliases = case.aliases[case.aliases["table"] == "zones"]
    ids = {str(i) for i, n in case.zones["name"].items() if wanted in {plain(str(i)), plain(n)}}
    ids |= {str(i) for n, i in zip(aliases["name"], aliases["id"], strict=True) if plain(n) == wanted}
    return sorted(i for i in ids if i in case.zones.index)


def _zone_nodes(case: Case, wanted: str) -> list[str]:
    from karavan.schema.case import as_list

    return [node for zone in _zones(case, wanted) for node in as_list(case.zones.at[zone, "nodes"])]


def find_commodity(case: Case, name: str) -> str:
    """Return the id of the commodity that answers to a name; raises `NameNotFound` or `AmbiguousName`."""
    wanted = plain(name)
    goods = case.commodities
    found = {str(i) for i, n in goods["name"].items() if wanted in {plain(str(i)), plain(n)}}
    aliases = case.aliases[case.aliases["table"] == "commodities"]
    found |= {str(i) for n, i in zip(aliases["name"], aliases["id"], strict=True) if plain(n) == wanted}
    if len(found) > 1:
        raise AmbiguousName(name, "commodity", sorted(found))
    if not found:
        names = [*map(str, goods.index), *goods["name"], *aliases["name"]]
        raise NameNotFound(name, "commodity", difflib.get_close_matches(name, names, n=3, cutoff=0.5))
    return found.pop()


def suggestions(case: Case, name: str) -> list[str]:
    """Return up to three known place names near to a misspelt one."""
    known = {plain(n): str(n) for n in [*case.nodes["name"], *case.nodes["place"].dropna(), *case.nodes.index]}
    known |= {plain(n): str(n) for n in case.aliases.loc[case.aliases["table"].isin(["nodes", "zones"]), "name"]}
    known |= {plain(n): str(n) for n in case.zones["name"]}
    return [known[n] for n in difflib.get_close_matches(plain(name), known, n=3, cutoff=0.6)]
