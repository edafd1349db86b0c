"""A reply cut into sentences and clauses, and what in a clause excuses its words: a question, a condition, a denial."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from agent.guard_claim_words import ClaimPattern
from agent.guard_known import Known
from agent.moments import Mention, mentions
from agent.moments_text import plain

# "Sí" is no "si", and "agendé" (I did) no "agende" (do!): these accents are kept as signs.
_DID = re.compile(r"(?<=\w\w\w)é(?!\w)", re.IGNORECASE)
# "Incluí" (I did) is no "inclui" (it comprises).
_DID_I = re.compile(r"(?<=clu)í(?!\w)", re.IGNORECASE)
_YES = re.compile(r"(?<!\w)sí(?!\w)", re.IGNORECASE)

# An emoji after words ends a sentence too. Not so a dot after "2 p.m.", nor after a number that opens a line of a list.
ENDS = re.compile(
    r"(?<!\b[ap]\.m)(?<!\n\d)(?<!\A\d)[.!?]+(?=[\s\"')*\]]|$|[^\w\s.,/])|\n"
    r"|(?<=[\w)] )[\u2600-\u27bf\U0001f300-\U0001faff]+(?=\s)"
    r"|(?<=\w )(?=(?:posso (?:te )?ajud|puedo ayud|can i help|mais alguma duvida|anything else))"
)
_CLAUSE = re.compile(r"[^,;:()]+")
_IDIOM = re.compile(
    r"\b(?:nao se preocup\w+|no te preocup\w+|no se preocup\w+|don't worry|no worries|sem problemas?|sin problemas?"
    r"|no problem|nao so|not only|no doubt|nada mais|sem duvida|sin duda|nao esquec\w+|don't forget|no olvid\w+"
    r"|nao tem erro)\b"
)
_DENIAL = re.compile(
    r"(?:\b(?:nao|nunca|nada|jamais|nem|nenhum\w*|ninguem|ningun\w*|nadie|tampouco|tampoco|not|never|nothing|none|nobody"
    r"|neither|cannot|(?:found|have|has|see|is|are|there's) no)\b|n't\b)(?:\W+[\w'^]+){0,5}\W*$"
)
_SPANISH_NO = re.compile(
    r"\bno (?:(?:se|te|le|me|la|lo|he|hemos|ha|ya|aun|todavia|esta|estan|queda|quedo|fue|tengo|tienes|hay|nada) ){0,3}$"
)
_INNER_DENIAL = re.compile(r"\b(?:nao|not|never|nothing|nada|no (?:se|te|le|va|vas|van|esta|fue|quedo|ha|he))\b|n't\b")
_LATER_DENIAL = re.compile(r"^ (?:nada|nothing|nenhum|ningun|anything|ninguem)\b")
# A slot that somebody else has is no claim.
_TAKEN = re.compile(
    r"^(?: \w+){0,2} (?:por|pelo|pela|by|para|com) (?:um |uma |un |una |an? )?(?:outr[oa]s?|otr[oa]s?|another|someone else"
    r"|somebody else)\b"
)
_CONDITION = re.compile(
    r"\b(?:se (?!agend|reserv|confirm|marc|cancel|encontra|ha |le |te |cambi|movi|reprogram)|si |if\b|caso|quando|cuando"
    r"|when\b|once\b(?! de)|assim que|logo que|as soon as|en cuanto|tan pronto|depois (?:de|que|da)|apos|after|despues de"
    r"|until|unless|ate que|hasta que|uma vez|una vez|antes d[eao]|before|para que|quer que|quiera que|quieres que"
    r"|gostaria que|prefere que|basta|so falta)"
)
_FOLLOWING_CONDITION = re.compile(
    r"\b(?:se (?:voce|o|a|quiser|confirm|escolh)|si |if |assim que|quando|cuando|when |once |as soon as|en cuanto"
    r"|depois que|after you|until)"
)
_NEAR = 300  # characters around a claim that can deny or condition it; bounds the work on long texts
_TOLD = re.compile(
    r"\b(?:voce )?(?:sabia|viu|lembra|notou|sabias|viste|recuerdas|did you (?:know|see|notice)|do you remember)(?: que"
    r"| that)? (?=\w)"
)
_TAG = re.compile(
    r",? (?:ok|okay|ta|ta bom|tudo bem|beleza|viu|vale|alright|blz|combinado|all right|de acuerdo|ne|hein|hem"
    r"|ta bem)\W*\?+\W*$"
)


def signed(reply: str) -> str:
    """The reply as `plain` writes it, with "sí" and the "é" of Spanish deeds kept apart: "sim", "agende^", "inclui^"."""
    return plain(_YES.sub("sim", _DID.sub("e^", _DID_I.sub("i^", reply))))


@dataclass(frozen=True)
class Clause:
    """A stretch between commas, and what of its sentence stands before it."""

    text: str
    before: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of a reply.

    Attributes:
        text: Its words as `signed` writes them, with what ends it.
        opens_line: Whether it is the first of its line.
        known: What is known; decides what "amanhã" is.
    """

    text: str
    opens_line: bool
    known: Known

    @cached_property
    def mentions(self) -> list[Mention]:
        """The days and hours it names; parts of the day alone do not count."""
        now = self.known.local_now
        return [m for m in mentions(self.text, now) if m.names_day or m.times] if now else []

    @property
    def asks(self) -> bool:
        return "?" in self.text

    @cached_property
    def clauses(self) -> list[Clause]:
        """What it states, in clauses; a question states only what stands before it."""
        stated = _IDIOM.sub(" ", self.text)
        if stated.rstrip(" )\"'\n").endswith("?"):
            stated = _stated_part(stated)
        return [Clause(part[0], stated[: part.start()]) for part in _CLAUSE.finditer(stated)]


def sentences(reply: str, known: Known) -> list[Sentence]:
    """The sentences of a reply, in order. A line's end ends a sentence."""
    return list(_cut(signed(reply), known))


def _cut(text: str, known: Known) -> Iterator[Sentence]:
    start, opens_line = 0, True
    for end in [*(match.end() for match in ENDS.finditer(text)), len(text)]:
        piece = text[start:end]
        if piece.strip():
            yield Sentence(piece, opens_line, known)
        opens_line = piece.endswith("\n") if piece.strip() else opens_line or piece.endswith("\n")
        start = end


def is_excused(clause: Clause, match: re.Match[str], pattern: ClaimPattern) -> bool:
    """Whether the words are denied, stand under a condition, or are about any meeting."""
    before, after = clause.text[max(0, match.start() - _NEAR) : match.start()], clause.text[match.end() : match.end() + _NEAR]
    if _LATER_DENIAL.match(after) or _TAKEN.match(after):
        return True
    if not pattern.holds_denial and (_DENIAL.search(before) or _SPANISH_NO.search(before) or _INNER_DENIAL.search(match[0])):
        return True
    if pattern.unless_after and re.search(rf"\b{pattern.unless_after}\W*$", before):
        return True
    if pattern.is_past_deed:  # "Se tiver dúvidas me chame, já marquei" claims all the same
        return _CONDITION.search(before) is not None
    # A colon ends what a condition governs.
    governed = re.split(r"[:;]", clause.before[-_NEAR:])[-1]
    return bool(_CONDITION.search(governed + before) or _FOLLOWING_CONDITION.search(after))


def _stated_part(question: str) -> str:
    """What a question states: before "¿", before a tag ("marquei sua visita, ok?"), or after "sabia que"; else nothing."""
    if told := _TOLD.search(question):
        return question[told.end() :]
    if tag := _TAG.search(question):
        return question[: tag.start()]
    return question.partition("¿")[0] if "¿" in question else ""
