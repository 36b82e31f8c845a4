"""Names of countries, blocs, places, corridors, goods and measures, found in text by longest match.

The tables are data (`data/*.csv`); places and corridors of any pack may be added as frames. Names of countries, places
and corridors are matched with their capitals as written (or all in capitals), goods and measures in any case.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

Kind = Literal["country", "demonym", "capital", "bloc", "place", "corridor", "product", "measure"]
Layer = Literal["geo", "goods", "measure"]

_WORD = re.compile(r"(?:[A-Z]\.){2,}+|[^\W_]++(?:['’](?!s\b)[^\W\d_]++)*+")
_GAP = re.compile(r"[ \u00a0\n]?[-–—.]?[ \u00a0]?|[ \u00a0]?&[ \u00a0]?")
_LAYER_OF: dict[Kind, Layer] = {"product": "goods", "measure": "measure"}
MAX_NAME_WORDS = 8
# "Chinese-built" says who built it, "the Ethiopian fiscal year" how years are counted: neither is a party.
_NOT_OF_COUNTRY = re.compile(
    r"-(?:built|made|funded|backed|owned|led|financed|operated|style|born|listed|registered|flagged)\b"
    r"| (?:fiscal|financial|calendar|solar|local)? ?year\b| calendar\b| time\b| language\b"
    r"| (?:dollars?|francs?|rupees?|shillings?|pounds?|pesos?|dinars?|dirhams?|r[iy]yals?|rials?|"
    r"rubles?|roubles?|birr|yuan|tenge|manats?|liras?|lari|baht|dong|naira|cedis?|rand|kwacha|soums?|"
    r"sums?)\b"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the gazetteer: `id` is a country code, bloc or place id; `countries`: where it lies, or members."""

    kind: Kind
    id: str
    name: str
    countries: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """An entry found at `start` to `end`."""

    start: int
    end: int
    entry: Entry

    @property
    def kind(self) -> Kind:
        """Kind of the entry."""
        return self.entry.kind


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """Names by their first word; build one with `gazetteer()`."""

    names: Mapping[str, tuple[tuple[tuple[str, ...], bool, Entry], ...]]
    country_names: Mapping[str, str]
    blocs: Mapping[str, Entry]

    def name_of(self, area: str) -> str:
        """Return the plain name of a country or bloc, else the id itself."""
        return self.country_names.get(area) or (self.blocs[area].name if area in self.blocs else area)


def read_table(name: str) -> list[dict[str, str]]:
    """Read one of the evidence layer's own CSV tables."""
    text = files("karavan.evidence").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def split_list(cell: str) -> list[str]:
    """Split a list cell at its semicolons."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def _country_entries() -> Iterator[tuple[str, Entry]]:
    for row in read_table("countries"):
        code = (row["code"],)
        for name in (row["name"], *split_list(row["aliases"])):
            yield name, Entry("country", row["code"], row["name"], code)
        for name in split_list(row["demonyms"]):
            yield name, Entry("demonym", row["code"], row["name"], code)
        for name in split_list(row["capitals"]):
            yield name, Entry("capital", row["code"], name, code)


def _other_entries() -> Iterator[tuple[str, Entry]]:
    for row in read_table("blocs"):
        entry = Entry("bloc", row["id"], row["name"], tuple(split_list(row["members"])))
        yield from ((name, entry) for name in (row["name"], *split_list(row["aliases"])))
    for row in read_table("corridors"):
        entry = Entry("corridor", row["id"], row["name"], tuple(split_list(row["countries"])))
        yield from ((name, entry) for name in (row["name"], *split_list(row["aliases"])))
    for row in read_table("places"):
        place = Entry("place", row["name"], row["name"], tuple(split_list(row["country"])), row["kind"])
        yield from ((name, place) for name in (row["name"], *split_list(row["aliases"])))
    for row in read_table("products"):
        for name in (row["name"], *split_list(row["aliases"])):
            hs = "" if row["hs"] == "?" else row["hs"]
            yield name, Entry("product", name, name, (), hs)
    for row in read_table("measures"):
        for name in split_list(row["phrases"]):
            yield name, Entry("measure", row["indicator"], name, (), row["kind"])


def _pack_entries(
    nodes: pd.DataFrame | None, aliases: pd.DataFrame | None, corridors: pd.DataFrame | None
) -> Iterator[tuple[str, Entry]]:
    by_id: dict[str, Entry] = {}
    if nodes is not None:
        for row in nodes.reset_index().to_dict("records"):
            place = re.sub(r"\s*\(.*?\)", "", str(row.get("place") or row["name"])).strip()
            place = re.sub(r"\s+(?:port|station|junction|airport|border station)$", "", place)
            by_id[str(row["id"])] = Entry("place", place, place, (str(row["country"]),), str(row["kind"]))
        yield from ((e.name, e) for e in by_id.values())
    if aliases is not None:
        for row in aliases.reset_index().to_dict("records"):
            name, target = str(row["name"]), str(row["id"])
            if row["table"] == "nodes" and target in by_id and len(name) > 3 and name[0].isupper() and name.isascii():
                yield name, by_id[target]
    if corridors is not None:
        for key, name in dict(zip(corridors["corridor"], corridors["name"], strict=True)).items():
            yield str(name), Entry("corridor", str(key), str(name))


def _words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(name))


def _build(entries: Iterable[tuple[str, Entry]]) -> Gazetteer:
    table: dict[str, dict[tuple[tuple[str, ...], Layer], tuple[bool, Entry]]] = {}
    countries: dict[str, str] = {}
    blocs: dict[str, Entry] = {}
    for name, entry in entries:
        layer = _LAYER_OF.get(entry.kind, "geo")
        proper = layer == "geo"
        words = _words(name if proper else name.lower())
        if not words:
            continue
        # The first entry of a name wins: countries before blocs before places; own tables before a pack's.
        table.setdefault(words[0], {}).setdefault((words, layer), (proper, entry))
        if entry.kind == "country":
            countries.setdefault(entry.id, entry.name)
        if entry.kind == "bloc":
            blocs.setdefault(entry.id, entry)
    names = {
        first: tuple((w, proper, e) for (w, _), (proper, e) in sorted(rows.items(), key=lambda r: -len(r[0][0])))
        for first, rows in table.items()
    }
    return Gazetteer(names, countries, blocs)


@cache
def _general() -> Gazetteer:
    return _build((*_country_entries(), *_other_entries()))


def gazetteer(
    nodes: pd.DataFrame | None = None,
    aliases: pd.DataFrame | None = None,
    corridors: pd.DataFrame | None = None,
) -> Gazetteer:
    """Return the general gazetteer, with the places and corridors of a pack where its frames are given.

    Parameters
    ----------
    nodes
        Frame of the pack's nodes: id (index or column), name, place, country, kind.
    aliases
        Frame of name, table, id; rows of table `nodes` are used.
    corridors
        Frame of corridor, name.
    """
    if nodes is None and aliases is None and corridors is None:
        return _general()
    return _build((*_country_entries(), *_other_entries(), *_pack_entries(nodes, aliases, corridors)))


def _joined(text: str, words: list[re.Match[str]], at: int, count: int) -> bool:
    """Whether `count` words from `at` on stand close together: a space, a hyphen or a point between."""
    return all(_GAP.fullmatch(text, words[i].end(), words[i + 1].start()) for i in range(at, at + count - 1))


def _same(have: str, want: str) -> bool:
    return have == want or (len(want) > 3 and have.isupper() and have == want.upper())


def find_mentions(text: str, names: Gazetteer, start: int, end: int) -> dict[Layer, list[Mention]]:
    """Find all names between two offsets, in order, the longest first at each place; layers do not compete."""
    words = list(_WORD.finditer(text, start, end))
    plain = [w.group() for w in words]
    lower = [w.lower() for w in plain]
    found: dict[Layer, list[Mention]] = {"geo": [], "goods": [], "measure": []}
    free: dict[Layer, int] = {"geo": 0, "goods": 0, "measure": 0}
    table = names.names
    for i, word in enumerate(plain):
        rows = table.get(word)
        if word[0].isupper():
            if word.isupper() and len(word) > 3:
                rows = (*(rows or ()), *table.get(word.capitalize(), ()))
            more = table.get(lower[i])
            rows = (*(rows or ()), *more) if more else rows
        if not rows:
            continue
        for want, proper, entry in rows:
            layer = _LAYER_OF.get(entry.kind, "geo")
            n = len(want)
            if i < free[layer] or i + n > len(plain):
                continue
            have = plain if proper else lower
            if all(_same(have[i + k], want[k]) for k in range(n)) and (n == 1 or _joined(text, words, i, n)):
                if n == 1 and text.startswith(("$", " dollar", " cent"), words[i].end()):
                    continue  # US$ and U.S. dollars are a currency
                if entry.kind == "demonym" and _NOT_OF_COUNTRY.match(text, words[i + n - 1].end()):
                    continue
                found[layer].append(Mention(words[i].start(), words[i + n - 1].end(), entry))
                free[layer] = i + n
    return found
