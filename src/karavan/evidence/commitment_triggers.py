"""The words that make a commitment: aims, plans, agreements, pledges, proposals, expectations, possibilities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from karavan.evidence.discourse import Sentence
    from karavan.evidence.records import Modality

_VERBS: dict[str, str] = {
    "build": r"build|built|construct(?:ed|ing)?|building|erect|lay|laid|laying",
    "open": r"re-?open(?:ed|ing)?|open(?:ed|ing)?|inaugurat\w+",
    "increase": r"increas\w+|rais\w+|expand\w*|boost\w*|doubl\w+|tripl\w+|quadrupl\w+|grow\w*|rise|enhanc\w+|"
    r"lift\w*|bring\w*|reach\w*|widen\w*|strengthen\w*|deepen\w*|intensif\w+|sustain\w*|extend\w*|"
    r"scal\w+|hit|exceed|climb|add(?:ed|ing)?|jump|surpass|top|ramp\w*|mount|amount|stand|come|touch|"
    r"account|handle|tripl\w+|approach",
    "reduce": r"reduc\w+|cut(?:ting)?|lower(?:ed|ing)?|abolish\w*|remov\w+|eliminat\w+|shorten\w*|halv\w+|"
    r"simplif\w+|waiv\w+|scrap|phase|fall|drop|decline|ease|easing",
    "launch": r"launch\w*|start\w*|begin\w*|resum\w+|introduc\w+|commenc\w+|restart\w*|kick|roll|operat\w+|"
    r"run(?:ning)?|initiat\w+|put",
    "supply": r"suppl(?:y|ied|ying)|deliver\w*|export\w*|ship(?:ped|ping)?|sell\w*|import\w*|purchas\w+|buy\w*|"
    r"provid\w+|transport\w*|carry|carried|move[ds]?|moving|handl\w+|transit|procur\w+|acquir\w+|"
    r"receiv\w+|take",
    "sign": r"sign\w*|conclud\w+|finali[sz]\w+|ratif\w+|adopt\w*|approv\w+|negotiat\w+|join\w*|accede|accession",
    "visit": r"visit\w*|travel\w*|host\w*|hold|held|convene\w*|meet|attend\w*|pay|tour",
    "develop": r"develop\w*|modernis\w+|moderniz\w+|upgrad\w+|improv\w+|rehabilitat\w+|electrif\w+|"
    r"digitali[sz]\w+|implement\w*|complet\w+|connect\w*|link\w*|establish\w*|set up|setting up|"
    r"creat\w+|form(?:ed|ing)?|advanc\w+|leverag\w+|cooperat\w+|work|reconstruct\w*|repair\w*|"
    r"dredg\w+|renovat\w+|unif\w+|integrat\w+|harmoni[sz]\w+|tap|promot\w+|facilitat\w+|"
    r"organi[sz]\w+|diversif\w+|turn|transform\w*|convert\w*|use|restore|revive|continue|allow|"
    r"produce|make|pursue|step|install|equip|prepare|conduct|carry out|assign|appoint|designate|"
    r"merge|manage|lease|deploy|expedite|speed|streamline|accelerat\w+|explor\w+|engag\w+|exchang\w+|"
    r"discuss|become|place|plac\w+",
    "invest": r"invest\w*|allocat\w+|financ\w+|fund\w*|spend\w*|lend|grant|contribut\w+|disburs\w+|earmark\w*|"
    r"inject|commit|cost|total",
    "support": r"support\w*|assist\w*|back|help",
}


_ANY_VERB = "|".join(_VERBS.values())


ACTION = re.compile("|".join(f"(?P<{k}>\\b(?:{v})\\b)" for k, v in _VERBS.items()), re.IGNORECASE)


_ADVERB = (
    r"(?:\w+ly |almost |nearly |at least |more than |also |soon |jointly |further |now |then |"
    r"eventually |gradually |together |already |again |still |even |only |likely |thus |later |be "
    r"able to |look to |work to |seek to |try to |start to |begin to |continue to )*"
)


_TO = rf"to {_ADVERB}(?:be )?(?:{_ANY_VERB})\b"


_ING = rf"{_ADVERB}(?!being|bringing together)(?:{_ANY_VERB})\b"


_TRIGGERS: tuple[tuple[Modality, str], ...] = (
    (
        "target",
        (
            r"\b(?:aim(?:s|ed|ing)?|target(?:s|ed|ing)?|seek(?:s|ing)?|strive[sd]?|striving) (?:to "
            r"(?!attract attention)|for |at (?:a |an )?(?=[\d$€]|\w+ing)|a |an (?=annual))"
        ),
    ),
    (
        "target",
        (
            r"\b(?:set|sets|setting|has set|have set|announced|reaffirmed|adopted|agreed on|fixed)(?: "
            r"themselves| itself| out)?(?: a| an| the| their| its| new| joint| ambitious| common)* "
            r"(?:targets?|goals?|objectives?)\b"
        ),
    ),
    (
        "target",
        (
            r"\b(?:with )?(?:the|a|an|its|their|our|joint|common|ultimate|ambitious|main)(?: \w+){0,2} "
            r"(?:goal|target|objective|aim) (?:of|is|was|to|for)\b"
        ),
    ),
    ("target", r"\bfigures were announced in order to\b"),
    ("plan", rf"\b(?:plan(?:s|ned|ning)?|intend(?:s|ed|ing)?|prepar(?:es|ing)|wants?|wish(?:es)?|propose to) {_TO}"),
    (
        "plan",
        (
            rf"\b(?:ha(?:s|ve)(?: \w+)? |there are |unveiled |announced |outlined |drew up |part of )?(?:\w+ "
            rf")?(?:plans?|intentions?) (?:{_TO}|for |of \w+ing)"
        ),
    ),
    (
        "plan",
        (
            rf"\b(?:is|are|was|were|being|has been|have been)?(?: \w+ly)? ?(?:set|due|scheduled|slated|poised|"
            rf"going|planned|earmarked) (?:{_TO}|for (?:completion|launch|opening|commissioning|the|20\d\d|"
            rf"\w+day)|in (?:20\d\d|\w+ 20\d\d)|to go |to come )"
        ),
    ),
    ("plan", rf"\b(?:is|are) {_TO}"),
    (
        "plan",
        (
            rf"\b(?<!political )(?:will|shall|'ll|’ll) (?!not\b|never\b|enable|pave|give|help|allow|mean|"
            rf"require|depend|play|remain|contribute|ensure|serve|make it|bring benefits|have|also help|"
            rf"further strengthen (?:ties|relations))(?:{_ADVERB})(?:be )?(?:{_ADVERB})(?:{_ANY_VERB})\b"
        ),
    ),
    (
        "plan",
        (
            r"\b(?:implementation of the |effective implementation of the |adopted a |signed a |a |the "
            r")?(?:roadmap|road map|action plan|master ?plan)\b(?: (?:for|on|to)\b)"
        ),
    ),
    ("plan", rf"\b(?:are|is) (?:working|moving|looking|preparing) (?:on \w+ing |{_TO}|towards )"),
    (
        "agreement",
        (
            rf"\b(?:agreed|agrees|agree|reached an? (?:agreement|understanding|consensus)|decided|resolved) "
            rf"(?:{_TO}|on (?:the |a |an )?\w+|that )"
        ),
    ),
    (
        "pledge",
        (
            rf"\b(?:pledg(?:e|es|ed|ing)|promis(?:e|es|ed)|vow(?:s|ed)?|undertook|undertakes|commit(?:s|"
            rf"ted)?(?: itself| themselves)?|guarantee[sd]?|offer(?:s|ed)?|earmark(?:s|ed)) (?:{_TO}|(?:to "
            rf"\w+ing)|a |an |another |up to |[\d$€£¥]|US)"
        ),
    ),
    (
        "pledge",
        (
            r"\b(?:[Ww]e|[Oo]ur country|[Ii]t|[Kk]azakhstan|[A-Z]\w+) (?:fully |also |strongly |will "
            r")?(?:support|stand ready)s? (?!by\b)(?=[A-Z“\w])"
        ),
    ),
    (
        "pledge",
        (
            rf"\b(?:is|are|was|were|stands?|remains?)(?: fully| always| also)? (?:ready|prepared|willing|"
            rf"committed) {_TO}"
        ),
    ),
    ("pledge", r"\b(?:commitment|readiness|willingness|determination) (?:to|for) (?=\w+)"),
    (
        "proposal",
        (
            rf"\b(?:propos(?:e|es|ed|ing)|suggest(?:s|ed|ing)?|recommend(?:s|ed)?|calls?|called|urg(?:e|es|"
            rf"ed)|invit(?:e|es|ed)) (?:for (?:the |a |an )?\w+|{_TO}|\w+ {_TO}|{_ING}|that|the \w+ing|the "
            rf"(?:creation|establishment|opening|launch|construction|introduction|expansion|development)|an? )"
        ),
    ),
    (
        "proposal",
        (
            rf"\b(?:made|put forward|presented|tabled|submitted)(?: \w+){{0,2}} proposals?\b|\bproposals? "
            rf"(?:{_TO}|for |on \w+ing|of )|\bhas(?: also)? been proposed\b|\bwas proposed\b|\bone of which "
            rf"is \w+ing\b"
        ),
    ),
    ("proposal", rf"\binitiatives? (?:{_TO}|for )"),
    ("proposal", r"\bextended an invitation\b|\binvited \w+"),
    (
        "proposal",
        (
            rf"\b(?:it is|is|considers? it|deemed it) (?:necessary|important|essential|crucial|vital|"
            rf"advisable)(?: for \w+)? {_TO}"
        ),
    ),
    ("proposal", rf"\b(?:need|needs|needed) {_TO}"),
    (
        "proposal",
        (
            rf"\b(?:interested in|interest in|opportunities for|ways (?:of|to)|prospects (?:for|of)|"
            rf"possibility of|emphasis on|talking about|discussed|importance of|explor(?:e|ed|ing)|"
            rf"consider(?:s|ed|ing)?)(?: the| a| an)? (?:further )?(?:{_ADVERB})(?:(?:{_ANY_VERB})\b|"
            rf"collaboration|creation|improvement|construction|opening|establishment|launch|expansion|"
            rf"development|implementation)"
        ),
    ),
    (
        "expectation",
        (
            rf"\b(?:is|are|was|were)(?: also| now| widely)? (?:expected|projected|forecast|forecasted|"
            rf"predicted|estimated|anticipated|likely|supposed|believed) (?:{_TO}|(?:increase|rise|grow|"
            rf"reach)\b)"
        ),
    ),
    (
        "expectation",
        (
            rf"\b(?:expect(?:s|ed)?|hope(?:s|d)?|anticipat(?:e|es|ed)|forecast(?:s)?|project(?:s|ed)|"
            rf"predict(?:s|ed)?)(?: that)? (?:(?:[\w’'-]+ ){{0,4}}?{_TO}|(?:[\w’'-]+ ){{1,5}}?will "
            rf"{_ADVERB}(?:be )?(?:{_ANY_VERB})\b|(?=[\d$€£¥]))"
        ),
    ),
    (
        "possibility",
        (
            rf"\b(?:could|may|might|would|can(?= (?:reach|grow|increase|rise|double|triple|exceed)\b)) "
            rf"(?!not\b|have\b|like|provide|also provide)(?:{_ADVERB})(?:be )?(?:{_ADVERB})(?:{_ANY_VERB})\b"
        ),
    ),
)


# One word at least of each trigger, in its order: a trigger is tried only where one of its words stands.
_NEEDED: tuple[tuple[str, ...], ...] = (
    ("aim", "target", "seek", "striv"),
    ("target", "goal", "objective"),
    ("goal", "target", "objective", "aim"),
    ("figures were",),
    ("plan", "inten", "prepar", "want", "wish", "propose"),
    ("plan", "intention"),
    ("set", "due", "schedul", "slated", "poised", "going", "planned", "earmark"),
    ("is ", "are "),
    ("will", "shall", "'ll", "’ll"),
    ("road", "plan"),
    ("working", "moving", "looking", "preparing"),
    ("agree", "consensus", "understanding", "decided", "resolved"),
    ("pledg", "promis", "vow", "undert", "commit", "guarantee", "offer", "earmark"),
    ("support", "stand ready", "stands ready"),
    ("ready", "prepared", "willing", "committed"),
    ("commitment", "readiness", "willingness", "determination"),
    ("propos", "suggest", "recommend", "call", "urg", "invit"),
    ("propos", "which is"),
    ("nitiative",),
    ("invit",),
    ("it is", "t is", "consider", "deemed"),
    ("need",),
    (
        "interest",
        "opportunit",
        "ways",
        "prospect",
        "possibilit",
        "emphasis",
        "talking",
        "discussed",
        "importance",
        "explor",
        "consider",
    ),
    ("expected", "project", "forecast", "predict", "estimat", "anticipat", "likely", "supposed", "believed"),
    ("expect", "hope", "anticipat", "forecast", "project", "predict"),
    ("could", "may", "might", "would", "can "),
)


_COMPILED: tuple[tuple[Modality, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (m, re.compile(p), needed) for (m, p), needed in zip(_TRIGGERS, _NEEDED, strict=True)
)


_NEGATED = re.compile(
    r"\b(?:not|no|never|without|denied|ruled out|neither|refused|failed|rejected|cancell?ed|"
    r"abandoned|declined|yet to|unlikely)(?: \w+){0,2} ?$",
    re.IGNORECASE,
)


_PAST_WILL = re.compile(r"\b(?:was|were|had) (?:planned|expected|scheduled|supposed|due)\b")


@dataclass(frozen=True, slots=True)
class Trigger:
    """Words that make a commitment, and the stretch of sentence that belongs to them."""

    modality: Modality
    start: int
    end: int
    first: int
    last: int


# "..., which is expected to be finished by 2030" only dates the promise before it.
_RELATIVE = re.compile(r"\b(?:which|that) (?:itself |also )?$")


def find_triggers(text: str, sentence: Sentence) -> list[Trigger]:
    """Return the triggers of a sentence, in order, each with its stretch; overlapping ones count once."""
    a, b = sentence.start, sentence.end
    hits: list[tuple[int, int, Modality]] = []
    words = text[a:b].lower()
    for modality, pattern, needed in _COMPILED:
        for word in needed:  # a plain loop: `any` with a generator takes three times as long
            if word in words:
                break
        else:
            continue
        for m in pattern.finditer(text, a, b):
            before = text[max(a, m.start() - 30) : m.start()]
            if (
                _NEGATED.search(before)
                or re.search(r"\b(?:political|free|good|people['’]?s?) $", before)
                or _rejected(text, m, sentence)
            ):
                continue
            hits.append((m.start(), m.end(), modality))
    hits.sort(key=lambda h: (h[0], -h[1]))
    kept: list[tuple[int, int, Modality]] = []
    for hit in hits:
        if kept and (hit[0] < kept[-1][1] + 12 or _RELATIVE.search(text[kept[-1][1] : hit[0]])):
            continue
        kept.append(hit)
    out = []
    for i, (start, end, modality) in enumerate(kept):
        first = kept[i - 1][1] if i else a
        last = kept[i + 1][0] if i + 1 < len(kept) else b
        out.append(Trigger(modality, start, end, first, last))
    return out


def _rejected(text: str, m: re.Match[str], sentence: Sentence) -> bool:
    words = m.group().lower()
    if words.startswith(("aimed at", "aiming at")) and not re.search(r"[\d$€]", text[m.end() : m.end() + 40]):
        return True
    if "support" in words and re.match(r"\s?(?:for|of)\b", text[m.end() : m.end() + 5]):
        return True
    if words.startswith("will") and re.search(
        r"\b(?:will|shall) (?:\w+ly )?(?:be )?(?:discuss|continue to support|take place as)", words
    ):
        return False
    if re.match(r"(?:is|are) to\b", words) and re.search(
        r"\b(?:aim|goal|purpose|task|objective|idea|priority) (?:is|are) $",
        text[max(sentence.start, m.start() - 20) : m.start() + 4],
    ):
        return False
    return words.startswith(("may ", "might ")) and text[m.start()].isupper()
