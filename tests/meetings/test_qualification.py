"""What customers' answers are worth: values of every type, the words that prove them, where a customer stands."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meeting_scene import Clock, add_customer, add_message, at, database, shipped
from sqlalchemy import select

from meetings.business import Criterion
from meetings.qualification import (
    Judged,
    Qualification,
    Standing,
    UnclearAnswerError,
    answers_of,
    fold,
    judge,
    record_answer,
    standing,
)
from meetings.tables import Answer, Customer, Message

UNCLEAR = None


def criterion(kind: str, **more: Any) -> Criterion:
    return Criterion.model_validate({"name": "asked", "question": "?", "type": kind, **more})


def stored(wanted: Criterion, value: str) -> str | None:
    """The value's normal form, None when it is unclear."""
    try:
        return judge(wanted, value).value
    except UnclearAnswerError:
        return UNCLEAR


def ids(table: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"{value[:40]!r}" for value, *_ in table]


# --- numbers and amounts ----------------------------------------------------------------------------------------------

# Written → meant, whether it is a number or an amount of money.
WRITTEN = [
    # plain
    ("1", "1"),
    ("800", "800"),
    ("250", "250"),
    ("1491", "1491"),
    ("0300", "300"),
    ("0", "0"),
    ("１２３", "123"),  # full-width digits
    ("12345678901234", "12345678901234"),
    # Brazilian and Spanish
    ("1.491", "1491"),
    ("1.491,00", "1491"),
    ("1.491,5", "1491.5"),
    ("1.491,57", "1491.57"),
    ("1491,00", "1491"),
    ("800,5", "800.5"),
    ("0,5", "0.5"),
    ("1.234.567", "1234567"),
    ("1.234.567,89", "1234567.89"),
    ("10.000", "10000"),
    # as programs and English speakers write
    ("1491.00", "1491"),
    ("1491.5", "1491.5"),
    ("0.5", "0.5"),
    ("1,491", "1491"),
    ("1,491.00", "1491"),
    ("1,234,567.89", "1234567.89"),
    ("10,000", "10000"),
    # among words
    ("uns 800", "800"),
    ("são 3 pessoas", "3"),
    ("somos 4.", "4"),
    ("acho que 800", "800"),
    ("cerca de 800", "800"),
    ("aproximadamente 1.200", "1200"),
    ("mais ou menos 800", "800"),
    ("unos 800 más o menos", "800"),
    ("about 800", "800"),
    ("por volta de 1200, eu acho", "1200"),
    ("dá 800!", "800"),
    ("  800  ", "800"),
    # more than one number: which?
    ("800 a 1000", UNCLEAR),
    ("entre 800 e 1000", UNCLEAR),
    ("800-900", UNCLEAR),
    ("800/900", UNCLEAR),
    ("12x de 300", UNCLEAR),
    ("1 491,00", UNCLEAR),
    ("10/03", UNCLEAR),
    # bounds and leftovers are no exact number
    ("menos de 300", UNCLEAR),
    ("mais de 300", UNCLEAR),
    ("até 300", UNCLEAR),
    ("acima de 500", UNCLEAR),
    ("a partir de 300", UNCLEAR),
    ("pelo menos 300", UNCLEAR),
    ("no máximo 300", UNCLEAR),
    ("quase 300", UNCLEAR),
    ("300 e pouco", UNCLEAR),
    ("300 e poucos", UNCLEAR),
    ("más de 300", UNCLEAR),
    ("hasta 300", UNCLEAR),
    ("300 y pico", UNCLEAR),
    ("more than 300", UNCLEAR),
    ("up to 300", UNCLEAR),
    ("at least 300", UNCLEAR),
    (">300", UNCLEAR),
    ("300+", UNCLEAR),
    # in words, or half in words (more in test_amounts)
    ("2 mil", "2000"),
    ("1,5 mil", "1500"),
    ("2k", "2000"),
    ("3 thousand", "3000"),
    ("oitocentos", "800"),
    ("mil e duzentos", "1200"),
    ("mil", "1000"),
    ("dois mil e pouco", UNCLEAR),
    ("quase mil", UNCLEAR),
    ("depende", UNCLEAR),
    ("não sei", UNCLEAR),
    # no number
    ("1.23.456", UNCLEAR),
    ("1,491,00", UNCLEAR),
    ("1.491.00", UNCLEAR),
    ("1000.500", UNCLEAR),
    ("1e3", UNCLEAR),
    (".5", UNCLEAR),
    ("-50", UNCLEAR),
    ("−50", UNCLEAR),
    ("9" * 40, UNCLEAR),
    ("", UNCLEAR),
    ("   ", UNCLEAR),
    ("?", UNCLEAR),
]

# Amounts only.
AMOUNTS = [
    ("R$ 1.491,00", "R$ 1.491,00"),
    ("R$1491", "R$ 1.491,00"),
    ("R$ 800 por mês", "R$ 800,00"),
    ("800 reais", "R$ 800,00"),
    ("uns 800 reais", "R$ 800,00"),
    ("800 conto", "R$ 800,00"),
    ("BRL 800", "R$ 800,00"),
    ("$ 800", "R$ 800,00"),
    ("800,00 reais por mês.", "R$ 800,00"),
    ("conta: 800", "R$ 800,00"),
    ("R$ -50", UNCLEAR),
    ("R$ ,50", UNCLEAR),
    ("R$", UNCLEAR),
    ("R$ 2 mil", "R$ 2.000,00"),
    ("oitocentos reais", "R$ 800,00"),
    ("300 kWh", UNCLEAR),
    ("10%", UNCLEAR),
    ("US$ 50", UNCLEAR),
    ("50 dólares", UNCLEAR),
    ("€ 50", UNCLEAR),
    ("50 euros", UNCLEAR),
    ("800 reais e 50 centavos", UNCLEAR),
]


@pytest.mark.parametrize(("value", "meant"), WRITTEN, ids=ids(WRITTEN))
def test_a_number_is_read_as_it_is_written_here_and_abroad(value: str, meant: str | None) -> None:
    assert stored(criterion("number"), value) == meant


@pytest.mark.parametrize(("value", "meant"), WRITTEN, ids=ids(WRITTEN))
def test_an_amount_is_read_like_a_number(value: str, meant: str | None) -> None:
    amount = stored(criterion("money"), value)
    plain = amount and amount.removeprefix("R$ ").replace(".", "").replace(",", ".")
    assert (plain and float(plain)) == (meant and float(meant))


@pytest.mark.parametrize(("value", "shown"), AMOUNTS, ids=ids(AMOUNTS))
def test_an_amount_is_kept_as_money(value: str, shown: str | None) -> None:
    assert stored(criterion("money"), value) == shown


@pytest.mark.parametrize(
    ("rule", "value", "qualifies"),
    [
        ({"min": 250}, "250", True),
        ({"min": 250}, "249,99", False),
        ({"min": 250}, "250,01", True),
        ({"max": 10}, "10", True),
        ({"max": 10}, "10,01", False),
        ({"min": 2, "max": 4}, "1", False),
        ({"min": 2, "max": 4}, "3", True),
        ({"min": 2, "max": 4}, "5", False),
        ({"min": 0.1}, "0,1", True),  # no error of binary fractions
        ({}, "1", True),
    ],
)
@pytest.mark.parametrize("kind", ["number", "money"])
def test_bounds_of_a_rule_are_inclusive(kind: str, rule: dict[str, float], value: str, qualifies: bool) -> None:
    assert judge(criterion(kind, rule=rule), value).qualifies is qualifies


@settings(deadline=None)
@given(st.decimals(0, 10**9, places=2, allow_nan=False))
def test_an_amount_that_was_stored_reads_back_as_itself(amount: Any) -> None:
    shown = judge(criterion("money"), f"{amount:.2f}").value
    assert judge(criterion("money"), shown).value == shown


@settings(deadline=None)
@given(st.text(max_size=30))
@pytest.mark.parametrize("kind", ["number", "money", "yes_no", "text"])
def test_whatever_is_said_is_judged_or_unclear(kind: str, value: str) -> None:
    found = stored(criterion(kind), value)
    assert found is UNCLEAR or found


# --- yes and no -------------------------------------------------------------------------------------------------------

YES = [
    *("sim", "Sim", "SIM", "sim!", "sim.", "Sim, sou", "sim sou o dono", "s", "S", "sim, é minha", "sim, com certeza", "sim 👍"),
    *("sou", "Sou sim", "sou eu", "tenho", "tenho sim", "isso", "isso mesmo", "claro", "Claro!", "claro que sim", "1", "true"),
    *("sí", "Sí", "si", "sí, claro", "sí, soy yo", "si, es mío", "claro que sí", "Sí."),
    *("yes", "Yes", "YES!", "yes, I do", "yes I am", "y", "Y"),
    "sim, no centro",  # the Portuguese "no" is not a denial
]
NO = [
    *("não", "Não", "NÃO", "nao", "não!", "não sou", "não, é alugado", "n", "N", "não tenho", "não é minha", "nao senhora"),
    *("no", "No", "no, alquilo", "no soy", "No, I rent", "no i don't", "negativo", "false", "0", "não, sou inquilino"),
]
NEITHER = [
    *("talvez", "depende", "mais ou menos", "acho que", "não sei ao certo, mas sim", "", "?", "👍", "ok", "quem sabe", "maybe"),
    *(
        "claro que não",
        "claro que no",
        "isso não",
        "tenho não",
        "sou não",
        "sim e não",
        "sim, mas não",
        "sí y nunca",
        "yes and not",
    ),
    *("no, digo, sim", "é da minha mãe", "casa", "10", "soy inquilino", "alugado", "tal vez", "n/a sim"),
]


def test_the_table_of_yes_and_no_is_long_enough() -> None:
    assert len({*YES, *NO, *NEITHER}) >= 60


@pytest.mark.parametrize("value", YES)
def test_a_yes_is_a_yes(value: str) -> None:
    assert stored(criterion("yes_no"), value) == "sim"


@pytest.mark.parametrize("value", NO)
def test_a_no_is_a_no(value: str) -> None:
    assert stored(criterion("yes_no"), value) == "não"


@pytest.mark.parametrize("value", NEITHER)
def test_what_is_neither_yes_nor_no_is_asked_again(value: str) -> None:
    assert stored(criterion("yes_no"), value) is UNCLEAR


@pytest.mark.parametrize(
    ("rule", "value", "qualifies"),
    [
        ({"equals": True}, "sim", True),
        ({"equals": True}, "não", False),
        ({"equals": False}, "sim", False),
        ({"equals": False}, "não", True),
        ({}, "não", True),
    ],
)
def test_a_yes_no_rule_names_the_answer_that_qualifies(rule: dict[str, bool], value: str, qualifies: bool) -> None:
    assert judge(criterion("yes_no", rule=rule), value).qualifies is qualifies


# --- choices ----------------------------------------------------------------------------------------------------------

OPTIONS = ["casa", "comércio", "sítio", "apartamento", "Galpão Industrial", "R$ 1 a 2 mil", "não sei"]
CHOSEN = [
    *((spelling, "casa") for spelling in ("casa", "Casa", "CASA", " casa ", "cAsA", "casa\n", "\tcasa", "casá")),
    *((spelling, "comércio") for spelling in ("comércio", "comercio", "Comércio", "COMERCIO", "COMÉRCIO", "come\u0301rcio")),
    *((spelling, "sítio") for spelling in ("sítio", "sitio", "Sítio", "SITIO", "sÍtio", "si\u0301tio", " Sitio")),
    *(
        (spelling, "apartamento")
        for spelling in ("apartamento", "Apartamento", "APARTAMENTO", "apartamento ", "ａｐａｒｔａｍｅｎｔｏ")
    ),
    *((spelling, "Galpão Industrial") for spelling in ("galpão industrial", "GALPAO INDUSTRIAL", "galpao  industrial")),
    *((spelling, "R$ 1 a 2 mil") for spelling in ("R$ 1 a 2 mil", "r$ 1 a 2 mil", "r$  1 a 2  mil")),
    *((spelling, "não sei") for spelling in ("não sei", "nao sei", "NÃO SEI")),
]
NOT_CHOSEN = [
    *("", " ", "cas", "casas", "uma casa", "casa ou comércio", "casa, comércio", "casinha", "sobrado", "apto", "ap", "kitnet"),
    *("comercial", "loja", "sitios", "sítio grande", "galpão", "industrial", "chácara", "fazenda", "terreno", "1", "a", "sim"),
    *("nenhum", "outro", "house", "finca", "R$ 1", "?"),
]


def test_the_table_of_choices_is_long_enough() -> None:
    assert len({value for value, _ in CHOSEN} | set(NOT_CHOSEN)) >= 60


@pytest.mark.parametrize(("value", "option"), CHOSEN, ids=ids(CHOSEN))
def test_an_option_is_known_in_any_case_and_without_accents(value: str, option: str) -> None:
    assert stored(criterion("choice", options=OPTIONS), value) == option


@pytest.mark.parametrize("value", NOT_CHOSEN)
def test_what_is_no_option_is_asked_again(value: str) -> None:
    assert stored(criterion("choice", options=OPTIONS), value) is UNCLEAR


def test_an_alias_is_its_option() -> None:
    wanted = criterion("choice", options=["casa", "apartamento"], aliases={"apartamento": ["apê", "apto"]})
    assert [stored(wanted, value) for value in ("apê", "APTO", "ape", "kitnet")] == ["apartamento"] * 3 + [UNCLEAR]


def test_an_unknown_choice_says_what_there_is_to_choose() -> None:
    with pytest.raises(UnclearAnswerError, match="choose one of: casa, loja"):
        judge(criterion("choice", options=["casa", "loja"]), "sobrado")


@pytest.mark.parametrize(
    ("rule", "value", "qualifies"),
    [
        ({"accept": ["casa", "sítio"]}, "Casa", True),
        ({"accept": ["casa", "sítio"]}, "sitio", True),
        ({"accept": ["casa", "sítio"]}, "apartamento", False),
        ({}, "apartamento", True),
    ],
)
def test_only_accepted_options_qualify(rule: dict[str, list[str]], value: str, qualifies: bool) -> None:
    assert judge(criterion("choice", options=OPTIONS, rule=rule), value).qualifies is qualifies


# --- free text --------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_a_free_text_is_kept_as_said_and_always_qualifies(value: str) -> None:
    assert judge(criterion("text"), value) == Judged(value.strip(), qualifies=True)


@pytest.mark.parametrize("kind", ["text", "number", "money", "yes_no"])
def test_nothing_said_is_no_answer(kind: str) -> None:
    with pytest.raises(UnclearAnswerError, match="the value is empty"):
        judge(criterion(kind), " \n ")


# --- comparing what people type ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Não  SEI\n", "nao sei"),
        ("São Paulo – Água", "sao paulo – agua"),
        ("didn’t `show´", "didn't 'show'"),
        ("“Sim”", '"sim"'),
        ("a\u00a0b", "a b"),
        ("STRASSE ß", "strasse ss"),
    ],
)
def test_folding_makes_equal_what_people_type_differently(text: str, folded: str) -> None:
    assert fold(text) == folded


@settings(deadline=None)
@given(st.text())
@example("㎒")
@example("｀")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


# --- where a customer stands ------------------------------------------------------------------------------------------


def answers(**qualifies: bool) -> list[Answer]:
    return [Answer(criterion=name, value=f"{name}!", qualifies=good) for name, good in qualifies.items()]


def stands(*given_answers: Answer) -> tuple[Standing, list[str], tuple[str, ...]]:
    found = standing(shipped(), given_answers)
    return found.standing, [c.name for c in found.missing], found.failed


def test_a_new_customer_misses_everything_in_the_order_of_the_file() -> None:
    assert stands() == (Standing.MISSING, ["bill", "property", "owner"], ())


def test_what_was_answered_is_not_missing_any_more() -> None:
    assert stands(*answers(property=True)) == (Standing.MISSING, ["bill", "owner"], ())


def test_all_good_answers_qualify() -> None:
    found = standing(shipped(), answers(bill=True, property=True, owner=True))
    assert found == Qualification(Standing.OK, (), {"bill": "bill!", "property": "property!", "owner": "owner!"}, ())


def test_one_bad_answer_rules_out_and_nothing_more_is_asked() -> None:
    assert stands(*answers(bill=False)) == (Standing.FAILED, [], ("bill",))
    assert stands(*answers(bill=True, property=False, owner=False)) == (Standing.FAILED, [], ("property", "owner"))


def test_an_answer_to_a_criterion_that_is_no_longer_asked_rules_nobody_out() -> None:
    assert stands(*answers(bill=True, property=True, owner=True, roof=False)) == (Standing.OK, [], ())


def test_an_optional_criterion_is_asked_but_holds_nobody_up_and_rules_nobody_out() -> None:
    criteria = tuple(c.model_copy(update={"required": c.name != "owner"}) for c in shipped().qualification)
    business = shipped().model_copy(update={"qualification": criteria})
    without = standing(business, answers(bill=True, property=True))
    assert (without.standing, [c.name for c in without.missing]) == (Standing.OK, ["owner"])
    assert standing(business, answers(bill=True, property=True, owner=False)).standing is Standing.OK


def test_without_criteria_everybody_qualifies() -> None:
    assert standing(shipped().model_copy(update={"qualification": ()}), []).standing is Standing.OK


# --- storing ----------------------------------------------------------------------------------------------------------


def test_a_later_answer_replaces_the_earlier_one_with_its_own_evidence(tmp_path: Path) -> None:
    bill = shipped().qualification[0]

    async def record() -> list[tuple[str, bool, str, bool, Any]]:
        clock = Clock()
        async with database(tmp_path) as db:
            customer_id = await add_customer(db, clock())
            first = await add_message(db, customer_id, "uns 200", clock())
            second = await add_message(db, customer_id, "não, 800", clock())
            for value, quote, message_id in (("200", "uns 200", first), ("800", "800", second)):
                async with db.transaction() as session:
                    customer = await session.get_one(Customer, customer_id)
                    message = await session.get_one(Message, message_id)
                    await record_answer(session, customer, bill, judge(bill, value), quote, message, clock())
                clock.advance(minutes=1)
            async with db.transaction() as session:
                customer = await session.get_one(Customer, customer_id)
                stored_rows = list(await session.scalars(select(Answer)))
                assert [row.id for row in await answers_of(session, customer)] == [row.id for row in stored_rows]
            return [(a.value, a.qualifies, a.quote, a.message_id == second, a.recorded_at) for a in stored_rows]

    assert asyncio.run(record()) == [("R$ 800,00", True, "800", True, at("2026-03-09 08:01"))]
