"""What is said of the meeting besides its time: whose it is, where, in which time zone; and how much is said to be free."""

import re
from collections.abc import Iterator
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from agent.guard_claim_words import MEETING
from agent.guard_clauses import Sentence, sentences
from agent.guard_known import Known
from agent.guard_speech import DENIES, WISHES, offers
from agent.moments import mentions
from agent.moments_text import plain

_ZONE = 'it tells the time in another time zone than the business\'s: "{}"'
_PART = 'it names a part of the day in which the meeting is not: "{}"'
_SELLER = 'it names another seller than the meeting\'s: "{}"'
_PLACE = 'it names a place or a way of meeting that the business file does not give: "{}"'
_ALL_FREE = 'it says that any time is free: offer only what check_availability returned: "{}"'

_ABROAD = {
    "lisboa": "Europe/Lisbon", "portugal": "Europe/Lisbon", "londres": "Europe/London", "nova york": "America/New_York",
    "nueva york": "America/New_York", "ny": "America/New_York", "paris": "Europe/Paris", "madri": "Europe/Madrid",
    "espanha": "Europe/Madrid", "españa": "Europe/Madrid", "acre": "America/Rio_Branco", "amazonas": "America/Manaus",
    "mexico": "America/Mexico_City", "chile": "America/Santiago", "colombia": "America/Bogota", "peru": "America/Lima",
    "mato grosso": "America/Cuiaba", "miami": "America/New_York", "toquio": "Asia/Tokyo",
}  # fmt: skip
_OFFSETS = {"utc": 0, "gmt": 0, "wet": 0, "est": -5, "edt": -4, "cst": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2, "bst": 1}
_TIME_OF = re.compile(
    r"\b(?:horario|hora|fuso|time|zona)(?: horario| horaria| local| zone)? (?:de|do|da|of|in|del) (\w+)(?: (\w+))?"
)
_CITY_TIME = re.compile(r"\b(\w+)(?: (\w+))? time\b")
_ABBREVIATED = re.compile(rf"\d ?(?:h|hs|hrs|am|pm)?,? ?\(?({'|'.join(_OFFSETS)})\b ?([+-] ?\d{{1,2}})?")
_OF_THE_VISIT = re.compile(
    rf"\b(?:(?:sua|seu|tua|tu|su|your|a|o|la|el|the|nossa|nosso|nuestra|our) {MEETING}|it)(?: tecnica)?"
    r"(?:'s| (?:eh|es|is|sera|vai ser|fica|ficou|esta (?:marcad|agendad|confirmad)\w+|queda|quedo|will be|va a ser)\b)"
)
_VISITS = (
    r"(?:vai|vao|va|ira|passa|pasa|chega|llega|vem|viene|visita|visits?|comes?|will (?:come|visit|be there)"
    r"|atende|te visita|te atende)"
)
_ELSEWHERE = re.compile(
    r"\b(?:por (?:video\w*|telefone|telefono|ligacao|chamada|zoom|meet|whatsapp|llamada)|(?:por|em) "
    r"(?:video)?(?:chamada|conferencia)"
    r"|on-?line|virtual|remot[oa]|aa distancia|(?:n[oa]|em|en) (?:nosso|nossa|nuestr[oa]|el|la|o|a) (?:escritorio"
    r"|loja|sede|oficina"
    r"|tienda|showroom)|(?:at|in) our (?:office|shop|store|showroom)|by (?:phone|video)|over (?:the phone|zoom|video)"
    r"|(?:video|phone|zoom)"
    r" call)\b"
)
_WITH = re.compile(r"\b(?:com|con|with) (?:o |a |el |la )?(?P<name>\w+)")
_CAPITALISED = re.compile(r"(?<=\s)[A-ZÀ-Ý][a-zà-ÿ]+")
_NOT = re.compile(r"\b(?:nao|not|no (?:es|sera|va|fue|te|se))\b|n't\b")
_ANY_TIME = re.compile(
    r"\b(?:qualquer (?:horario|hora|dia|um)|cualquier (?:horario|hora|dia)|any ?(?:time|day|hour|slot)|a semana (?:toda|inteira)"
    r"|toda la semana|the whole week|all week|tod[oa]s? (?:os |as |los |las |o |el )?(?:horarios?|dias?|tardes?|manhas?)"
    r"|(?:every|all) (?:days?|times?|slots?|afternoons?|mornings?)|o dia (?:todo|inteiro)|all day|todo el dia)\b"
)
_IS_FREE = re.compile(
    r"\b(?:livres?|libres?|free(?! of charge)|available|disponive\w+|disponibles?|vagas?|temos|tenho|tengo|tenemos"
    r"|have|has|open|abert[oa]s?|da\b"
    r"|pode(?! (?:\w+ )?(?:remarc|mud|cham|cancel|desmarc|escrev|mand|pergunt|troc|fal))"
    r"|consigo|atendemos|works?)\b"
)


def unknown_circumstances(reply: str, original: str, known: Known) -> list[str]:
    """Objections to zones, sellers, places and parts of the day that are not the meeting's, and to times free without limit.

    Args:
        original: The reply with its capitals: they tell a name.
    """
    found = []
    for part in sentences(reply, known):
        if part.asks:
            continue
        found += [*_zones(part), *_any_time(part), *_of_the_visit(part), *_sellers(part, original)]
    return found


def _zones(part: Sentence) -> Iterator[str]:
    now = part.known.local_now
    if now is None or not part.mentions:
        return
    own = now.utcoffset()
    places = [*_TIME_OF.finditer(part.text), *_CITY_TIME.finditer(part.text)]
    for match in places:
        zone = _cities().get(f"{match[1]} {match[2]}") or _cities().get(match[1]) or _cities().get(match[2] or "")
        if zone and now.astimezone(ZoneInfo(zone)).utcoffset() != own:
            yield _ZONE.format(match[0])
    for match in _ABBREVIATED.finditer(part.text):
        hours = _OFFSETS[match[1]] + int((match[2] or "0").replace(" ", ""))
        if own is None or hours * 3600 != own.total_seconds():
            yield _ZONE.format(match[0])


@cache
def _cities() -> dict[str, str]:
    return {
        name.rpartition("/")[2].replace("_", " ").lower(): name for name in sorted(available_timezones()) if "/" in name
    } | _ABROAD


def _any_time(part: Sentence) -> Iterator[str]:
    match = _ANY_TIME.search(part.text)
    if not match or not _IS_FREE.search(part.text) or DENIES.search(part.text) or WISHES.search(part.text):
        return
    if match[0] not in plain(part.known.own_words) and _IS_FREE.search(
        part.text[: match.start()][-40:] + part.text[match.end() :][:30]
    ):
        yield _ALL_FREE.format(match[0])


def _of_the_visit(part: Sentence) -> Iterator[str]:
    known, said = part.known, _OF_THE_VISIT.search(part.text)
    if not said or DENIES.search(part.text) or _NOT.search(part.text):
        return
    place = _ELSEWHERE.search(part.text[said.end() :])
    if place and not known.links and place[0] not in plain(known.own_words):
        yield _PLACE.format(place[0])
    now = known.local_now
    if known.booked and known.meeting_at and now and not offers(part.text):
        begins = known.meeting_at.astimezone(known.zone)
        for mention in mentions(part.text[said.end() :], now):
            if mention.part_of_day and not mention.times and begins.hour not in mention.part_of_day.hours:
                yield _PART.format(mention.text)


def _sellers(part: Sentence, original: str) -> Iterator[str]:
    known = part.known
    if not (known.booked and known.seller):
        return
    own, others = plain(known.seller), {plain(name) for name in known.people} - {plain(known.seller)}
    names = "|".join(re.escape(name) for name in sorted(others))
    if names and not _NOT.search(part.text):
        going = re.search(
            rf"\b(?:{names})\b(?: \w+){{0,2}}? {_VISITS}\b|\b(?:quem (?:vai|te visita) eh|quien va es) "
            rf"(?:o |a )?(?:{names})\b",
            part.text,
        )
        if going:
            yield _SELLER.format(going[0])
    said = _OF_THE_VISIT.search(part.text)
    for match in _WITH.finditer(part.text[said.end() :] if said else ""):
        name = match["name"]
        is_name = name in others or any(plain(word) == name for word in _CAPITALISED.findall(original))
        if is_name and name != own:
            yield _SELLER.format(match[0])
