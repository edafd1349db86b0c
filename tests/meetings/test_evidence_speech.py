"""What customers deny, wish, ask, had once or say of others proves nothing; the natural ways to say it of oneself still do."""

import pytest
from test_evidence import ASKED, CRITERIA, newest_evidence, proven, said

from meetings.evidence import proves
from meetings.qualification import UnclearAnswerError, judge

# Value taken by a model, what was said.
NO_AMOUNT = [
    # denied
    *(
        ("300", "não pago 300"),
        ("300", "não é 300"),
        ("300", "nem 300"),
        ("300", "eu não pago mais 300 reais"),
        ("300", "300 não"),
    ),
    *(("300", "não pago R$ 300"), ("300", "n pago nem 300 reais"), ("300", "nunca paguei 300"), ("300", "300 não é")),
    *(("800", "no llega a 800"), ("800", "no pago 800"), ("800", "no son 800 reales"), ("300", "ni 300"), ("300", "llega a 300")),
    *(("800", "just shy of 800"), ("300", "I don't pay 300"), ("300", "it's not 300"), ("300", "it isn't 300 reais")),
    # wished, imagined, asked
    *(
        ("300", "gostaria de pagar 300"),
        ("300", "queria pagar uns 300"),
        ("300", "se fosse 300 eu pagava"),
        ("300", "o ideal seria 300"),
    ),
    *(
        ("300", "quero que venha 300"),
        ("300", "vai ficar em 300"),
        ("300", "quero economizar 300 reais"),
        ("300", "e se for 300?"),
    ),
    *(("300", "300?"), ("300", "conta de 300 serve?"), ("300", "quisiera pagar 300"), ("300", "ojalá fueran 300")),
    *(
        ("300", "I'd like to pay 300, I wish it was 300"),
        ("300", "if it was 300 reais"),
        ("300", "does 300 work?"),
        ("300", "¿sirve con 300?"),
    ),
    # of earlier times
    *(
        ("300", "antes era 300, agora é 150"),
        ("300", "pagava 300"),
        ("300", "ano passado vinha 300"),
        ("300", "antes pagaba 300"),
    ),
    *(
        ("300", "I used to pay 300"),
        ("300", "it was 300, now it's 150"),
        ("300", "foi 300, agora é 150"),
        ("300", "previously 300 reais"),
    ),
    # of another period, unit or thing
    *(
        ("500", "500 a cada dois meses"),
        ("500", "500 de dois em dois meses"),
        ("3000", "3000 por ano"),
        ("500", "500 reais por bimestre"),
    ),
    *(
        ("500", "a cada dois meses vem 500"),
        ("500", "500 cada dos meses"),
        ("500", "500 every two months"),
        ("9600", "9600 a year"),
    ),
    *(
        ("1200", "moro no número 1200"),
        ("300", "300 metros quadrados de telhado"),
        ("300", "300 m2"),
        ("300", "são 300 pessoas aqui"),
    ),
    *(("350", "350 pesos"), ("300", "300 watts"), ("400", "400 amperes"), ("300", "300 square feet"), ("500", "500 personas")),
    *(
        ("1500", "pago 1500 de aluguel"),
        ("300", "a internet custa 300"),
        ("3000", "meu salário é 3000"),
        ("800", "condomínio de 800"),
    ),
    *(("1500", "pago 1500 de alquiler"), ("1500", "1500 for rent"), ("300", "apto 300"), ("250", "gasto 250 por semana")),
    # of somebody else
    *(
        ("800", "minha vizinha paga 800"),
        ("800", "meu irmão paga 800"),
        ("800", "a conta do vizinho é 800"),
        ("800", "mi vecina paga 800"),
    ),
    *(("800", "my neighbour pays 800"), ("800", "um amigo meu paga 800 de luz"), ("800", "my brother pays 800 a month")),
]
AMOUNT = [
    *(
        ("800", "pago 800"),
        ("800", "uns 800"),
        ("800", "800"),
        ("800", "800 reais"),
        ("800", "da uns 800 por mês"),
        ("800", "oitocentos"),
    ),
    *(("800", "não sei ao certo, uns 800"), ("800", "não lembro exatamente uns 800"), ("800", "não sei direito mas vem 800")),
    *(
        ("800", "se não me engano 800"),
        ("800", "acho que 800"),
        ("800", "uns 800, né?"),
        ("800", "pago 800 né?"),
        ("800", "não, 800"),
    ),
    *(
        ("800", "mês passado veio 800"),
        ("800", "a última foi 800"),
        ("800", "foi 800 esse mês"),
        ("800", "800 todo mês"),
        ("800", "na faixa de 800"),
    ),
    *(("800", "pago 800, dá pra atender?"), ("800", "minha conta é 800 vocês atendem?"), ("800", "quero economizar, pago 800")),
    *(("800", "quero economizar pago 800 de luz"), ("150", "antes era 300, agora é 150"), ("800", "era 300 mas agora é 800")),
    *(("800", "moro com minha irmã e pago 800"), ("800", "meu marido paga uns 800"), ("800", "minha esposa disse que vem 800")),
    *(
        ("300", "pago 300 de luz e 100 de água"),
        ("800", "800 de energia"),
        ("800", "pago 800 por mês, 9600 por ano"),
        ("800", "800 conto"),
    ),
    *(
        ("800", "no inverno pago 800"),
        ("800", "aqui em casa dá 800"),
        ("800", "são 800 reais e somos 4 pessoas"),
        ("800", "gira em torno de 800"),
    ),
    *(
        ("800", "no sé bien, unos 800"),
        ("800", "pago 800 al mes"),
        ("800", "si no me equivoco 800"),
        ("800", "el mes pasado fue 800"),
    ),
    *(("800", "mi factura es de 800 reales"), ("800", "me viene 800"), ("800", "unos ochocientos"), ("800", "son 800")),
    *(
        ("800", "I'm not sure, about 800"),
        ("800", "if I remember correctly 800"),
        ("800", "I pay 800 a month"),
        ("800", "around 800"),
    ),
    *(
        ("800", "last month it was 800"),
        ("800", "my bill is 800, do you cover that?"),
        ("800", "eight hundred"),
        ("1200", "mil e duzentos reais"),
    ),
]

NO_CHOICE = [
    *(
        ("casa", "casa não, apartamento"),
        ("casa", "casa não é"),
        ("casa", "casa não"),
        ("casa", "casa não tenho"),
        ("casa", "casa no, apartamento"),
    ),
    *(
        ("casa", "estou em casa agora, é um apê"),
        ("casa", "tô em casa"),
        ("casa", "cheguei em casa"),
        ("casa", "quando eu estiver em casa eu vejo"),
    ),
    *(
        ("comércio", "vendi minha loja"),
        ("comércio", "tinha uma padaria"),
        ("comércio", "fechei o restaurante"),
        ("comércio", "vou no mercado"),
    ),
    *(
        ("comércio", "trabalho numa loja"),
        ("comércio", "trabajo en una tienda"),
        ("comércio", "I work at a shop"),
        ("comércio", "I sold my shop"),
    ),
    *(
        ("casa", "moro em apartamento mas quero comprar casa"),
        ("casa", "quero comprar uma casa"),
        ("casa", "vou morar em casa ano que vem"),
    ),
    *(
        ("casa", "se fosse casa"),
        ("casa", "quem dera uma casa"),
        ("casa", "quiero comprar una casa"),
        ("casa", "I want to buy a house"),
    ),
    *(
        ("casa", "I used to live in a house"),
        ("casa", "antes morava em casa"),
        ("casa", "meu irmão mora em casa"),
        ("casa", "sou dona de casa"),
    ),
    *(
        ("casa", "serve pra casa?"),
        ("casa", "vocês instalam em casa?"),
        ("sítio", "tive um sítio"),
        ("sítio", "minha vizinha tem um sítio"),
    ),
    *(("casa", "estoy en casa"), ("casa", "soy ama de casa"), ("casa", "casa ou apartamento?"), ("casa", "em casa somos quatro")),
]
CHOICE = [
    *(
        ("casa", "moro em casa"),
        ("casa", "casa"),
        ("casa", "é casa, dá?"),
        ("casa", "casa sim"),
        ("casa", "é casa, não apartamento"),
    ),
    *(("casa", "quero instalar na minha casa"), ("casa", "queria um orçamento pra minha casa"), ("casa", "é pra minha casa")),
    *(
        ("casa", "acabei de comprar uma casa"),
        ("casa", "comprei uma casa"),
        ("casa", "minha casa tem telhado bom"),
        ("casa", "tenho uma casa"),
    ),
    *(
        ("casa", "não é apartamento, é casa"),
        ("casa", "vivo en una casa"),
        ("casa", "vivo en casa"),
        ("casa", "I live in a house"),
        ("casa", "it's a house"),
    ),
    *(("casa", "moro com minha irmã e é minha casa"), ("casa", "vou instalar na minha casa"), ("casa", "a gente mora numa casa")),
    *(
        ("comércio", "tenho uma loja"),
        ("comércio", "é pro meu restaurante"),
        ("comércio", "es mi tienda"),
        ("comércio", "I have a shop"),
    ),
    *(
        ("sítio", "é um sítio em Cotia"),
        ("sítio", "tenho uma chácara"),
        ("sítio", "it's a farm"),
        ("apartamento", "estou morando num apartamento"),
    ),
    *(("apartamento", "moro em apartamento mas quero comprar casa"), ("apartamento", "casa não, apartamento")),
]

NO_YES = [
    *("queria ser o dono", "quem dera ser dono", "se eu fosse o dono", "vou ser o dono em breve", "era o dono até ontem"),
    *("sou genro da dona", "meu nome está na fila", "sou administrador do imóvel", "sou o síndico", "sou a nora da proprietária"),
    *("sou o zelador", "sou corretor", "minha conta é 800", "vou falar com o dono", "o dono viajou", "a dona mora em Santos"),
    *("sou casado", "tenho 3 filhos", "temos dois carros", "sou o dono?", "quem é o dono?", "já fui o dono", "quase dono"),
    *("preciso perguntar pro dono", "meu marido resolve isso", "minha casa é da imobiliária", "isso é caro"),
    *(
        "quisiera ser el dueño",
        "ojalá fuera mío",
        "era el dueño",
        "soy el yerno del dueño",
        "soy el encargado",
        "voy a ser el dueño",
    ),
    *(
        "I wish I owned it",
        "I used to own it",
        "I was the owner",
        "I'm the manager",
        "I'm the owner's son",
        "I will be the owner",
    ),
    *("if I were the owner", "I have a house", "I'd love to be the owner", "estou comprando o imóvel, vai ser meu"),
]
YES = [
    *(
        "sou o dono",
        "sou a dona sim",
        "sou o dono né?",
        "é minha",
        "a casa é minha",
        "sou proprietária do imóvel",
        "eu mesmo sou o dono",
    ),
    *("o dono sou eu", "dono", "a dona", "proprietário", "é minha, quase quitada", "a casa é minha desde 2010", "tá no meu nome"),
    *(
        "somos os donos",
        "eu e meu marido somos donos",
        "imóvel próprio",
        "casa própria",
        "é toda minha",
        "sou sim, pode vir quando?",
    ),
    *(
        "o imóvel é meu sim",
        "está em meu nome",
        "é uma casa e sou o dono",
        "claro, sou eu",
        "sim, a casa está quitada",
        "comprei e agora é minha",
    ),
    *(
        "soy la dueña",
        "sí, soy el dueño",
        "si soy el dueño",
        "es mía",
        "somos propietarios",
        "está a mi nombre, soy la propietaria",
    ),
    *("I own it", "we own the house", "it's mine", "I'm the owner", "it's my own house", "yes I do", "yes, I'm the owner"),
]


@pytest.mark.parametrize(("value", "message"), NO_AMOUNT)
def test_an_amount_of_something_else_proves_nothing(value: str, message: str) -> None:
    assert not proven("bill", value, message, asked=ASKED["bill"])
    assert not proven("bill", value, message, quote=quoted(value, message), asked=ASKED["bill"])


@pytest.mark.parametrize(("value", "message"), AMOUNT)
def test_an_amount_said_naturally_still_counts(value: str, message: str) -> None:
    assert proven("bill", value, message, asked=ASKED["bill"])
    assert proven("bill", value, message, quote=quoted(value, message), asked=ASKED["bill"])


def quoted(value: str, message: str) -> str | None:
    """The amount cut out of the message, as a model might; None when it stands in words."""
    return value if value in message else None


@pytest.mark.parametrize(("value", "message"), NO_CHOICE)
def test_an_option_that_is_denied_wished_for_or_elsewhere_proves_nothing(value: str, message: str) -> None:
    assert not proven("property", value, message, asked=ASKED["property"])


@pytest.mark.parametrize(("value", "message"), CHOICE)
def test_an_option_said_naturally_still_counts(value: str, message: str) -> None:
    assert proven("property", value, message, asked=ASKED["property"])


@pytest.mark.parametrize("message", NO_YES)
def test_who_is_no_owner_now_proves_no_yes(message: str) -> None:
    assert not proven("owner", "sim", message)
    assert not proven("owner", "sim", message, asked=ASKED["owner"])


@pytest.mark.parametrize("message", YES)
def test_an_owner_who_says_so_naturally_still_counts(message: str) -> None:
    assert proven("owner", "sim", message, asked=ASKED["owner"])


@pytest.mark.parametrize(
    ("message", "asked", "is_proven"),
    [
        ("800", None, False),
        ("800", ASKED["owner"], False),
        ("1200", "Qual o número da casa?", False),
        ("800", ASKED["bill"], True),
        ("800", "Quanto você paga de luz por mês?", True),
        ("800", "How much do you pay?", True),
        ("R$ 800", None, True),
        ("800 reais", ASKED["owner"], True),
        ("pago 800", None, True),
        ("minha conta é 800", ASKED["owner"], True),
    ],
)
def test_a_number_is_money_when_it_says_so_or_was_asked_so(message: str, asked: str | None, is_proven: bool) -> None:
    value = "1200" if "1200" in message else "800"
    assert proven("bill", value, message, asked=asked) is is_proven


@pytest.mark.parametrize("value", ["350 pesos", "300 m2", "300 metros", "300 watts", "50 libras"])
def test_what_is_no_money_of_ours_is_no_value_either(value: str) -> None:
    with pytest.raises(UnclearAnswerError):
        judge(CRITERIA["bill"], value)


def test_somebody_who_denies_everything_qualifies_for_nothing() -> None:
    talk = said("não pago 300. casa não, apartamento. queria ser o dono")
    for name, value, quote in (("bill", "300", "300"), ("property", "casa", "casa"), ("owner", "sim", "o dono")):
        evidence = newest_evidence(quote, talk)
        assert evidence is not None
        assert not proves(CRITERIA[name], judge(CRITERIA[name], value), evidence)
