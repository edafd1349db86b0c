"""Claims of deeds in a reply: booked, moved, cancelled, a person called, link saved, message sent. Three languages.

A claim is a statement. Questions, offers, conditions and denials are told apart by the clause in which the words stand.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from agent.guard_claim_words import MEETING, PLACE, ClaimPattern, person
from agent.guard_clauses import Clause, Sentence, is_excused, sentences
from agent.guard_known import Known
from agent.guard_speech import COMFORT
from agent.guard_words_booked import BOOKED
from agent.guard_words_ceased import CEASED, NOT_THERE
from agent.guard_words_changed import CHANGED
from agent.guard_words_deeds import DEEDS
from agent.guard_words_others import OTHERS
from agent.guard_words_people import PEOPLE
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
    "reminds": "it promises a reminder, and none will be sent",
    "never": "it says something that no tool can do or know: e-mails, calls, payments, approvals, who is on the way",
    "unbooked": "it says that nothing is booked, but the customer has a meeting: call get_meeting",
    "will": "it promises to do something after this reply, when nothing is done any more: call the tool now",
    "done": "it says that something is done, but nothing was since the customer wrote: call the tool first",
    "agreed": "it says that something is agreed, but nothing is: call the tool first",
    "else": "it says that something was done which no tool does",
    "opted_out": "it says that the customer gets no more messages, but that is not on record: tell them to write only "
    "the word STOP",
}
PATTERNS = (*BOOKED, *CHANGED, *CEASED, *PEOPLE, *OTHERS)

_TICK = re.compile(r"[✅☑✔]")
_DONE = (
    r"(?:pront(?:o|inho|issimo)|feit(?:o|inho)|tudo (?:certo|certinho|resolvido|feito|pronto|ok)|(?:ya|ja) (?:quedo|ficou"
    r"|foi|esta|ta)|resolvid(?:o|inho)|missao cumprida|list(?:o|ito)|(?:esta )?todo (?:listo|hecho|en orden|arreglado"
    r"|resuelto)|hecho|done|all done|all set|sorted|all sorted|(?:you|we)(?:'re| are) (?:all )?(?:set|good)|it's done"
    r"|esta feito|ta feito|dito e feito|(?:considere|considera|considerate) (?:feito|hecho)|esta resolvido|esta hecho"
    r"|fechad(?:o|inho|issimo)|fechou|trato hecho|deal|combinadissimo)"
)
# Of these a standing meeting is enough; the others tell of a deed.
_AGREED = re.compile(
    r"\b(?:tudo (?:certo|certinho|ok)|todo (?:listo|en orden|arreglado)|all set|sorted|(?:you|we)(?:'re| are) (?:all "
    r")?(?:set|good)"
    r"|fechad\w+|fechou|trato hecho|deal|combinad\w+)\b"
)
_RESOLVED = re.compile(r"\b(?:resolv|resuelt|missao|sorted)\w*")
_TICK_WORDS = re.compile(rf"\b(?:{_DONE}|{MEETING})\b")
_NODS = (
    r"(?:(?:perfeito|perfecto|perfect|otimo|legal|show|maravilha|beleza|blz|certo|ok|okay|sim|si|yes|great|genial|super"
    r"|excelente|excellent|awesome|isso|ja|ya|entao|entonces|esta|ta|oba|eba|uhul|opa|agora sim|tranquil[oa]|calma|relaxa"
    r"|pode deixar|fica tranquil[oa])\W+){0,3}"
)
# What a deed is done to; a noun of ours or a pronoun leaves open that a tool did it.
_OBJECT = re.compile(
    r" (?:(?:ja|ya|aqui|agora|tambem|also|already|now|para|pra) )*(?:voce |vc )?(?:a|o|as|os|sua|seu|suas|seus|tua"
    r"|teu|uma?|tu|tus|su"
    r"|la|el|los|las|una?|the|your|an?|nossa|nosso|our|mais uma?) (?:nov[oa] |new |tecnica )?(?P<noun>\w+)"
)
_OURS = re.compile(
    rf"(?:{PLACE}|mudanca|troca|alteracao|cambio|change|pedido|solicitacao|request|resto|rest|que|gente|voce|vc)s?\b"
)
# A sentence that is nothing but "Prontinho, Maria!".
_DONE_ALONE = re.compile(rf"^\W*{_NODS}{_DONE}(?:,? (?!para|pra|for|em|in|with|com|de|se|si|if|quando)[\w']+){{0,2}}\W*$")
# The reply goes on to what is still to be settled, or the thing done was writing something down.
_GOES_ON = re.compile(
    r"\b(?:anot\w+|registr\w+|apunt\w+|noted|agora (?:me|preciso|so falta)|tenho|tengo|i have|opc\w+|options?)\b"
)
# What is promised waits for something: "me diz qual prefere que eu já agendo".
_WAITS = re.compile(
    r"\b(?:let me know|tell me|me (?:diz|diga|fala|fale|avisa|avise|responde|responda)|dime|avisame|responda|escolh\w+"
    r"|elij\w+|elige|choose|pick|preciso|necesito|i need|opc\w+|options?|horarios)\b"
)
_ASKS_ELSE = re.compile(
    r"\b(?:ajud\w+|ayud\w+|help|mais alg\w+|algo mais|algo mas|anything|else|duvidas?|dudas?|questions?|endereco|direccion"
    r"|address)\b"
)
# Nothing is said to be booked while something is.
_NOTHING_BOOKED = re.compile(
    rf"\b(?:nao|nunca) (?:\w+ ){{0,2}}?(?:ha|tem|tenho|temos|existe|consta|encontrei|achei|vejo"
    rf"|localizei) (?:\w+ ){{0,2}}?(?:nenhum\w* )?(?:{MEETING}|nada marcado)\b(?! livre)|\b(?:sua|tu"
    rf"|su) {MEETING}(?: \w+){{0,2}}? (?:nao|no) (?:\w+ )?(?:esta|foi|ficou|quedo|fue)(?: \w+)? (?:marcad|agendad"
    r"|confirmad)|\b(?:nada|nothing)(?: \w+){0,3}? (?:marcado|agendado|reservado|booked|scheduled)"
    rf"|\bno (?:\w+ ){{0,2}}?(?:tienes|tiene|hay|encontre|encuentro|veo) (?:\w+ )?(?:ninguna? )?{MEETING}(?! libre"
    rf"| disponible)|\b(?:you (?:don't|do not) have|you have no|there is no|there's no|found no|no|isn't any) (?:an? "
    rf"|any )?(?:{MEETING}) "
    r"(?:booked|scheduled|on|under|yet|with)|\byou (?:don't|do not) have (?:an?y? )?(?:meeting|visit|appointment)"
)
_ON_CONDITION = re.compile(
    r"\W*(?:(?:mas|pero|but|e|y|and|ok|claro|certo) )?(?:se|si|if|caso|quando|cuando|when) (?!preocup|acalm|tranquil|ja\b)"
)
_ELSE = re.compile(
    r"\b(?:outr[oa]s?|nov[oa]s?|mais|otr[oa]s?|nuev[oa]s?|another|other|else|new|more|mas|domingo|livre|com (?:a|o) \w+)\b"
)


def false_claims(reply: str, known: Known) -> list[str]:
    """Objections to claims that are not true, in a fixed order."""
    parts = sentences(reply, known)
    found = {facts[0] for sentence in parts for facts in claims_of(sentence) if not any(_is_true(fact, known) for fact in facts)}
    if any(_WAITS.search(part.text) or asks_on(part) for part in parts):
        found.discard("will")  # "vou agendar: qual horário prefere?"
    found |= {fact for fact in _ticked(reply, known) | _done(parts) | _unbooked(parts, known) if not _is_true(fact, known)}
    tells_of_a_call = any("handed_off" in facts for part in parts for facts in claims_of(part))
    if tells_of_a_call and "handed_off" in known.deeds_now and not any(_RESOLVED.search(part.text) for part in parts):
        found.discard("done")  # "Prontinho! A Ana te chama": the deed is the call
    return [why for fact, why in _WHY.items() if fact in found]


def claims_of(sentence: Sentence) -> Iterator[tuple[str, ...]]:
    """What a sentence claims, true or not: for each claim the facts of which one must be so."""
    people = person(tuple(sorted({plain(name) for name in sentence.known.people if name})))
    for clause in sentence.clauses:
        told = {p.facts for p in PATTERNS for _ in _said(clause, p, people, names_moment=bool(sentence.mentions))}
        yield from told or {
            ("else",) if p.is_of_the_meeting and _is_of_something_else(clause, match) else p.facts
            for p in DEEDS
            for match in _said(clause, p, people, names_moment=False)
        }


def _said(clause: Clause, pattern: ClaimPattern, people: str, *, names_moment: bool) -> Iterator[re.Match[str]]:
    """Where the clause claims it."""
    if pattern.needs_moment and not names_moment:
        return
    for match in _compiled(pattern.words, people).finditer(clause.text):
        if not is_excused(clause, match, pattern):
            yield match


def _is_of_something_else(clause: Clause, deed: re.Match[str]) -> bool:
    """Whether what was done was done to a thing that no tool touches: "autorizei o desconto"."""
    thing = _OBJECT.match(clause.text[deed.end() :])
    return thing is not None and not _OURS.match(thing["noun"])


def _is_true(fact: str, known: Known) -> bool:
    if fact == "agreed":
        return known.booked or bool(known.deeds_now)
    if fact == "done":
        return bool(known.deeds_now - {"handed_off"})
    if fact == "will":
        return bool(known.deeds_now)
    if fact == "else":
        return False
    return fact not in ("never", "unbooked") and bool(getattr(known, fact))


@lru_cache(maxsize=512)
def _compiled(words: str, people: str) -> re.Pattern[str]:
    return re.compile(words.replace("PERSON", people))


def _done(parts: list[Sentence]) -> set[str]:
    """A bare "prontinho" with nothing after it that is still to be settled says that all is done."""
    goes_on = any(_GOES_ON.search(part.text) or asks_on(part) for part in parts)
    alone = [part.text for part in parts if _DONE_ALONE.match(COMFORT.sub("", part.text))] if not goes_on else []
    return {"agreed" if _AGREED.search(text) else "done" for text in alone}


def asks_on(part: Sentence) -> bool:
    """Whether it asks for something that is still needed; "posso ajudar em mais alguma coisa?" does not."""
    return part.asks and not _ASKS_ELSE.search(part.text)


def _unbooked(parts: list[Sentence], known: Known) -> set[str]:
    """Said to have no meeting, a customer who has one would book twice, or not come."""
    stated = [part for part in parts if not part.asks] if known.booked else []
    denied = (part for part in stated if _NOTHING_BOOKED.search(part.text) and not _ELSE.search(part.text))
    return {"unbooked"} if any(denied) or any(map(_takes_it_away, stated)) else set()


def _takes_it_away(part: Sentence) -> bool:
    """Whether it says that the meeting is not there, or that nobody comes: then, or without telling when."""
    if _ON_CONDITION.match(part.text):
        return False
    people = person(tuple(sorted({plain(name) for name in part.known.people if name})))
    taken = (c for c in part.clauses if any(_compiled(words, people).search(c.text) for words in NOT_THERE))
    begins, now = part.known.meeting_at, part.known.local_now
    for clause in taken:
        named = [m for m in mentions(clause.text, now) if m.names_day or m.times] if now else []
        if begins is None or not named or any(mention.fits(begins.astimezone(part.known.zone)) for mention in named):
            return True
    return False


def _ticked(reply: str, known: Known) -> set[str]:
    """A tick beside a day, an hour or a meeting says that it is settled."""
    now = known.local_now
    for line in reply.splitlines():
        text = plain(line)
        if not _TICK.search(text) or (text.rstrip().endswith("?") and not _ASKS_ELSE.search(text)):
            continue
        if now and any(m.names_day or m.times for m in mentions(line, now)):
            is_else = re.search(r"cancel|desmarc|anul|remarc|reagend|moved|new time|nov[oa]|nuev[oa]", text)
            return {"done"} if is_else else {"booked"}
        if _TICK_WORDS.search(text):
            return {"done"}
    return set()
