"""Numbers, quantities, times and calendars as prose writes them."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karavan.evidence.blocks import find_blocks
from karavan.evidence.calendars import (
    fiscal_year,
    gregorian_to_solar_hijri,
    shift_solar_hijri,
    solar_hijri_leap,
    solar_hijri_to_gregorian,
    solar_hijri_year,
)
from karavan.evidence.documents import read_document
from karavan.evidence.extract import extract
from karavan.evidence.gazetteer import find_mentions, gazetteer
from karavan.evidence.period_words import find_periods
from karavan.evidence.periods import Anchors, resolve
from karavan.evidence.quantities import find_quantities
from karavan.evidence.records import Period, parse_interval

# First days of Iranian years and other days that almanacs give.
KNOWN_DAYS = [
    ((1348, 1, 1), date(1969, 3, 21)),
    ((1357, 11, 22), date(1979, 2, 11)),
    ((1375, 1, 1), date(1996, 3, 20)),
    ((1395, 1, 1), date(2016, 3, 20)),
    ((1398, 1, 1), date(2019, 3, 21)),
    ((1398, 11, 30), date(2020, 2, 19)),
    ((1399, 1, 1), date(2020, 3, 20)),
    ((1399, 11, 30), date(2021, 2, 18)),
    ((1399, 12, 30), date(2021, 3, 20)),
    ((1400, 1, 1), date(2021, 3, 21)),
    ((1402, 1, 1), date(2023, 3, 21)),
    ((1403, 1, 1), date(2024, 3, 20)),
    ((1404, 1, 1), date(2025, 3, 21)),
]


@pytest.mark.parametrize(("solar", "gregorian"), KNOWN_DAYS)
def test_solar_hijri_days(solar, gregorian):
    assert solar_hijri_to_gregorian(*solar) == gregorian
    assert gregorian_to_solar_hijri(gregorian) == solar


@given(st.dates(date(1850, 1, 1), date(2100, 12, 31)))
def test_solar_hijri_there_and_back(day):
    assert solar_hijri_to_gregorian(*gregorian_to_solar_hijri(day)) == day


def test_solar_hijri_years():
    assert [y for y in range(1390, 1410) if solar_hijri_leap(y)] == [1391, 1395, 1399, 1403, 1408]
    first, last = solar_hijri_year(1399)
    assert (last - first).days + 1 == 366
    assert shift_solar_hijri(date(2021, 2, 18), -1) == date(2020, 2, 19)
    with pytest.raises(ValueError, match="no such Solar Hijri date"):
        solar_hijri_to_gregorian(1400, 12, 30)


def test_fiscal_years():
    assert fiscal_year("IND", 2022) == (date(2022, 4, 1), date(2023, 3, 31))
    assert fiscal_year("KEN", 2022) == (date(2022, 7, 1), date(2023, 6, 30))
    assert fiscal_year("XXX", 2022) is None


QUANTITIES = [
    ("$1bn", 1e9, "USD", "="),
    ("US$ 1.9 billion", 1.9e9, "USD", "="),
    ("143,4 mln dollars", 143.4e6, "USD", "="),
    ("half a billion dollars", 5e8, "USD", "="),
    ("approached the half-billion mark", 5e8, "", "<~"),
    ("one and a half million tonnes", 1.5e6, "t", "="),
    ("two and a half million tons", 2.5e6, "t", "="),
    ("310 billion tenge", 310e9, "KZT", "="),
    ("2 trillion rials", 2e12, "IRR", "="),
    ("50 million manat", 5e7, "AZN", "="),
    ("Rs 3,000 crore", 3e10, "INR", "="),
    ("KSh500 million", 5e8, "KES", "="),
    ("RM97.97 billion", 97.97e9, "MYR", "="),
    ("390 billion CFA francs", 390e9, "XOF", "="),
    ("€40m", 4e7, "EUR", "="),
    ("313,000 twenty-foot equivalent units", 313_000, "{TEU}", "="),
    ("one million TEUs", 1e6, "{TEU}", "="),
    ("5847 TEU", 5847, "{TEU}", "="),
    ("more than 350 enterprises", 350, "", ">"),
    ("nearly 20 percent", 20, "%", "<~"),
    ("6 percentage points", 6, "{pp}", "="),
    ("3.1 times", 3.1, "{x}", "="),
    ("seven-fold", 7, "{x}", "="),
    ("doubled", 2, "{x}", "="),
    ("fell by a third", 100 / 3, "%", "~"),
    ("a 273-kilometre railway", 273, "km", "="),
    ("twenty-five trains", 25, "", "="),
    ("21 500 tonnes", 21_500, "t", "="),
    ("1.234.567 tonnes", 1_234_567, "t", "="),
    ("500 kt", 5e5, "t", "="),
]


@pytest.mark.parametrize(("text", "value", "unit", "comparator"), QUANTITIES)
def test_quantity(text, value, unit, comparator):
    (found,) = find_quantities(text, 0, len(text))
    q = found.quantity
    assert (pytest.approx(value), unit, comparator) == (q.value, q.unit, q.comparator)
    assert text[found.start : found.end] == q.raw


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("2.5-3 million tonnes", 2.5e6, 3e6, "t"),
        ("12-15 percent", 12, 15, "%"),
        ("2-2.5 times", 2, 2.5, "{x}"),
        ("between 3 and 5 million tonnes", 3e6, 5e6, "t"),
        ("1 to 1.5 billion dollars", 1e9, 1.5e9, "USD"),
    ],
)
def test_range(text, low, high, unit):
    (found,) = find_quantities(text, 0, len(text))
    assert (found.quantity.low, found.quantity.high, found.quantity.unit) == (low, high, unit)


def test_shared_units_and_no_quantities():
    values = [q.quantity.value for q in find_quantities("a 71 and 29 percent growth", 0, 26)]
    assert values == [71, 29]
    for text in ("the five Central Asian states", "G20", "Boeing 737", "at 14:53", "Article 5", "No. 12", "Phase 2"):
        assert not find_quantities(text, 0, len(text)), text
    text = "1.6 billion ringgit (363 million U.S. dollars)"
    assert [q.quantity.unit for q in find_quantities(text, 0, len(text))] == ["MYR"]
    text = "$484,993 million"
    assert find_quantities(text, 0, len(text))[0].doubt


DAY = date(2024, 4, 20)
PERIODS = [
    ("in 2020", "2020-01-01/2020-12-31"),
    ("April 2017", "2017-04-01/2017-04-30"),
    ("between March 20, 2020, and February 18, 2021", "2020-03-20/2021-02-18"),
    ("in January-September 2023", "2023-01-01/2023-09-30"),
    ("between January and November 2023", "2023-01-01/2023-11-30"),
    ("in the first quarter of 2024", "2024-01-01/2024-03-31"),
    ("in Q3 2022", "2022-07-01/2022-09-30"),
    ("H1 2024", "2024-01-01/2024-06-30"),
    ("the second half of 2022", "2022-07-01/2022-12-31"),
    ("first nine months of 2024", "2024-01-01/2024-09-30"),
    ("in the 12 months to October 2023", "2022-11-01/2023-10-31"),
    ("in the Iranian year 1400", "2021-03-21/2022-03-20"),
    ("in the current Iranian year", "2024-03-20/2025-03-20"),
    ("last year", "2023-01-01/2023-12-31"),
    ("last month", "2024-03-01/2024-03-31"),
    ("over the past 20 years", "2004-04-20/2024-04-20"),
    ("by 2030", "2030-01-01/2030-12-31"),
    ("by the end of 2026", "2026-12-31/2026-12-31"),
    ("2022-2027", "2022-01-01/2027-12-31"),
    ("on 12 June 2023", "2023-06-12/2023-06-12"),
    ("in FY2022-23", "2022-04-01/2023-03-31"),
]


@pytest.mark.parametrize(("text", "interval"), PERIODS)
def test_period(text, interval):
    (found,) = find_periods(text, 0, len(text))
    period = resolve(found, text[found.start : found.end], Anchors(DAY, None, "IND"))
    assert period is not None
    assert period.interval() == interval


@pytest.mark.parametrize(
    "text",
    [
        "last year",
        "on 12 June",
        "in November",
        "over the past 11 months",
        "this month",
        "the current Iranian year",
        "by the end of the year",
        "in FY2022-23",
        "the same period of last year",
    ],
)
def test_no_year_without_an_anchor(text):
    for found in find_periods(text, 0, len(text)):
        period = resolve(found, text[found.start : found.end], Anchors())
        assert period is None or (period.start is None and period.end is None)


def test_same_period_moves_in_its_own_calendar():
    text = "the same period in 2019-2020"
    (found,) = find_periods(text, 0, len(text))
    eleven = Period(date(2020, 3, 20), date(2021, 2, 18), "", "range", "solar_hijri")
    period = resolve(found, text, Anchors(None, eleven))
    assert period is not None
    assert period.interval() == "2019-03-21/2020-02-19"
    text = "over the past 11 months"
    (found,) = find_periods(text, 0, len(text))
    again = resolve(found, text, Anchors(date(2021, 4, 8), eleven))
    assert again is not None
    assert again.interval() == "2020-03-20/2021-02-18"


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 4000))
def test_interval_there_and_back(first, days):
    last = first + timedelta(days=days)
    assert parse_interval(Period(first, last, "").interval()) == (first, last)


WORDS = st.sampled_from(
    [
        "$1bn",
        "237",
        "million",
        "tonnes",
        "percent",
        "in",
        "2020",
        "compared",
        "to",
        "the",
        "same",
        "period",
        "of",
        "last",
        "year",
        "by",
        "37.2",
        "between",
        "and",
        "March",
        "20,",
        "Iran",
        "Kazakhstan",
        "trade",
        "exports",
        "rose",
        "fell",
        "“",
        "”",
        '"',
        "(",
        ")",
        "respectively",
        "will",
        "build",
        "said",
        "Tokayev",
        "doubled",
        "one",
        "half",
        "a",
        "billion",
        "Iranian",
        "year",
        "1400",
        "first",
        "three",
        "months",
        "FY2022-23",
        "TEU",
        "over",
        "nearly",
        "2-2.5",
        "times",
        ".",
        ";",
        ",",
        "-",
        "–",
        "\n",
    ]
)


@settings(max_examples=150)
@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_words_in_any_order_raise_nothing(text):
    document = read_document("The report of the day says that it is so and that this was of the best. " + text)
    for fact in extract(document):
        assert document.text[fact.start : fact.end] == fact.quote


@settings(max_examples=150)
@given(st.text(max_size=300))
def test_any_text_raises_nothing(text):
    find_blocks(text)
    find_mentions(text, gazetteer(), 0, len(text))
    periods = find_periods(text, 0, len(text))
    for p in periods:
        resolve(p, text[p.start : p.end], Anchors(DAY))
    for q in find_quantities(text, 0, len(text), [(p.start, p.end) for p in periods]):
        assert text[q.start : q.end] == q.quantity.raw


MILLION = 1_000_000
LONG = {"digits": "1", "digits and commas": "1,", "quotes": '"', "curly quotes": "“", "brackets": "([{"}
SHORT = {
    "digits and blanks": "1 ",
    "dollars": "$",
    "capitals": "A",
    "names": "Minister Aa Bb ",
    "one word": "one ",
    "points": ". A",
    "lines": "a\n",
    "said": "he said, ",
    "will": "will build ",
    "countries": "Iran and Iraq ",
}


@pytest.mark.parametrize(
    ("unit", "size"),
    [*((u, MILLION) for u in LONG.values()), *((u, 100_000) for u in SHORT.values())],
    ids=[*LONG, *SHORT],
)
def test_hostile_input_takes_linear_time(unit, size):
    """Ten times the input may take little more than ten times the time (25 times is allowed: machines are shared)."""
    frame = "The report of the day says that it is so and that this was of the best for all who read it. " * (
        size // 1000
    )

    def seconds(length):
        text = frame[: length // 2] + "\n" + unit * (length // len(unit))
        start = time.process_time()
        extract(read_document(text))
        return time.process_time() - start

    seconds(1000)
    small = seconds(size // 10)
    assert seconds(size) < max(25 * small, 2.0) + 1.0


def test_a_counterpart_of_nobody_known_breaks_nothing():
    """Found by the fuzzer: the role of a counterpart is taken from a person, and there is none."""
    text = "Ethiopia and Djibouti signed. And her Djiboutian counterpart Mohamed Warsama put their names to it."
    extract(read_document(text))
