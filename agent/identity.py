"""The agent never passes for a person: recognises the question and the lie, in our three languages. By code, not by trust."""

import re
from collections.abc import Sequence

from meetings.business import Company
from meetings.introduction import says_it_is_a_machine
from meetings.qualification import fold
from prompts.catalogue import Catalogue


def _one_of(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


# All patterns are for text after `fold`: lower case, no accents, straight quotes.
_A = (
    r"(?:(?:uma?|una?|an?|the|algum|alguma|nenhum|nenhuma|ningun|ninguna"
    r"|mesmo|mesma|tambem|also|really|actually|realmente|just|only|so) )*"
)
_MACHINE = _one_of(
    *("robos?", "robots?", r"(?:chat ?)?bots?", "maquinas?", "machine", "computador", "computadora", "computer", "ia", "ai"),
    *("inteligencia artificial", "artificial intelligence", r"automatic[oa]", "automated", "automatizad[oa]"),
    *("assistente virtual", "asistente virtual", "virtual assistant"),
)
_REALLY = _one_of("de verdade?", "de carne e osso", "de carne y hueso", "flesh and blood", "real(?! estate)")
_PERSON = _one_of(
    *("(?:real |actual |live |human )*(?:person|human being|human)", "ser humano", "humano", "humana", "gente(?! da| do)"),
    *("pessoas?", "personas?"),
)
_WHO = rf"(?:{_PERSON}(?: {_REALLY}| humana)?|{_REALLY})"
_EITHER = rf"{_A}(?:{_MACHINE}|{_WHO})(?!\w)"
_TALKING = _one_of("falando", "conversando", "teclando", "hablando", "charlando", "talking", "speaking", "chatting", "texting")
_WITH = "(?:com|con|to|with)"

# "vc é um robô?", "tô falando com gente?", "robô ou pessoa?"; a wish to talk to a person is none of these.
_QUESTION = re.compile(
    "|".join(
        [
            rf"\b(?:voce|vc|tu) (?:e|eh|es) {_EITHER}",
            rf"\b(?:isso|isto|aqui|ai) (?:e|eh) {_A}(?:{_MACHINE}|{_PERSON})(?!\w)",
            (
                r"\b(?:voce|vc|tu|isso|isto|eres|sos|you|this)(?: (?:e|eh|es|is|are))? (?:o |a |el |la )?(?:chat ?gpt|gpt"
                r"|gemini|alexa|siri"
                r"|openai|copilot|claude)(?!\w)"
            ),
            rf"\b(?:eres|sos|es usted|usted es) {_EITHER}",
            rf"\b(?:esto|este) es {_A}(?:{_MACHINE}|{_PERSON})(?!\w)",
            rf"\b(?:are|r) (?:you|u) {_EITHER}",
            rf"\b(?:you're|you are|ur|is this|is it) {_EITHER}[^.!]*\?",
            rf"\b(?:{_TALKING}|falo|hablo) {_WITH} {_EITHER}",
            rf"\b{_MACHINE} (?:ou|o|or) {_A}{_WHO}(?!\w)",
            rf"\b{_WHO} (?:ou|o|or) {_A}{_MACHINE}(?!\w)",
            rf"(?:^|[.,!?]|\b(?:mas|entao|pero|entonces|but|so))\W*(?:(?:e|eh|es) )?{_EITHER}(?: isso| isto| ai| aqui)?\W*\?",
        ]
    )
)
_NOT = "".join(f"(?<!{word} )" for word in ("nao", "nunca", "nem", "ni", "not", "no", "never"))
_I_AM = r"(?:sou|somos|soy|i'm|i am|we're|we are|aqui (?:e|eh)|(?<!\w )quem (?:fala|escreve) (?:e|eh)|quien escribe es)"
# "Sou a Clara, …, uma pessoa real" claims; "sou assistente virtual, mas chamo uma pessoa real" does not.
_NAME = r"(?:(?!assist|virtual|rob|bot\b|cham|prefer|qu[ei]|fal|habl|llam|nao\b|not\b|no\b|mas\b|but\b|pero\b|can\b)[^.!?]){0,40}"
_ROLE = (
    r"(?:vendedora?|atendente|funcionari[oa]|colaboradora?|consultora?|asesora?|emplead[oa]|empregad[oa]|employee|seller|salesperson"
    r"|sales ?rep|representante|staff|estagiari[oa]|gerente)"
)
_CLAIM = re.compile(
    "|".join(
        [
            rf"{_NOT}\b{_I_AM} {_A}{_WHO}(?!\w)",
            rf"{_NOT}\b{_I_AM} {_NAME}\b{_PERSON} (?:{_REALLY}|humana)(?!\w)",
            # "Sou a Clara, vendedora da Sol Claro"; "sou uma atendente virtual" does not claim.
            (
                rf"{_NOT}\b{_I_AM} (?:(?:a |o |la |el )?\w+,? )??(?:(?:sua|seu|a|o|la|el|tu|your|uma?|una?|an?|the|on|of) "
                rf")*(?:sales )?"
                rf"{_ROLE}\b(?! (?:virtual|digital|automa|de ia|con ia|ai\b|robo))"
            ),
            (
                rf"{_NOT}\b(?:trabalho|trabajo) (?:aqui|aca|nesta empresa|n[ao] empresa|en la empresa|com vendas)"
                rf"|\bi(?:'ve| have)? (?:been )?work(?:ed|ing)? (?:here|at|for the company)\b"
            ),
            rf"(?:^|[.,!]) *{_A}{_PERSON} (?:{_REALLY}|humana) *(?:[.,!]|$)",
            rf"\b(?:nao|no) (?:sou|somos|soy|e|eh|es|tem|hay|uso|usamos) {_A}{_MACHINE}(?!\w)",
            rf"\b(?:nada de|longe de ser|lejos de ser) {_A}{_MACHINE}(?!\w)",
            rf"\b(?:i'm|i am|we're|this is|it's) (?:not|no) {_A}{_MACHINE}(?!\w)",
            rf"\b(?:isn't|is not) {_A}{_MACHINE}(?!\w)",
            rf"\b(?:esta|ta|estas|you're|you are) {_TALKING} {_WITH} {_A}{_WHO}(?!\w)",
            rf"\b(?:voce|vc) fala {_WITH} {_A}{_WHO}(?!\w)|\bhablas {_WITH} {_A}{_WHO}(?!\w)",
            rf"\b{_PERSON}(?: {_REALLY})? (?:here|aqui|aca)\s*(?:[!.,]|$)",
        ]
    )
)
# "És humana?" "Sou sim!": the claim stands in the question.
_BARE_YES = re.compile(
    r"^\W*(?:(?:sim|si|yes|yeah|yep|isso|claro)\b[\s,!]*)*(?:sou|soy|i am|claro|sim|si|yes|yeah)\b(?: sim| si)?\s*(?:[!.,]|$)"
)


def asks_whether_machine(texts: Sequence[str]) -> bool:
    """Whether one of the customer's messages asks if a person or a machine writes."""
    return any(_QUESTION.search(fold(text)) for text in texts)


def claims_to_be_human(reply: str, asked: Sequence[str] = ()) -> bool:
    """Whether the reply says that a person writes, or that no machine does.

    Args:
        asked: The customer's messages: a bare "yes" to "are you a person?" is such a claim too.
    """
    said = fold(reply)
    if _CLAIM.search(said):
        return True
    questions = [found[0] for text in asked if (found := _QUESTION.search(fold(text)))]
    asks_only_for_person = any(not re.search(rf"\b{_MACHINE}(?!\w)", question) for question in questions)
    return asks_only_for_person and _BARE_YES.search(said) is not None


def identity_objections(reply: str, asked: Sequence[str], locale: str, *, is_last: bool) -> list[str]:
    """Why the reply may not be sent, in words for the model; empty when it may.

    Args:
        asked: What the customer wrote since the last reply.
        is_last: Whether no other reply can follow. Then silence about what we are passes: `owning_up` says it.
    """
    if claims_to_be_human(reply, asked):
        return ["it claims to be a person: you are a virtual assistant, say so"]
    if not is_last and asks_whether_machine(asked) and not says_it_is_a_machine(reply, locale):
        return ["the customer asks whether you are a robot or a person: say that you are a virtual assistant"]
    return []


def owning_up(reply: str, asked: Sequence[str], company: Company, locale: str) -> str:
    """The reply, which says what we are when the customer asked for it; a sentence of ours is put before one that does not."""
    if not asks_whether_machine(asked) or says_it_is_a_machine(reply, locale):
        return reply
    words = Catalogue.load("conversation", locale)
    return f"{words.text('robot_answer', assistant_name=company.assistant_name, company=company.name)}\n\n{reply}"
