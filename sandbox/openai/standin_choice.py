"""Which of the offered options a customer's words choose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sandbox.openai.standin_context import Option
from sandbox.openai.standin_text import NUMERALS, spell_out
from sandbox.openai.standin_when import When, period_of, positive, read_when

_ORDINALS = {
    "pt": ["primeir[ao]", "segund[ao]", "terceir[ao]", "quart[ao]", "quint[ao]", "sext[ao]"],
    "es": ["primer[ao]?", "segund[ao]", "tercer[ao]?", "cuart[ao]", "quint[ao]", "sext[ao]"],
    "en": ["first", "second", "third", "fourth", "fifth", "sixth"],
}
_A_SEGUNDA = r"\ba segunda\b(?!-| feira| (?:as|a|de|que|da)\b)"
_OPTION_WORD = r"(?:opcao|opcion|option|alternativa|alternative|horario|one|choice|slot)"
_ANY = re.compile(
    r"\b(tanto faz|qualquer (um|uma|horario)|o que for melhor|o mais cedo|cualquiera|me da igual|lo antes posible|"
    r"any (of them|one|time)|whichever|whatever|the earliest|as soon as possible)\b"
)
_BARE_NUMBER = r"(?<![\w:/.,$])([0-9]{1,2})(?![\w:/$%])"
# What may stand behind a bare number that chooses an option: "2, por favor", "1 ou 3".
_AFTER_NUMBER = (
    r"(?= *(?:$|[.!,;)]|(?:ou|o|or|e|y|and) [0-9]|por favor|pls|please|mesmo|entao|obrigad|gracias|thanks|"
    r"pode ser|esta|ok|perfeito|serve|me ))"
)


@dataclass
class Choice:
    """How a message relates to the offered options.

    Attributes:
        matches: Options that fit; exactly one is a choice.
        when: Time words, for looking elsewhere when nothing fits.
        names_option: The customer used a number or an ordinal, so it is a choice even if no such option exists.
    """

    matches: list[Option] = field(default_factory=list)
    when: When = field(default_factory=When)
    names_option: bool = False


def choose(message: str, offered: Sequence[Option], language: str, today: date) -> Choice:
    """The options a message means; refused clauses ("terça não dá") don't count."""
    text = positive(message, language)
    takes_any = bool(_ANY.search(text))
    numbers, rest = _ordinals(text, offered, language)
    when, rest = read_when(rest, language, today)
    numbers |= _digits(rest, offered, language)
    if not numbers and not when.times:
        when = _bare_hour(rest, when, offered)
    fitting = [option for option in offered if fits(option, when)] if when else []
    if takes_any:
        return Choice((fitting if when else list(offered))[:1], when)
    if not numbers:
        return Choice(fitting, when)
    named = [option for option in offered if option.number in numbers]
    both = [option for option in named if option in fitting]
    # "opção 2, terça às 14h" must agree; when it doesn't, every reading is shown and the customer decides.
    matches = (both or [option for option in offered if option in named or option in fitting]) if when else named
    return Choice(matches, when, names_option=True)


def fits(option: Option, when: When) -> bool:
    """Whether an option agrees with everything that was said; one with an unreadable start never does."""
    start = option.starts_at
    if start is None:
        return False
    day_fits = not (when.weekdays or when.days) or start.weekday() in when.weekdays or start.date() in when.days
    period_fits = when.period is None or period_of(start.hour) == when.period
    return day_fits and period_fits and (not when.times or (start.hour, start.minute) in when.times)


def _ordinals(text: str, offered: Sequence[Option], language: str) -> tuple[set[int], str]:
    """Option numbers said as ordinals, and the text without them.

    In Portuguese "segunda" … "sexta" are weekdays unless "opção" stands beside them. "A segunda" is the second option,
    and a Monday as well if one is offered: then the word stays in the text and both readings count.
    """
    numbers: set[int] = set()
    mondays = any(option.starts_at and option.starts_at.weekday() == 0 for option in offered)
    for place, pattern in enumerate(_ORDINALS[language]):
        forms = [rf"\b{pattern} {_OPTION_WORD}\b", rf"\b{_OPTION_WORD} {pattern}\b"]
        if language != "pt" or place in (0, 2):
            # "un segundo" and "a second" are moments; "primeira vez" and "first of all" choose nothing.
            moment = r"(?<!\bun )(?<!\ba )(?<!\bone )" if place == 1 else ""
            forms.append(rf"{moment}\b{pattern}\b(?! (?:hora|hour|thing|semana|week|vez|time|lugar|of))")
        elif place == 1:
            forms.append(r"\bo segundo\b")
            if not mondays:
                forms.append(_A_SEGUNDA)
            elif re.search(_A_SEGUNDA, text) and len(offered) > 1:
                numbers.add(offered[1].number)
        spoken = re.compile("|".join(forms))
        if offered and spoken.search(text):
            numbers |= {offered[place].number} if place < len(offered) else {0}
            text = spoken.sub(" ", text)
    last = re.compile(rf"(?<!\bpor )\b(?:ultim[ao]|last)\b(?: {_OPTION_WORD}\b)?(?! (?:semana|week|vez|time))")
    if offered and last.search(text):
        numbers.add(offered[-1].number)
        text = last.sub(" ", text)
    return numbers, text


def _digits(rest: str, offered: Sequence[Option], language: str) -> set[int]:
    """Option numbers as digits or words: after "opção", after an article, or standing alone."""
    numbers = {option.number for option in offered}
    text = re.sub(r"\b(this|that|which|another|other|the|any|each) one\b", " ", " ".join(rest.split()))
    text = spell_out(text, language)
    small = {word: value for word, value in NUMERALS[language].items() if 1 <= value <= 10}
    alone = re.sub(r"^(?:a|o|la|el) ", "", text.strip(" .!,"))
    if alone in small:  # "uma" is an article everywhere else
        return {small[alone]}
    named = rf"{_OPTION_WORD}|numero|number|nro|no\.|n[o.]?|#"
    marked = re.findall(rf"(?:\b(?:{named})|#) ?(?:numero |number )?#? ?([0-9]{{1,2}})\b", text)
    if marked:
        return {int(number) for number in marked if int(number) in numbers or int(number) <= 9}
    bare = re.findall(rf"{_BARE_NUMBER}{_AFTER_NUMBER}", text)
    return {int(number) for number in bare if int(number) in numbers} | _out_of_range(bare, alone)


def _out_of_range(bare: list[str], alone: str) -> set[int]:
    """A message that is nothing but a small number chooses, even when there is no such option."""
    return {int(number) for number in bare if number == alone and int(number) <= 9}


def _bare_hour(rest: str, when: When, offered: Sequence[Option]) -> When:
    """A number that is no option may be the hour of one: "terça 14", "10"."""
    hours = {option.starts_at.hour for option in offered if option.starts_at}
    for number in re.findall(rf"{_BARE_NUMBER}{_AFTER_NUMBER}", rest):
        if int(number) in hours:
            return When(when.weekdays, when.days, when.period, ((int(number), 0),))
    return when
