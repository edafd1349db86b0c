"""A customer's words prove a value, prove nothing, or say the opposite; read where they stand, not as a model cut them out."""

from collections.abc import Sequence

import pytest
from meeting_scene import shipped

from meetings.business import Criterion
from meetings.evidence import Evidence, find_evidence, proves
from meetings.qualification import judge
from meetings.tables import Author, Message, MessageState

CRITERIA = {criterion.name: criterion for criterion in shipped().qualification}
ASKED = {name: criterion.question["pt-BR"] for name, criterion in CRITERIA.items()}


def said(*texts: str, author: Author = Author.CUSTOMER) -> list[Message]:
    return [Message(id=n, author=author, text=text, state=MessageState.NEW) for n, text in enumerate(texts, 1)]


def newest_evidence(quote: str, messages: Sequence[Message]) -> Evidence | None:
    return next(find_evidence(quote, messages), None)


def proven(criterion: str | Criterion, value: str, message: str, *, quote: str | None = None, asked: str | None = None) -> bool:
    """Whether the message, or the quoted part of it, proves the value; `asked` is what we wrote before it."""
    wanted = CRITERIA[criterion] if isinstance(criterion, str) else criterion
    talk = [*(said(asked, author=Author.AGENT) if asked else []), *said(message)]
    evidence = newest_evidence(quote or message, talk)
    assert evidence is not None
    return proves(wanted, judge(wanted, value), evidence)


# --- where the words stand --------------------------------------------------------------------------------------------


TALK = said("Oi, tudo bem?", "Pago uns R$ 800 por mês", "É casa, e é “minha” mesmo", "don’t know", "1800 no verão")


@pytest.mark.parametrize(
    ("quote", "message_id"),
    [
        ("uns R$ 800 por mês", 2),
        ("R$ 800", 2),
        ("UNS R$ 800 POR MES", 2),
        ("uns  R$ 800\npor mês", 2),
        ('"Pago uns R$ 800 por mês."', 2),
        ("“Pago uns R$ 800”", 2),
        ("é casa", 3),
        ('é "minha" mesmo', 3),
        ("don't know", 4),  # phones write the curly one
        ("1800", 5),
        # never said
        ("R$ 900", None),
        ("uns 800", None),
        ("minha casa", None),
        # a part of a word is not the customer's word
        ("80", None),
        ("0", None),
        ("o", None),
        ("cas", None),
        # nothing
        ("", None),
        (" .!? ", None),
        ("“”", None),
    ],
)
def test_a_quote_must_stand_in_a_message_of_the_customer(quote: str, message_id: int | None) -> None:
    source = newest_evidence(quote, TALK)
    assert (source and source.message.id) == message_id


def test_the_newest_message_with_the_words_proves_them() -> None:
    source = newest_evidence("800", said("800", "não, 900", "quer dizer, 800 mesmo", "ok"))
    assert source is not None
    assert source.message.id == 3


@pytest.mark.parametrize("author", [Author.AGENT, Author.SELLER, Author.SYSTEM])
def test_what_somebody_else_said_proves_nothing(author: Author) -> None:
    assert newest_evidence("R$ 800", said("Sua conta é R$ 800?", author=author)) is None


@pytest.mark.parametrize(
    ("quote", "message", "clause"),
    [
        ("sou o dono", "Não sou o dono", "nao sou o dono"),
        ("sou o dono", "casa, sou o dono, conta de 800", "sou o dono"),
        ("sou o dono", "é casa\nsou o dono\nda rua 5", "sou o dono"),
        ("mil", "dá uns mil e pouco. É caro!", "da uns mil e pouco"),
        ("1.491,00", "pago R$ 1.491,00 por mês", "pago r$ 1.491,00 por mes"),
        ("casa", "não é casa mas é comércio", "nao e casa"),
    ],
)
def test_words_are_read_with_what_stands_around_them(quote: str, message: str, clause: str) -> None:
    evidence = newest_evidence(quote, said(message))
    assert evidence is not None
    assert evidence.clause == clause


@pytest.mark.parametrize(
    ("talk", "asked"),
    [
        ([("agent", "Oi!"), ("customer", "oi"), ("agent", "Você é o dono?"), ("customer", "sim")], "voce e o dono?"),
        ([("agent", "Qual o valor?"), ("agent", "E o imóvel?"), ("customer", "sim")], "qual o valor? e o imovel?"),
        ([("agent", "É sua?"), ("customer", "olha"), ("customer", "sim")], "e sua?"),
        ([("customer", "sim")], ""),
    ],
)
def test_a_message_answers_what_we_wrote_last_before_it(talk: Sequence[tuple[str, str]], asked: str) -> None:
    evidence = newest_evidence("sim", [Message(author=Author(who), text=text) for who, text in talk])
    assert evidence is not None
    assert evidence.asked == asked


# --- amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message", "quote", "is_proven"),
    [
        ("1200", "uns mil e duzentos reais", "mil e duzentos", True),
        ("mil e duzentos", "uns mil e duzentos reais", "mil e duzentos reais", True),
        ("800", "uns 800 reais", None, True),
        ("1491", "R$ 1.491,00", None, True),
        ("2500", "pago dos mil quinientos", "dos mil quinientos", True),
        ("1200", "about twelve hundred", None, True),
        ("1500", "1,5 mil", None, True),
        ("800", "oitocentos no inverno, mil no verão", "oitocentos no inverno", True),
        # another value, or a vague one that was cut to look exact
        ("1200", "mil e trezentos", None, False),
        ("1000", "uns mil e pouco", "mil", False),
        ("1200", "mil e duzentos e pouco", "mil e duzentos", False),
        ("2000", "dois mil e pouco", "dois mil", False),
        ("1000", "quase mil", "mil", False),
        ("800", "entre 800 e mil", "800", False),
        ("900", "800 ou 900", "900", False),
        ("300", "gasto 300 kWh", "300", False),
        ("800", "oi", None, False),
    ],
)
def test_an_amount_is_proven_by_the_same_exact_amount(value: str, message: str, quote: str | None, is_proven: bool) -> None:
    assert proven("bill", value, message, quote=quote, asked=ASKED["bill"]) is is_proven


@pytest.mark.parametrize(
    ("asked", "answer", "is_proven"),
    [
        ("Fica em uns R$ 800, é isso?", "isso mesmo", True),
        ("São oitocentos reais, certo?", "sim", True),
        ("São R$ 800, certo?", "não", False),
        ("Fica entre 800 e 900?", "sim", False),
        ("Fica em R$ 900?", "sim", False),
        ("Anotei R$ 800.", "sim", False),
        ("Você é o dono do imóvel?", "sim", False),
    ],
)
def test_a_bare_yes_proves_the_amount_that_we_asked_about(asked: str, answer: str, is_proven: bool) -> None:
    assert proven("bill", "800", answer, asked=asked) is is_proven


# --- yes and no -------------------------------------------------------------------------------------------------------

OWNERS = [
    *("sou o dono", "sim, sou o dono", "é minha", "casa própria", "é própria", "tá no meu nome", "eu e minha esposa somos donos"),
    *("sou sim", "sou eu", "soy el dueño", "es mía", "I own it", "yes, it's mine", "I am the owner"),
]
NO_OWNERS = [
    *(
        "é da minha mãe",
        "moro de aluguel",
        "é alugado",
        "sou inquilina",
        "não sou o dono",
        "não",
        "alugo",
        "minha sogra é a dona",
    ),
    *(
        "sou filho do dono",
        "é do meu tio",
        "a casa é dela",
        "o dono é outro",
        "tá no nome da minha esposa",
        "n sou",
        "moro de favor",
    ),
    *(
        "no soy el dueño",
        "alquilo",
        "es de mi madre",
        "soy inquilino",
        "it's my dad's",
        "I rent",
        "I'm not the owner",
        "I'm the tenant",
    ),
]
NEITHER = ["oi", "uns 800 reais", "é uma casa", "moro com minha mãe", "não é alugado", "casa y jardín", "É um sítio em Cotia"]


@pytest.mark.parametrize("message", OWNERS)
def test_words_that_say_yes_prove_yes_and_never_no(message: str) -> None:
    assert proven("owner", "sim", message)
    assert not proven("owner", "não", message, asked=ASKED["owner"])


@pytest.mark.parametrize("message", NO_OWNERS)
def test_words_that_say_no_prove_no_and_never_yes(message: str) -> None:
    assert proven("owner", "não", message, asked=ASKED["owner"])
    assert not proven("owner", "sim", message, asked=ASKED["owner"])


@pytest.mark.parametrize("message", NEITHER)
def test_words_that_say_neither_prove_nothing_by_themselves(message: str) -> None:
    assert not proven("owner", "sim", message, asked=ASKED["owner"])
    assert not proven("owner", "não", message)


@pytest.mark.parametrize(
    ("message", "quote"),
    [
        ("não sou o dono", "sou o dono"),
        ("sou o dono não", "sou o dono"),
        ("sim, é da minha mãe", "sim"),
        ("é minha e da minha irmã", "é minha"),
        ("eu moro, mas a dona é minha tia", "a dona"),
    ],
)
def test_a_yes_cannot_be_cut_out_of_words_that_say_otherwise(message: str, quote: str) -> None:
    assert not proven("owner", "sim", message, quote=quote, asked=ASKED["owner"])


@pytest.mark.parametrize(
    ("asked", "is_proven"),
    [
        (ASKED["owner"], True),
        ("E você é a dona da casa?", True),
        ("O imóvel é seu?", True),
        (ASKED["bill"], False),
        ("Posso te fazer umas perguntas?", False),
        ("Obrigada!", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("answer", ["sim", "não"])
def test_a_bare_yes_or_no_answers_what_was_asked_and_nothing_else(asked: str | None, is_proven: bool, answer: str) -> None:
    assert proven("owner", answer, answer, asked=asked) is is_proven


def test_a_bare_yes_may_have_answered_our_question_some_time_ago() -> None:
    talk = [("agent", ASKED["owner"]), ("customer", "sim"), ("agent", "Pode ser terça?"), ("customer", "Sim!")]
    found = list(find_evidence("sim", [Message(author=Author(who), text=text) for who, text in talk]))
    assert [proves(CRITERIA["owner"], judge(CRITERIA["owner"], "sim"), one) for one in found] == [False, True]


def test_of_other_words_what_was_said_last_holds() -> None:
    found = list(find_evidence("sou o dono", said("sou o dono", "na verdade não sou o dono")))
    assert [one.message.id for one in found] == [2]


def test_words_in_no_list_may_rule_out_when_they_answer_our_question_but_never_let_in() -> None:
    message = "a gente divide com o vizinho"
    assert proven("owner", "não", message, asked=ASKED["owner"])
    assert not proven("owner", "não", message, asked=ASKED["bill"])
    assert not proven("owner", "não", message)
    assert not proven("owner", "não", "como assim?", asked=ASKED["owner"])
    assert not proven("owner", "não", "oi", asked=ASKED["owner"])
    assert not proven("owner", "sim", message, asked=ASKED["owner"])


# --- choices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message", "is_proven"),
    [
        ("casa", "é uma casa", True),
        ("casa", "duas casas", True),
        ("comércio", "tenho um ponto comercial", True),
        ("apartamento", "um apto", True),
        ("apto", "moro num apê", True),
        ("apartamento", "es un departamento", True),
        ("comércio", "a shop", True),
        ("sítio", "uma chácara em Cotia", True),
        ("casa", "é uma casa! Apartamento é o do meu irmão", True),
        ("casa", "não é casa", False),
        ("casa", "no es una casa", False),
        ("casa", "it isn't a house", False),
        ("casa", "casa ou apartamento", False),
        ("casa", "vai ter casamento", False),
        ("casa", "um apto", False),
        ("casa", "oi", False),
    ],
)
def test_a_choice_is_proven_by_its_name_or_an_alias(value: str, message: str, is_proven: bool) -> None:
    assert proven("property", value, message) is is_proven


@pytest.mark.parametrize(
    ("asked", "is_proven"),
    [
        ("É uma casa, certo?", True),
        ("É um sobrado?", True),
        (ASKED["property"], False),
        ("É um apartamento?", False),
        (None, False),
    ],
)
def test_a_bare_yes_proves_the_one_option_that_we_named(asked: str | None, is_proven: bool) -> None:
    assert proven("property", "casa", "isso", asked=asked) is is_proven


def test_a_choice_in_no_list_may_rule_out_but_never_let_in() -> None:
    assert proven("property", "apartamento", "uma kitinete no centro", asked=ASKED["property"])
    assert not proven("property", "casa", "uma kitinete no centro", asked=ASKED["property"])
    assert not proven("property", "apartamento", "não é apartamento", asked=ASKED["property"])


# --- free words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message", "is_proven"),
    [("telha de barro", "é telha colonial", True), ("Cotia", "moro em Cotia", True), ("cliente VIP", "oi", False)],
)
def test_free_words_must_have_something_of_what_was_said(value: str, message: str, is_proven: bool) -> None:
    roof = Criterion.model_validate({"name": "roof", "type": "text", "question": "Como é o telhado?"})
    assert proven(roof, value, message) is is_proven
