"""Which qualification criteria a customer's message answers, with the normalised value and their own words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.openai.standin_context import Criterion
from sandbox.openai.standin_intents import HEDGES, is_chatter, yes_or_no
from sandbox.openai.standin_text import Amount, amounts, clauses, fold, is_negated, stated, stem, vocabulary, words

# Up to this length the whole message is quoted; beyond it, the clause that holds the answer.
_QUOTED_WHOLE_CHARS = 120

_STOPWORDS = vocabulary(
    "qual quais voce voces valor medio sobre para como quanto quanta quantos quantas mais menos esta este essa esse tipo",
    "que aproximado what your which does have many much about there cual cuales tiene tienes usted ustedes cuanto",
    "cuanta seu sua cuantos cuantas promedio seria hoje gostaria how you the are com con por uma uns dos das tem sao",
    "ele ela minha meu nossa nosso aqui mesmo casi muy and for our with una del las los",
)
# Verbs that carry a yes ("tenho", "sou eu") and say nothing about what is had.
_ECHOES = vocabulary(
    "tenho sou moro posso quero temos somos possuo tengo soy vivo puedo quiero have own can want am do eu e",
)
_OTHER_PEOPLE = vocabulary(
    "esposa esposo marido mulher pai mae filho filha dono dona chefe socio socia patrao inquilino inquilina outra outro",
    "wife husband boss landlord partner jefe padre madre duena dueno",
)
_BOUNDS = re.compile(
    r"\b(e pouc[oa]s?|e tant[oa]s?|e alguma coisa|y (pico|tant[oa]s?|algo)|something|quase|casi|almost|nearly|"
    r"(mais|menos|acima|abaixo) (de|do|que)|(mas|menos|arriba|debajo) de|(more|less|fewer) than|over|under|at (least|most)|"
    r"up to|pelo menos|por lo menos|al menos|no (maximo|minimo)|ate|hasta|entre|between)\b"
)
# Words after a bare number that don't count anything: "800 por mês" is still an amount of money.
_UNCOUNTED = vocabulary(
    "e mas por mais ou mensal mensais mensual no na nos ao a o de em per pra para so apenas cada todo todos",
    "aproximadamente y al del mes and or about in on monthly each every eu acho mesmo aqui agora hoje obrigado obrigada",
    "gracias thanks please viu ta sim ne redondo",
)
_ORDINAL_STEMS = {"primei": 1, "primer": 1, "segund": 2, "tercei": 3, "tercer": 3, "first": 1, "second": 2, "third": 3}
_I_AM = re.compile(r"\b(?:sou|soy|i am|i'm) (?:(?:o|a|el|la|the) )?([a-z]+)")
_LEAD_INS = re.compile(
    r"^(?:(?:eu )?(?:moro|vivo|trabalho|fico) (?:em|no|na|en)|(?:é|e|fica|es|está|it's|it is|i live) (?:em|no|na|en|in)|"
    r"(?:o )?meu nome é|me llamo|mi nombre es|my name is|me chamo|sou de|soy de|i'm from|i am from)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Answer:
    """A criterion's answer. `quote` is a literal substring of one of the customer's messages."""

    criterion: Criterion
    value: str
    quote: str


def find_answers(messages: Sequence[str], missing: Sequence[Criterion], asked: Criterion | None, language: str) -> list[Answer]:
    """At most one answer per missing criterion, in the order of `missing`.

    What fits the asked criterion's type counts. Other criteria must be recognisable by themselves: a currency sign, an
    option's name, a counted noun of the question. A later message corrects an earlier one, except for free text.
    """
    found: dict[str, Answer] = {}
    for message in messages:
        for criterion in missing:
            reader = _reader(criterion, criterion == asked, missing, language)
            value = None if criterion.name in found and _is_text(criterion) else reader(message)
            if value is not None:
                found[criterion.name] = Answer(criterion, value, _quote(message, value, reader))
    return [found[criterion.name] for criterion in missing if criterion.name in found]


def is_vague(criterion: Criterion, text: str, language: str) -> bool:
    """Whether a text that did not fit is an attempt to answer: a hedge, a bound, several numbers."""
    folded = fold(text)
    counts = criterion.kind in ("money", "number")
    return bool(HEDGES.search(folded)) or (counts and bool(_BOUNDS.search(folded) or amounts(text, language)))


def _is_text(criterion: Criterion) -> bool:
    return criterion.kind not in ("money", "number", "choice", "yes_no")


def _reader(criterion: Criterion, is_asked: bool, missing: Sequence[Criterion], language: str) -> Callable[[str], str | None]:
    """A function from message to normalised value, None when the message doesn't answer this criterion."""
    if is_asked:
        table = {"money": _money, "number": _number, "choice": _choice, "yes_no": _yes_no}
        reader = table.get(criterion.kind, _free_text)
        return lambda message: reader(criterion, message, language)
    is_only_money = sum(other.kind == "money" for other in missing) == 1
    if criterion.kind == "money" and is_only_money:
        return lambda message: _evident_money(criterion, message, language)
    table = {"number": _evident_number, "choice": _evident_choice, "yes_no": _evident_yes_no}
    evident = table.get(criterion.kind)
    return lambda message: evident(criterion, message, language) if evident else None


def _quote(message: str, value: str, reader: Callable[[str], str | None]) -> str:
    whole = message.strip()
    if len(whole) <= _QUOTED_WHOLE_CHARS:
        return whole
    return next((clause for clause in clauses(message) if reader(clause) == value), whole)


def _affirmed(message: str, language: str) -> str:
    """The clauses that state something and refuse nothing, as one text."""
    return " ".join(clause for clause in stated(message) if not is_negated(clause, language))


def _content_stems(text: str) -> set[str]:
    return {stem(word) for word in words(text) if len(word) > 2 and word not in _STOPWORDS}


def _written(value: Decimal) -> str:
    """Plain digits, with two decimals where they are needed: 1200 or 1200.50."""
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def _single(found: Sequence[Amount]) -> str | None:
    values = {amount.value for amount in found}
    return _written(values.pop()) if len(values) == 1 else None


def _money(criterion: Criterion, message: str, language: str) -> str | None:
    text = _affirmed(message, language)
    if _BOUNDS.search(fold(text)):
        return None
    found = amounts(text, language)
    marked = [amount for amount in found if amount.has_currency]
    about = _content_stems(criterion.question)
    plain = [amount for amount in found if not amount.unit or amount.unit in _UNCOUNTED or stem(amount.unit) in about]
    return _single(marked or plain)


def _evident_money(criterion: Criterion, message: str, language: str) -> str | None:
    text = _affirmed(message, language)
    marked = any(amount.has_currency for amount in amounts(text, language))
    return _money(criterion, message, language) if marked or _content_stems(criterion.question) & _content_stems(text) else None


def _number(criterion: Criterion, message: str, language: str) -> str | None:
    counted = _evident_number(criterion, message, language)
    if counted:
        return counted
    text = _affirmed(message, language)
    if _BOUNDS.search(fold(text)):
        return None
    if re.fullmatch(r"(?:(?:so |apenas |solo |somente |e )?(?:uma?|un[ao]?)|so eu|sozinh[oa]|solo yo|just me)\W*", fold(text)):
        return "1"
    return _single([amount for amount in amounts(text, language) if not amount.has_currency])


def _evident_number(criterion: Criterion, message: str, language: str) -> str | None:
    """A number that counts a noun of the question: "somos 4 pessoas" for "Quantas pessoas …?"."""
    text = _affirmed(message, language)
    stems = _content_stems(criterion.question)
    if _BOUNDS.search(fold(text)):
        return None
    one = re.search(r"\b(?:uma?|un[ao]?) ([a-z]+)", fold(text))
    found = [amount for amount in amounts(text, language) if amount.unit and stem(amount.unit) in stems]
    if (
        not found
        and one
        and one[1] in words(criterion.question + " " + _singulars(criterion.question))
        and one[1] not in _STOPWORDS
    ):
        return "1"
    return _single(found)


def _singulars(text: str) -> str:
    return " ".join(word.removesuffix("s") for word in words(text))


def _choice(criterion: Criterion, message: str, language: str) -> str | None:
    exact = [option for option in criterion.options if fold(option) == fold(message).strip(" .!,")]
    named = exact or _named_options(criterion, message, language) or _hinted_options(criterion, message, language)
    if len(named) == 1:
        return named[0]
    place = None if named else _place(fold(message).strip(" .!,"))
    return criterion.options[place - 1] if place and place <= len(criterion.options) else None


def _named_options(criterion: Criterion, message: str, language: str) -> list[str]:
    """Options whose whole name is in the text; a name inside a longer matching name doesn't count."""
    text = _spaced(_affirmed(message, language))
    spelled = {option: _spaced(option) for option in criterion.options}
    hits = [option for option, name in spelled.items() if name.strip() and name in text]
    return [hit for hit in hits if not any(hit != other and spelled[hit] in spelled[other] for other in hits)]


def _spaced(text: str) -> str:
    """The folded words between single spaces, so that whole names can be looked up."""
    return f" {' '.join(re.findall('[a-z0-9]+', fold(text)))} "


def _hinted_options(criterion: Criterion, message: str, language: str) -> list[str]:
    """Options of which the text has a word that no other option has: "alugada" for "casa alugada"."""
    said = _content_stems(_affirmed(message, language))
    stems = {option: _content_stems(option) | _glosses(criterion, option) for option in criterion.options}
    hits = []
    for option, own in stems.items():
        shared = set().union(*(other for name, other in stems.items() if name != option))
        if (own - shared) & said:
            hits.append(option)
    return hits


def _glosses(criterion: Criterion, option: str) -> set[str]:
    """Translations of an option in the question's brackets: "a house (casa)" or "sítio (finca)"."""
    question, name = fold(criterion.question), re.escape(fold(option))
    found = re.findall(rf"(\w+) \({name}\)|\b{name} \((\w+)\)", question)
    return {stem(before or after) for before, after in found}


def _place(folded: str) -> int | None:
    """The position said alone: "2", "opção 2", "a segunda"."""
    match = re.fullmatch(r"(?:a |o |la |el )?(?:opcao |opcion |option |numero |number )?([0-9]{1,2})", folded)
    if match:
        return int(match[1])
    spoken = words(folded)
    places = {place for start, place in _ORDINAL_STEMS.items() for word in spoken if word.startswith(start)}
    return places.pop() if len(spoken) <= 3 and len(places) == 1 else None


def _evident_choice(criterion: Criterion, message: str, language: str) -> str | None:
    named = _named_options(criterion, message, language)
    # "Sim", "Não", "Um" say nothing about which question they answer.
    return named[0] if len(named) == 1 and _content_stems(named[0]) and yes_or_no(named[0], language) is None else None


def _yes_no(criterion: Criterion, message: str, language: str) -> str | None:
    text = " ".join(stated(message))
    said = yes_or_no(text, language)
    if said is not None or HEDGES.search(fold(text)):
        return said
    spoken = words(text)
    rest = _content_stems(text) - {stem(word) for word in _ECHOES}
    matching = rest & _content_stems(criterion.question)
    is_plain = len(rest - matching) <= (1 if matching else 0) and not _names_others(criterion, text)
    return "yes" if spoken and is_plain and (matching or _ECHOES & set(spoken)) else None


def _evident_yes_no(criterion: Criterion, message: str, language: str) -> str | None:
    """Most of the question's own words in one clause: "o imóvel é próprio" for "O imóvel é próprio?"; or "sou o dono"."""
    stems = _content_stems(criterion.question)
    for clause in stated(message):
        is_about = len(stems & _content_stems(clause)) * 2 > len(stems) > 0
        is_about = is_about or any(stem(match[1]) in stems for match in _I_AM.finditer(fold(clause)))
        if is_about and not HEDGES.search(fold(clause)) and not _names_others(criterion, clause):
            return "no" if is_negated(clause, language) else "yes"
    return None


def _names_others(criterion: Criterion, text: str) -> bool:
    """Whether somebody is mentioned whom the question doesn't name: "minha esposa é a dona" is no yes."""
    return bool(_OTHER_PEOPLE & set(words(text)) - set(words(criterion.question)))


def _free_text(criterion: Criterion, message: str, language: str) -> str | None:
    text = message.strip()
    is_answer = bool(words(text) or re.search(r"[0-9]", text)) and not text.endswith("?")
    if not is_answer or is_chatter(text) or HEDGES.search(fold(text)) or _is_only_yes_or_no(text, language):
        return None
    return _LEAD_INS.sub("", text).strip(" .!,") or None


def _is_only_yes_or_no(text: str, language: str) -> bool:
    return len(words(text)) <= 2 and yes_or_no(text, language) is not None
