"""How facts, verdicts, promises and series look in a terminal. Every word of an article is made safe first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from karavan.cli.output import console, number, print_line, print_table, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan import LedgerEntry, Promise, SeriesPoint, Verdict

BAR = 44  # characters of the longest bar
SIGN = {"said": "█", "implied": "▒", "target": "◇"}
QUOTE_SHOWN = 90


def print_facts(entries: Sequence[LedgerEntry]) -> None:
    """Print one line a fact."""
    rows = []
    for e in entries:
        about = e["direction"] or "-".join(e["areas"] or ()) or e["place"] or ""
        what = f"{e['indicator'] or e['event_type'] or e['object'] or ''} {about}".strip()
        when = e["period"] or e["deadline"] or e["date"] or ""
        rows.append([e.id[:10], e["kind"], e["status"], what, quantity(e), when, shortened(str(e["quote"] or ""))])
    print_table("", ("id", "kind", "status", "about", "value", "when", "quote"), rows)
    print_line(f"{len(rows)} fact(s).", style="bold")


def quantity(entry: LedgerEntry) -> str:
    """Return value, unit and change of a fact as people read them."""
    sign = {"=": "", ">": "over ", ">=": "at least ", "<": "under ", "<=": "at most ", "~": "about ", "<~": "nearly "}
    unit = str(entry["unit"] or "") + (f"/{entry['rate']}" if entry["rate"] else "")
    parts = []
    if entry["low"] is not None and entry["high"] is not None:
        parts.append(f"{number(entry['low'])} to {number(entry['high'])} {unit}")
    elif entry["value"] is not None:
        parts.append(f"{sign.get(entry['comparator'] or '=', '')}{number(float(entry['value']))} {unit}")
    if entry["change_pct"] is not None:
        parts.append(f"{entry['change_pct']:+g} %")
    return ", ".join(p.strip() for p in parts)


def print_fact(history: Sequence[LedgerEntry]) -> None:
    """Print a fact in full: its sentence with the quote marked, its slots and its history."""
    from rich.text import Text

    entry = history[-1]
    status = "superseded" if entry.superseded is not None else entry["status"]
    print_line(
        f"{entry.id}  {entry['kind']}, {status}" + (f": {entry['reason']}" if entry["reason"] else ""), style="bold"
    )
    quote, context = str(entry["quote"] or ""), str(entry["context"] or entry["quote"] or "")
    at = int(entry["start"] or 0) - int(entry["context_start"] or 0)
    if context[at : at + len(quote)] != quote:
        at = context.find(quote)
    marked = Text(safe(context[:at]) if at > 0 else "")
    marked.append(safe(quote), style="bold reverse")
    marked.append(safe(context[at + len(quote) :]) if at >= 0 else "")
    console().print(marked, soft_wrap=True)
    where = ", ".join(str(x) for x in (entry["document"], entry["title"], entry["published"] or "day not known") if x)
    print_line(f"{where} [{entry['start']}-{entry['end']}]" + (f" {entry['address']}" if entry["address"] else ""))
    print_table("", ("slot", "value", "rests on", "words"), _slots(entry))
    if len(history) > 1:
        rows = [[e.version, e.recorded[:19], e.who, e["status"], (e["review"] or {}).get("note", "")] for e in history]
        print_table("History", ("version", "recorded (UTC)", "by", "status", "note"), rows)
    print_line()


def _slots(entry: LedgerEntry) -> list[list[Any]]:
    hidden = {"id", "document", "document_id", "kind", "status", "reason", "quote", "start", "end", "slots", "context",
              "context_start", "citations", "extractor", "extractor_version", "title", "address", "step", "review",
              "published", "published_basis", "publisher", "derived"}  # fmt: skip
    known = entry["slots"] or {}
    rows = []
    for name, value in entry.data.items():
        if name in hidden or value in (None, "", [], False):
            continue
        slot = known.get(name) or known.get({"value": "quantity", "unit": "quantity"}.get(name, "")) or {}
        text = "; ".join(str(v) for v in value) if isinstance(value, list) else value
        rows.append([name, text, slot.get("basis", ""), slot.get("raw", "")])
    return rows


def print_verdicts(found: Sequence[Verdict], compared: int) -> None:
    """Print each verdict with its arithmetic and the facts it rests on."""
    style = {"contradiction": "bold red", "unresolved": "bold yellow"}
    for v in found:
        print_line(f"{v.verdict}: {v.series}, {v.period} ({v.check})", style=style.get(v.verdict, "bold"))
        print_line(f"  {v.arithmetic}")
        print_line(f"  facts {', '.join(f[:10] for f in v.facts)}")
    print_line(f"{len(found)} shown of {compared} comparisons.", style="bold")


def print_promises(rows: Sequence[Promise]) -> None:
    """Print the register: the numbers in a table, then the rule of each row."""
    table = []
    for p in rows:
        said = p.history[0].published or "day not known"
        times = f" (+{len(p.history) - 1})" if len(p.history) > 1 else ""
        share = "" if p.share_pct is None else f"{p.share_pct:.0f}%"
        needed = "" if p.growth_needed_pct is None else f"{p.growth_needed_pct:.1f}%"
        target = "" if p.target is None else f"{number(p.target)} {p.unit}"
        latest = "" if p.latest is None else f"{number(p.latest)} ({p.latest_period})"
        table.append([p.fact[:10], shortened(p.title, 48), ", ".join(p.by)[:40], f"{said}{times}", target,
                      p.deadline or "none", latest, share, needed, p.status])  # fmt: skip
    heads = ("id", "promise", "by", "said", "target", "deadline", "latest", "share", "needs a year", "status")
    print_table("", heads, table)
    for p in rows:
        print_line(f"{p.fact[:10]} {p.status}: {p.rule}")


def print_chart(title: str, points: Sequence[SeriesPoint]) -> None:
    """Print the table of a series and a chart of bars, one line a value."""
    print_line(title, style="bold")
    if not points:
        print_line("Nothing in the ledger about this.")
        return
    top = max(abs(p.value) for p in points) or 1.0
    for p in points:
        filled = round(BAR * abs(p.value) / top)
        bar = " " * max(filled - 1, 0) + SIGN["target"] if p.layer == "target" else SIGN[p.layer] * max(filled, 1)
        print_line(f"{p.period:>24}  {bar:<{BAR}}  {p.words}")
    print_line(f"{SIGN['said']} said   {SIGN['implied']} implied (derived)   {SIGN['target']} target")
    rows = [[p.period, p.layer, p.words, shortened(p.who, 40), p.status, p.fact[:10], p.how] for p in points]
    print_table("", ("period", "", "value", "who", "status", "fact", "how it follows"), rows)


def shortened(text: str, letters: int = QUOTE_SHOWN) -> str:
    """Return text on one line, cut to a length."""
    line = " ".join(text.split())
    return line if len(line) <= letters else f"{line[: letters - 1].rstrip()}…"


def ask(question: str, default: str = "") -> str:
    """Ask on stderr and return the line typed."""
    import typer

    return str(typer.prompt(safe(question), default=default, show_default=bool(default), err=True))


def user_name() -> str:
    """Return the name of the user of this machine."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
