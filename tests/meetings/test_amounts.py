"""Numbers as people write them: in digits, in words, half and half; and which of them nobody may take for exact."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meetings.amounts import mentions, only_exact
from meetings.qualification import fold

EXACT = [
    # Portuguese
    *(("mil e duzentos", 1200), ("oitocentos reais", 800), ("uns 800", 800), ("uns oitocentos", 800), ("dois mil", 2000)),
    *(("duas mil", 2000), ("mil duzentos e cinquenta", 1250), ("um mil duzentos e cinquenta", 1250), ("cem", 100)),
    *(("cento e oitenta e três", 183), ("duzentos e dez", 210), ("setecentos e noventa e nove reais", 799), ("mil", 1000)),
    *(("cinquenta mil", 50_000), ("um milhão e duzentos mil", 1_200_000), ("vinte e um", 21), ("quatorze", 14), ("uma", 1)),
    *(("dois mil e quinhentos por mês", 2500), ("acho que oitocentos", 800), ("mais ou menos mil", 1000), ("cerca de mil", 1000)),
    # Spanish
    *(
        ("dos mil quinientos", 2500),
        ("ochocientos cincuenta", 850),
        ("mil doscientos", 1200),
        ("veintidós", 22),
        ("once mil", 11_000),
    ),
    *(("unos novecientos", 900), ("somos dos", 2), ("treinta y cinco", 35), ("un millón", 1_000_000)),
    # English
    *(("twelve hundred", 1200), ("a thousand two hundred", 1200), ("eight hundred and fifty", 850), ("twenty-five", 25)),
    *(("about nine hundred", 900), ("one thousand five hundred", 1500)),
    # half and half
    *(("2 mil", 2000), ("1,5 mil", 1500), ("1.5k", 1500), ("2k", 2000), ("2 mil e 500", 2500), ("mil e 200", 1200)),
    *(("duzentos e 50", 250), ("R$ 2 mil", 2000), ("R$ 1.491,00", 1491), ("800 conto", 800), ("paga 1200,00.", 1200)),
]
VAGUE = [
    *(
        "dois mil e pouco",
        "mil e poucos",
        "mil e pouquinho",
        "uns mil e poucos",
        "mil e tanto",
        "mil e alguma coisa",
        "2 mil e pouco",
    ),
    *(
        "mil reais e pouco",
        "mil e meio",
        "dois mil e meio",
        "mil e quinhentos e pouco",
        "quase mil",
        "quase uns 800",
        "menos de mil",
    ),
    *("mais de oitocentos", "mais dos mil", "acima de mil", "até uns mil", "no máximo mil", "mil no máximo", "passa de mil"),
    *("passa um pouco de mil", "a partir de mil", "oitocentos ou mais", "mil pra cima", "pelo menos mil", "beirando os mil"),
    *("mil y pico", "casi mil", "más de mil", "hasta dos mil", "mil o más", "dos mil y algo"),
    *("almost a thousand", "over twelve hundred", "a thousand and something", "up to nine hundred", "under a thousand"),
]
RANGES = [
    *("entre 800 e mil", "oitocentos a mil", "800 ou 900", "oitocentos e mil", "de 800 até 1000", "800-900", "800/900"),
    *("entre ochocientos y mil", "800 o 900", "between eight hundred and a thousand", "800 to 900", "dois e quinhentos", "1e3"),
]
NO_NUMBERS = [
    *(
        "é uma casa",
        "um apartamento",
        "mil gracias",
        "mil desculpas",
        "por cento",
        "it is a house",
        "one of them",
        "once a month",
    ),
    *("a casa dos meus pais", "depende", "k", "", "?"),
]


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_a_number_is_read_however_it_is_written(text: str, value: int) -> None:
    assert only_exact(fold(text)) == value


@pytest.mark.parametrize("text", VAGUE)
def test_what_is_vague_is_seen_but_not_exact(text: str) -> None:
    (mention,) = mentions(fold(text))
    assert not mention.is_exact
    assert only_exact(fold(text)) is None


@pytest.mark.parametrize("text", RANGES)
def test_neither_end_of_a_range_is_exact(text: str) -> None:
    found = mentions(fold(text))
    assert len(found) == 2
    assert not any(mention.is_exact for mention in found)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert mentions(fold(text)) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("pago oitocentos e somos quatro pessoas", [800, 4]),
        ("800 e 3 quartos", [800, 3]),
        ("mil e duzentos reais e trinta centavos", [1200, 30]),
        ("oitocentos, novecentos no verão", [800, 900]),
    ],
)
def test_numbers_of_different_things_stay_apart(text: str, values: list[int]) -> None:
    assert [mention.value for mention in mentions(fold(text)) if mention.is_exact] == values
    assert only_exact(fold(text)) is None


@pytest.mark.parametrize("text", ["300 kWh", "US$ 50", "50 dólares", "10%", "dez por cento", "€ 50", "fifty dollars"])
def test_what_is_not_money_of_ours_is_known(text: str) -> None:
    assert only_exact(fold(text)) is not None
    assert only_exact(fold(text), in_reais=True) is None


_PT = [
    "",
    "um",
    "dois",
    "três",
    "quatro",
    "cinco",
    "seis",
    "sete",
    "oito",
    "nove",
    "dez",
    "onze",
    "doze",
    "treze",
    "catorze",
    "quinze",
]
_PT += ["dezesseis", "dezessete", "dezoito", "dezenove"]
_PT_TENS = ["", "", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"]
_PT_HUNDREDS = [
    "",
    "cento",
    "duzentos",
    "trezentos",
    "quatrocentos",
    "quinhentos",
    "seiscentos",
    "setecentos",
    "oitocentos",
    "novecentos",
]


def spelt(number: int) -> str:
    """As Brazilians say it, up to 999 999."""
    if number >= 1000:
        thousands = "mil" if number < 2000 else f"{spelt(number // 1000)} mil"
        rest = number % 1000
        return f"{thousands}{' e ' if rest and (rest < 100 or rest % 100 == 0) else ' '}{spelt(rest)}".strip()
    if number == 100:
        return "cem"
    small = _PT[number % 100] if number % 100 < 20 else " e ".join(filter(None, (_PT_TENS[number % 100 // 10], _PT[number % 10])))
    return " e ".join(filter(None, (_PT_HUNDREDS[number // 100], small)))


@settings(deadline=None)
@given(st.integers(1, 999_999))
def test_every_number_that_is_spelt_out_is_read_back(number: int) -> None:
    assert only_exact(fold(f"pago {spelt(number)} reais")) == number or number == 1  # "um real" is an article's "um"


PIECES = [*"0123456789.,-/+%$ekm", " ", " mil ", " e ", " cem ", " dois ", " ou ", "hundred", " pouco"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_whatever_is_written_is_read_without_trouble(text: str) -> None:
    for mention in mentions(fold(text)):
        assert fold(text)[mention.start : mention.end].strip()
