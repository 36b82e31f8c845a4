"""The brief as a page: every link has its target, every number its origin, and no data is taken for markup."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from tiny import frame, tables, tiny

from karavan.report.brief import brief, chart_specifications
from karavan.report.layers import map_layers
from karavan.schema.io.packs import read_pack

VOID = {"meta", "br", "img", "hr", "input", "link"}
EVIL = '<script>alert("x")</script>'


@dataclass
class Cell:
    text: str = ""
    bare: str = ""  # text outside links
    links: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """Collects ids, links, scripts, addresses and the cells of tables."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.ids, self.hrefs, self.tags, self.cells, self.attributes = [], [], [], [], []
        self.stack, self.cell, self.skip = [], None, 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append(tag)
        self.attributes += named.items()
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "a":
            self.hrefs.append(named.get("href"))
            if self.cell is not None:
                self.cell.links.append(named.get("href"))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "td" or (tag == "th" and named.get("scope") == "row"):
            self.cell = Cell()

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack, f"</{tag}> without a start"
        assert self.stack.pop() == tag
        if tag in {"td", "th"} and self.cell is not None:
            self.cells.append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.text += data
            if "a" not in self.stack:
                self.cell.bare += data


def check_page(html):
    """Walk the whole page."""
    page = Page(html)
    assert not page.stack
    assert len(page.ids) == len(set(page.ids))
    ids = set(page.ids)
    local = [h for h in page.hrefs if h.startswith("#")]
    assert [h for h in local if h[1:] not in ids] == []
    assert all(h.startswith(("#", "http://", "https://")) for h in page.hrefs)
    assert "script" not in page.tags
    assert {t for t in page.tags if t in {"link", "iframe", "img", "object", "embed", "image", "use"}} == set()
    loaded = [(k, v) for k, v in page.attributes if k in {"src", "xlink:href", "srcset", "data", "poster"}]
    assert loaded == []
    assert not any(k.startswith("on") for k, _ in page.attributes)
    assert not re.search(r"url\((?!#)", html)
    bare = [c.text for c in page.cells if re.search(r"\d", c.bare)]
    assert bare == [], "numbers without an origin"
    shown = re.sub(r"<style>.*?</style>|<path[^>]*>", "", html, flags=re.DOTALL)
    assert not re.search(r"(?<![/\w])(nan|NaN|inf|None|NaT|&lt;NA&gt;)(?!\w)", shown)
    return page


@pytest.fixture(scope="session")
def caspian():
    return brief(read_pack("caspian"))


def test_every_link_of_the_pack_brief_leads_somewhere(caspian):
    page = check_page(caspian.html)
    assert len(page.cells) > 1500
    assert len(caspian.html.encode()) < 4_000_000
    wanted = {"carries", "map", "corridors", "profiles", "bottlenecks", "unserved", "observed", "unknown", "sources"}
    assert wanted <= set(page.ids)


def test_every_origin_of_an_input_names_its_source(caspian):
    entry = re.compile(r'<div class="origin" id="t\d+"><h4>(.*?)</h4><dl>(.*?)</dl></div>', re.DOTALL)
    rows = entry.findall(caspian.html)
    assert len(rows) > 500
    inputs = [(title, body) for title, body in rows if not title.startswith(("Result", "Run", "Inputs"))]
    assert [t for t, body in inputs if '<a class="n" href="#s' not in body] == []
    results = [(title, body) for title, body in rows if title.startswith("Result")]
    assert [t for t, body in results if not re.search(r"<dt>(run|inputs)</dt>", body)] == []


def test_pack_brief_says_what_binds_and_what_is_not_known(caspian):
    html, findings = caspian.html, caspian.findings
    for name in findings.year.bottlenecks()["name"].head(5):
        assert str(name).replace("'", "&#39;") in html
    assert "Traffic outside the model" in html
    assert "confidence C" in html
    assert findings.model.case.meta.boundaries[:40] in html
    for corridor in findings.corridors:
        assert corridor.route is not None, corridor.id


def test_charts_and_layers_are_plain_data(caspian):
    import json

    for _, specs, _ in chart_specifications(caspian.findings):
        json.loads(json.dumps(specs, allow_nan=False))
    layers = map_layers(caspian.findings.model, caspian.findings.year)
    json.loads(json.dumps(layers, allow_nan=False))
    links = next(la for la in layers["layers"] if la["id"] == "links")["features"]
    assert len(links) == len(caspian.findings.model.case.links)


def test_results_hold_every_table(caspian, tmp_path):
    files = {f.name for f in caspian.write_results(tmp_path)}
    for name in ("facilities", "pairs", "links", "corridors", "counts", "facilities_busiest_month"):
        assert {f"{name}.csv", f"{name}.parquet"} <= files
        frame_ = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert len(frame_) == len(pd.read_csv(tmp_path / f"{name}.csv"))
    written = caspian.write(tmp_path / "deep" / "brief.html")
    assert written.read_text(encoding="utf-8") == caspian.html


def hostile():
    """The tiny case with markup, scripts and odd addresses wherever a person may write."""
    base = tables()
    base["sources"] = frame(
        id=["s1", "s2"], title=[EVIL, "Plain"], publisher=[EVIL, None],
        address=["javascript:alert(1)", "https://example.org/?a=1&b=<2>"],
        kind=["press", "official"], note=[EVIL, None],
    )  # fmt: skip
    cited = {"source": ["s1;s2"], "confidence": ["C"], "note": [EVIL]}
    base["nodes"]["name"] = [EVIL, 'Bay" onload="x', "Cove & <b>", "Dale"]
    base["nodes"]["place"] = [None, 'B"ay', "<i>", None]
    base["commodities"]["name"] = [EVIL, "Toys"]
    base["demand"] = frame(
        id=["1", "2"], origin=["a", "d"], destination=["d", "a"], commodity=["grain", "toys"], tonnes=[1000.0, 10.0],
        **{k: v * 2 for k, v in cited.items()},
    )  # fmt: skip
    base["facilities"] = frame(
        id=["port"], name=[EVIL], kind=["port"], unit=["tonnes"], element_table=["links"], elements=["B-C"],
        direction=["each"], capacity_stated=[600.0], shared=[True], **cited,
    )  # fmt: skip
    base["corridors"] = frame(
        corridor=["x"] * 2, name=[EVIL] * 2, seq=[1, 2], from_node=["A", "B"], to_node=["B", "C"], mode=["rail", "sea"],
        carrying_unit=["wagon_1520", "bulk"],
    )  # fmt: skip
    base["restrictions"] = frame(
        id=["r"], name=[EVIL], applies_to=["nodes"], target=["B"], regime=["us"], effect=["flag"], text=[EVIL], **cited
    )
    base["counts"] = frame(
        id=["c", "c2"], name=[EVIL, "=1+1"], element_table=["links"] * 2, elements=["A-B"] * 2, year=[2024, 2020],
        value=[500.0, 0.0], unit=["tonnes"] * 2, **{k: v * 2 for k, v in cited.items()},
    )  # fmt: skip
    base["provenance"] = frame(
        table=["links"],
        id=["A-B"],
        field=["length_km"],
        source=["s2"],
        confidence=["A"],
        note=[EVIL],
        other_values=[EVIL],
    )
    case = tiny(**base)
    meta = replace(case.meta, title=EVIL, text=EVIL, outside=(EVIL,), boundaries=EVIL, headline_corridors=("x",))
    return replace(case, meta=meta)


def test_nothing_from_the_data_becomes_markup(tmp_path):
    made = brief(hostile())
    page = check_page(made.html)
    assert "<script" not in made.html
    assert "javascript:" not in [h.split("alert")[0] for h in page.hrefs]
    assert 'onload="x' not in {k for k, _ in page.attributes}
    assert "&lt;script&gt;" in made.html
    made.write_results(tmp_path)
    assert "'=1+1" in (tmp_path / "counts.csv").read_text(encoding="utf-8")


def test_bare_case_has_a_brief():
    """No sources, corridors, facilities, counts or demand: the page says so and breaks nowhere."""
    base = tables()
    for missing in (("demand",), ("freight_tariffs", "demand"), ()):
        made = brief(tiny(**{name: pd.DataFrame() for name in missing}))
        check_page(made.html)
    nodes = base["nodes"].drop(columns=["latitude", "longitude"])
    made = brief(tiny(nodes=nodes))
    assert "there is no map" in made.html
    check_page(made.html)


def test_progress_is_told():
    told = []
    brief(tiny(), progress=told.append)
    assert told[0] == "building the model"
    assert len(told) >= 5
