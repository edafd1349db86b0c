"""Judges what customers answered against the business file: values, rules, evidence. Pure but for the two store functions."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from babel.numbers import NumberFormatError, format_currency, parse_decimal
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.business import Business, Criterion, CriterionType
from meetings.tables import Answer, Author, Customer, Message

_YES = {"sim", "s", "si", "yes", "y", "true", "1"}
_YES_ALONE = {"claro", "isso", "sou", "tenho"}  # "claro que não", "tenho não" mean the opposite
_NO = {"nao", "n", "no", "false", "negativo", "0"}
_TURNING = {"nao", "not", "nunca", "never", "nem"}  # what turns a yes around; the Portuguese "no" does not
# Words that say yes or no when they are quoted as evidence, in our three languages, after `fold`.
_ASSENTS = {
    *_YES, "claro", "exato", "exatamente", "correto", "positivo", "aham", "uhum", "certeza", "eh", "sou", "somos", "tenho",
    "temos", "meu", "minha", "nosso", "nossa", "proprio", "propria", "dono", "dona", "proprietario", "proprietaria", "ok",
    "soy", "tengo", "tenemos", "es", "mio", "mia", "nuestro", "nuestra", "propio", "propia", "dueno", "duena", "propietario",
    "propietaria", "yeah", "yep", "sure", "correct", "am", "are", "is", "have", "own", "owner", "mine", "my", "our",
}  # fmt: skip
_DENIALS = {
    *_NO,
    "nunca",
    "nem",
    "not",
    "dont",
    "isn",
    "don",
    "never",
    "alugo",
    "alugado",
    "alugada",
    "inquilino",
    "inquilina",
    "rent",
}
_NUMBER = re.compile(r"\d[\d.,]*")
_LONGEST_NUMBER = 20  # characters; no bill and no head count is longer
# What makes a number inexact or another one: bounds ("até 300"), leftovers ("300 e pouco"), multipliers ("2 mil"), a minus.
_NOT_EXACT = re.compile(
    r"\b(?:mais de|menos de|acima de|abaixo de|maior que|menor que|passa de|ate|quase|a partir de|pelo menos|no (?:max|min)imo"
    r"|mas de|hasta|casi|desde|al menos|por lo menos|como (?:max|min)imo"
    r"|more than|less than|over|under|above|below|up to|at (?:least|most)|almost|nearly"
    r"|e (?:pouc[oa]s?|tant[oa]s|alguma coisa|quebrados)|y (?:pico|algo)|and (?:something|change))\b"
    r"|\d\s*(?:mil|k|milh(?:ao|oes)|millon(?:es)?|thousand|grand|million)\b"
    r"|[<>≤≥]|\d\s*\+|(?:^|[\s$])[-−.,]\d"
)
_OTHER_UNITS = re.compile(r"kwh|%|us\$|usd|dolar|dollar|€|\beuros?\b")  # amounts are kept and compared in reais
# Phones and text programs write these where people mean the plain ones.
_PLAIN_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'})


class UnclearAnswerError(Exception):
    """The value can't be judged; the message tells the model what to ask the customer."""


class Standing(StrEnum):
    """Where a customer stands: something to ask, all good, or ruled out."""

    MISSING = "missing"
    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True)
class Judged:
    """A value in its normal form, as it is stored and shown, and whether it qualifies."""

    value: str
    qualifies: bool


@dataclass(frozen=True)
class Qualification:
    """A customer's answers against the criteria.

    Attributes:
        missing: Criteria still to ask, in the file's order; empty when somebody is ruled out already.
        answers: Criterion name to stored value.
        failed: Names of required criteria whose answer rules the customer out.
    """

    standing: Standing
    missing: tuple[Criterion, ...]
    answers: dict[str, str]
    failed: tuple[str, ...]


def judge(criterion: Criterion, value: str) -> Judged:
    """The answer's normal form and verdict.

    Raises:
        UnclearAnswerError: It is no value of the criterion's type.
    """
    text = value.strip()
    if not text:
        raise UnclearAnswerError("the value is empty")
    rule = criterion.rule
    match criterion.type:
        case CriterionType.TEXT:
            return Judged(text, qualifies=True)
        case CriterionType.NUMBER | CriterionType.MONEY:
            if criterion.type is CriterionType.MONEY and _OTHER_UNITS.search(fold(text)):
                raise UnclearAnswerError("give one amount of money in reais")
            number = _number(text)
            shown = _money(number) if criterion.type is CriterionType.MONEY else f"{number.normalize():f}"
            low = Decimal(str(rule.min)) if rule.min is not None else None
            high = Decimal(str(rule.max)) if rule.max is not None else None
            return Judged(shown, (low is None or number >= low) and (high is None or number <= high))
        case CriterionType.YES_NO:
            answer = _yes_no(text)
            return Judged("sim" if answer else "não", rule.equals is None or answer == rule.equals)
        case CriterionType.CHOICE:
            option = next((o for o in criterion.options if fold(o) == fold(text)), None)
            if option is None:
                raise UnclearAnswerError(f"choose one of: {', '.join(criterion.options)}")
            return Judged(option, rule.accept is None or option in rule.accept)


def standing(business: Business, answers: Iterable[Answer]) -> Qualification:
    """Where a customer with these answers stands."""
    by_name = {answer.criterion: answer for answer in answers}
    required = [c for c in business.qualification if c.required]
    failed = tuple(c.name for c in required if c.name in by_name and not by_name[c.name].qualifies)
    missing = tuple(c for c in business.qualification if c.name not in by_name)
    if failed:
        result, missing = Standing.FAILED, ()
    elif any(c.required for c in missing):
        result = Standing.MISSING
    else:
        result = Standing.OK
    return Qualification(result, missing, {name: a.value for name, a in by_name.items()}, failed)


def fold(text: str) -> str:
    """Lower case without accents, doubled blanks and curly quotes, for comparing what people type."""
    # Compatibility forms come apart before the case is dropped: "㎒" holds capitals.
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN_QUOTES)).casefold().translate(_PLAIN_QUOTES)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c))
    return " ".join(plain.split())


def source_of(quote: str, messages: Sequence[Message]) -> Message | None:
    """The newest message of the customer that contains the quoted words as whole words, None when they never said so."""
    words = fold(quote).strip(" .!?,;\"'")
    if not words:
        return None
    said = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")  # "80" does not stand in "1800"
    return next((m for m in reversed(messages) if m.author == Author.CUSTOMER and said.search(fold(m.text))), None)


def supports(criterion: Criterion, judged: Judged, quote: str) -> bool:
    """Whether the quoted words hold the value: a model must not hang a value on words that say something else."""
    said = fold(quote)
    match criterion.type:
        case CriterionType.NUMBER | CriterionType.MONEY:
            return _number(judged.value) in _numbers_in(said)
        case CriterionType.CHOICE:
            return fold(judged.value)[:5] in said  # the stem is enough: "casas", "comercial"
        case CriterionType.YES_NO:
            words = set(re.findall(r"\w+", said))
            if not re.match(r"no\b", said):
                words.discard("no")  # in Portuguese it means "in the": "sim, no meu nome"
            return bool(words & _DENIALS) if judged.value == "não" else bool(words & _ASSENTS) and not words & _DENIALS
        case CriterionType.TEXT:
            return True


def _numbers_in(text: str) -> set[Decimal]:
    """The numbers written in digits, "2 mil" among them."""
    found = set()
    for match in re.finditer(r"(\d[\d.,]*)(\s*(?:mil|k)\b)?", text):
        try:
            found.add(_number(match[1]) * (1000 if match[2] else 1))
        except UnclearAnswerError:
            continue
    return found


async def answers_of(session: AsyncSession, customer: Customer) -> list[Answer]:
    return list(await session.scalars(select(Answer).where(Answer.customer_id == customer.id)))


async def adopt_from_lead(
    session: AsyncSession, customer: Customer, business: Business, fields: Mapping[int, str], now: datetime
) -> None:
    """Takes over what stands in the lead's mapped fields for criteria the customer has not answered. Unclear values are left."""
    answered = {answer.criterion for answer in await answers_of(session, customer)}
    for criterion in business.qualification:
        value = fields.get(criterion.kommo_field_id) if criterion.kommo_field_id else None
        if not value or criterion.name in answered:
            continue
        try:
            judged = judge(criterion, value)
        except UnclearAnswerError:
            continue
        await record_answer(session, customer, criterion, judged, value, None, now)


async def record_answer(
    session: AsyncSession,
    customer: Customer,
    criterion: Criterion,
    judged: Judged,
    quote: str,
    message: Message | None,
    now: datetime,
) -> None:
    """Stores the answer with its evidence; a later answer to the same criterion replaces the earlier one.

    Without a message it is the lead's own value: Kommo has it already.
    """
    answer = await session.scalar(select(Answer).where(Answer.customer_id == customer.id, Answer.criterion == criterion.name))
    if answer is None:
        answer = Answer(customer_id=customer.id, criterion=criterion.name)
        session.add(answer)
    answer.value, answer.qualifies = judged.value, judged.qualifies
    answer.quote, answer.message_id, answer.recorded_at = quote, message.id if message else None, now
    answer.on_lead = message is None


def _number(text: str) -> Decimal:
    found = _NUMBER.findall(text)
    if len(found) != 1 or len(found[0]) > _LONGEST_NUMBER or _NOT_EXACT.search(fold(text)):
        raise UnclearAnswerError("give one exact number, all in digits")
    digits = found[0].rstrip(".,")
    try:
        # Brazil writes 1.491,00; a model or an English speaker may write 1491.00 or 1,491.00.
        english = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d{1,2}", digits)
        return parse_decimal(digits, locale="en" if english else "pt_BR", strict=True)
    except NumberFormatError:
        raise UnclearAnswerError("give one exact number, all in digits") from None


def parse_money(value: str) -> Decimal:
    """The amount in a stored money answer, in reais."""
    return _number(value)


def _money(amount: Decimal) -> str:
    return format_currency(amount, "BRL", locale="pt_BR").replace("\xa0", " ")


def _yes_no(text: str) -> bool:
    first, *others = re.findall(r"[^\W_]+", fold(text)) or [""]
    rest = set(others)
    if first in _YES and not rest & _TURNING:
        return True
    if first in _YES_ALONE and not rest & (_TURNING | _NO):
        return True
    if first in _NO and not rest & {"sim", "si", "yes"}:
        return False
    raise UnclearAnswerError("answer yes or no")
