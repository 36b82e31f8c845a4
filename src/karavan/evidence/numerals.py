"""Numbers as written in English prose: digits with separators, decimal commas, words."""

from __future__ import annotations

import re

# A run longer than this is no quantity of this world; it also keeps hostile input cheap.
MAX_DIGITS = 24

UNITS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "dozen": 12,
}
TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
}
MAGNITUDES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "thsd": 1e3,
    "thous": 1e3,
    "k": 1e3,
    "lakh": 1e5,
    "lakhs": 1e5,
    "million": 1e6,
    "millions": 1e6,
    "mln": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "mil": 1e6,
    "m": 1e6,
    "crore": 1e7,
    "crores": 1e7,
    "billion": 1e9,
    "billions": 1e9,
    "bln": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
    "trillions": 1e12,
    "trn": 1e12,
    "tn": 1e12,
}
FRACTIONS = {
    "half": 1 / 2,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "quarter": 1 / 4,
    "quarters": 1 / 4,
    "fifth": 1 / 5,
    "fifths": 1 / 5,
    "tenth": 1 / 10,
    "tenths": 1 / 10,
}

_SMALL = "|".join(sorted((*UNITS, *TENS), key=len, reverse=True))
_BIG = "hundred|thousand|million|billion|trillion|lakh|crore"
WORD_NUMBER = re.compile(
    rf"\b(?:(?:a[ -])?(?:half[ -](?:an?[ -])?|quarter of an? )(?P<part>{_BIG})|(?:an?|one) and a half "
    rf"(?P<onehalf>{_BIG})"
    rf"|a (?P<single>{_BIG}|dozen)(?![ -]+(?:year|time))"
    rf"|(?P<run>(?:{_SMALL})(?:(?:[ -]| and )(?:{_SMALL}|{_BIG})\b){{0,10}}(?: and a half (?P<halfbig>{_BIG}))?))\b",
    re.IGNORECASE,
)
DIGITS = re.compile(r"\d++(?:[.,]\d++|[ \u00a0\u202f]\d{3}(?![\d.,]*\d))*+")
_THOUSANDS = re.compile(r"\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?")
_DOT_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?")


def read_digits(raw: str) -> tuple[float, float] | None:
    """Return the number that digits stand for, and the size of its last written digit; None where it is none.

    A comma before one, two, or four and more last digits is a decimal comma; before three digits it parts thousands.

    Examples
    --------
    >>> read_digits("143,4"), read_digits("1,234.5"), read_digits("21 500")
    ((143.4, 0.1), (1234.5, 0.1), (21500.0, 1.0))
    """
    if len(raw) > MAX_DIGITS or not raw or not raw[-1].isdigit():
        return None
    if _THOUSANDS.fullmatch(raw):
        plain = re.sub(r"[,\u00a0\u202f ]", "", raw)
    elif _DOT_THOUSANDS.fullmatch(raw):
        plain = raw.replace(".", "").replace(",", ".")
    elif raw.count(",") == 1 and "." not in raw and " " not in raw:
        plain = raw.replace(",", ".")
    elif raw.count(".") <= 1 and not re.search(r"[, \u00a0\u202f]", raw):
        plain = raw
    else:
        return None
    decimals = len(plain.partition(".")[2])
    return float(plain), 10.0**-decimals


def read_words(match: re.Match[str]) -> tuple[float, float]:
    """Return the number of a match of `WORD_NUMBER`, and the size of its last written digit."""
    text = match.group().lower()
    if part := match["part"]:
        factor = 0.25 if "quarter" in text else 0.5
        return factor * MAGNITUDES[part.lower()], factor * MAGNITUDES[part.lower()]
    if big := match["onehalf"]:
        return 1.5 * MAGNITUDES[big.lower()], 0.5 * MAGNITUDES[big.lower()]
    if single := match["single"]:
        size = UNITS.get(single.lower()) or MAGNITUDES[single.lower()]
        return float(size), float(size)
    total, group, step = 0.0, 0.0, 1.0
    half = match["halfbig"]
    words = re.findall(r"[a-z]+", text.split(" and a half")[0] if half else text)
    for word in words:
        if word in UNITS or word in TENS:
            group += UNITS.get(word, 0) + TENS.get(word, 0)
            step = 1.0
        elif word == "hundred":
            group = (group or 1) * 100
            step = 100.0
        elif word in MAGNITUDES:
            total += (group or 1) * MAGNITUDES[word]
            group, step = 0.0, MAGNITUDES[word]
    total += group
    if half:
        size = MAGNITUDES[half.lower()]
        return (total + 0.5) * size, 0.5 * size
    return total, step
