"""Claims of deeds in a reply: booked, moved, cancelled, a person called, link saved, message sent. Three languages.

A claim is a statement. Questions, offers, conditions and denials are told apart by the clause in which the words stand.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agent.guard_claim_words import MEETING, PATTERNS, person
from agent.guard_known import Known
from agent.moments import mentions
from agent.moments_text import plain

_WHY = {
    "booked": "it says that a meeting is booked, but none is: call create_meeting first",
    "moved": "it says that the meeting was moved, but it was not: call reschedule_meeting first",
    "cancelled": "it says that the meeting was cancelled, but it was not: call cancel_meeting first",
    "handed_off": "it says that a person was called, but nobody was: call hand_off_to_seller first",
    "link_saved": "it says that the link was saved, but it was not: call save_link_to_kommo first",
    "notified": "it says that a confirmation was sent, but none was: call notify_client first",
    "completed": "it says that a meeting took place, but none did",
    "no_show": "it says that the customer missed a meeting, which is not known",
    "never": "it says something that no tool can do or know: e-mails, calls, payments, approvals",
    "done": "it says that something is done, but nothing was: call the tool first",
}
_DEEDS = ("booked", "moved", "cancelled", "handed_off")

# "Sí" is no "si", and "agendé" (I did) no "agende" (do!): these accents are kept as signs.
_DID = re.compile(r"(?<=\w\w\w)é(?!\w)", re.IGNORECASE)
_YES = re.compile(r"(?<!\w)sí(?!\w)", re.IGNORECASE)

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+|\n|$)|\n")
_CLAUSE = re.compile(r"[^,;:()]+")
_IDIOM = re.compile(
    r"\b(?:nao se preocup\w+|no te preocup\w+|no se preocup\w+|don't worry|no worries|sem problemas?"
    r"|sin problemas?|no problem|nao so|not only|no doubt"
    r"|nada mais|sem duvida|sin duda|nao esquec\w+|don't forget|no olvid\w+|nao tem erro)\b"
)
_DENIAL = re.compile(
    r"(?:\b(?:nao|nunca|nada|jamais|nem|nenhum\w*|ninguem|ningun\w*|nadie|tampouco|tampoco|not|never"
    r"|nothing|none|nobody|neither|cannot)\b|n't\b)(?:\W+[\w'^]+){0,5}\W*$"
)
_SPANISH_NO = re.compile(r"\bno (?:(?:se|te|le|me|la|lo|he|hemos|ha|ya|aun|todavia) ){0,2}$")
_INNER_DENIAL = re.compile(r"\b(?:nao|not|never|nothing|nada|no (?:se|esta|fue|quedo|ha|he))\b|n't\b")
_LATER_DENIAL = re.compile(r"^ (?:nada|nothing|nenhum|ningun|anything|ninguem)\b")
_CONDITION = re.compile(
    r"\b(?:se (?!agend|reserv|confirm|marc|cancel|encontra|ha |le |te |cambi|movi|reprogram)|si |if\b|caso"
    r"|quando|cuando|when\b|once\b(?! de)|assim que|logo que|as soon as|en cuanto|tan pronto"
    r"|depois (?:de|que|da)|apos|after|despues de|until|unless|ate que|hasta que|uma vez|una vez"
    r"|antes d[eao]|before|para que|quer que|quiera que|quieres que|gostaria que|prefere que|basta"
    r"|so falta)"
)
_FOLLOWING_CONDITION = re.compile(
    r"\b(?:se (?:voce|o|a|quiser|confirm|escolh)|si |if |assim que|quando|cuando|when |once |as soon as"
    r"|en cuanto|depois que|after you|until)"
)
_NEAR = 300  # characters around a claim that can deny or condition it; bounds the work on long texts
_TAG = re.compile(r",? (?:ok|okay|ta|ta bom|tudo bem|beleza|viu|vale|alright|blz|combinado|all right|de acuerdo)\W*\?+\W*$")
_TICK = re.compile(r"[✅☑✔]")
_TICK_WORDS = re.compile(rf"\b(?:pronto|prontinho|feito|tudo certo|listo|hecho|done|all set|{MEETING})\b")


@dataclass(frozen=True)
class _Clause:
    """A stretch between commas, and what of its sentence stands before it."""

    text: str
    before: str
    sentence: str
    names_moment: bool


def false_claims(reply: str, known: Known) -> list[str]:
    """Objections to claims that are not true, in a fixed order."""
    clauses = list(_clauses(reply, known))
    people = person(tuple(sorted({plain(name) for name in known.people if name})))
    found = {fact for clause in clauses for fact in _claimed(clause, people, known)}
    found |= _ticked(reply, known)
    return [why for fact, why in _WHY.items() if fact in found and not _is_true(fact, known)]


def _is_true(fact: str, known: Known) -> bool:
    if fact == "done":
        return any(getattr(known, deed) for deed in _DEEDS)
    return fact != "never" and bool(getattr(known, fact))


def _claimed(clause: _Clause, people: str, known: Known) -> Iterator[str]:
    for pattern in PATTERNS:
        if pattern.needs_moment and not clause.names_moment:
            continue
        for match in _compiled(pattern.words, people).finditer(clause.text):
            if not _is_excused(clause, match, pattern.is_past_deed, pattern.holds_denial):
                if not any(_is_true(fact, known) for fact in pattern.facts):
                    yield pattern.facts[0]
                break


@lru_cache(maxsize=512)
def _compiled(words: str, people: str) -> re.Pattern[str]:
    return re.compile(words.replace("PERSON", people))


def _is_excused(clause: _Clause, match: re.Match[str], is_past_deed: bool, holds_denial: bool) -> bool:
    """Whether the words are denied or stand under a condition."""
    before, after = clause.text[max(0, match.start() - _NEAR) : match.start()], clause.text[match.end() : match.end() + _NEAR]
    if _DENIAL.search(before) or _SPANISH_NO.search(before) or _LATER_DENIAL.match(after):
        return True
    if not holds_denial and _INNER_DENIAL.search(match[0]):
        return True
    if is_past_deed:  # "Se tiver dúvidas me chame, já marquei" claims all the same
        return _CONDITION.search(before) is not None
    # A colon ends what a condition governs.
    governed = re.split(r"[:;]", clause.before[-_NEAR:])[-1]
    return bool(_CONDITION.search(governed + before) or _FOLLOWING_CONDITION.search(after))


def _clauses(reply: str, known: Known) -> Iterator[_Clause]:
    text = unicodedata.normalize("NFC", reply)
    text = plain(_YES.sub("sim", _DID.sub("e^", text)))
    for match in _SENTENCE.finditer(text):
        sentence = _IDIOM.sub(" ", match[0])
        if sentence.rstrip(" )\"'").endswith("?"):
            sentence = _stated_part(sentence)
        now = known.local_now
        names_moment = bool(now and any(m.names_day or m.times for m in mentions(match[0], now)))
        for part in _CLAUSE.finditer(sentence):
            yield _Clause(part[0], sentence[: part.start()], sentence, names_moment)


def _stated_part(question: str) -> str:
    """What a question states: before "¿", or before a tag ("marquei sua visita, ok?"); else nothing."""
    if tag := _TAG.search(question):
        return question[: tag.start()]
    return question.partition("¿")[0] if "¿" in question else ""


def _ticked(reply: str, known: Known) -> set[str]:
    """A tick beside a day, an hour or a meeting says that it is settled."""
    now = known.local_now
    for line in reply.splitlines():
        text = plain(line)
        if not _TICK.search(text) or text.rstrip().endswith("?"):
            continue
        if now and any(m.names_day or m.times for m in mentions(line, now)):
            is_else = re.search(r"cancel|desmarc|anul|remarc|reagend|moved|new time|nov[oa]|nuev[oa]", text)
            return {"done"} if is_else else {"booked"}
        if _TICK_WORDS.search(text):
            return {"done"}
    return set()
