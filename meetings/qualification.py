"""Judges what customers answered against the business file: values, rules. Pure but for the store functions."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from babel.numbers import format_currency
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from meetings.amounts import only_exact
from meetings.business import Business, Criterion, CriterionType
from meetings.tables import Answer, Customer, Message

YES_WORDS = {"sim", "s", "si", "yes", "y", "true", "1"}
NO_WORDS = {"nao", "n", "no", "false", "negativo", "0"}
_YES_ALONE = {"claro", "isso", "sou", "tenho"}  # "claro que não", "tenho não" mean the opposite
_TURNING = {"nao", "not", "nunca", "never", "nem"}  # what turns a yes around; the Portuguese "no" does not
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
            number = _number(text, in_reais=criterion.type is CriterionType.MONEY)
            shown = _money(number) if criterion.type is CriterionType.MONEY else f"{number.normalize():f}"
            low = Decimal(str(rule.min)) if rule.min is not None else None
            high = Decimal(str(rule.max)) if rule.max is not None else None
            return Judged(shown, (low is None or number >= low) and (high is None or number <= high))
        case CriterionType.YES_NO:
            answer = _yes_no(text)
            return Judged("sim" if answer else "não", rule.equals is None or answer == rule.equals)
        case CriterionType.CHOICE:
            option = next((o for o in criterion.options if fold(text) in _names(criterion, o)), None)
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


def _number(text: str, *, in_reais: bool = False) -> Decimal:
    number = only_exact(fold(text), in_reais=in_reais)
    if number is None:
        raise UnclearAnswerError("give one exact amount of money in reais" if in_reais else "give one exact number")
    return number


def parse_money(value: str) -> Decimal:
    """The amount in a stored money answer, in reais."""
    return _number(value)


def _names(criterion: Criterion, option: str) -> set[str]:
    return {fold(name) for name in (option, *criterion.aliases.get(option, ()))}


def _money(amount: Decimal) -> str:
    return format_currency(amount, "BRL", locale="pt_BR").replace("\xa0", " ")


def _yes_no(text: str) -> bool:
    first, *others = re.findall(r"[^\W_]+", fold(text)) or [""]
    rest = set(others)
    if first in YES_WORDS and not rest & _TURNING:
        return True
    if first in _YES_ALONE and not rest & (_TURNING | NO_WORDS):
        return True
    if first in NO_WORDS and not rest & {"sim", "si", "yes"}:
        return False
    raise UnclearAnswerError("answer yes or no")
