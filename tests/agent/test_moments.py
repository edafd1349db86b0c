"""How people name days and hours in Portuguese, Spanish and English, and what only looks like it."""

from datetime import date, datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.moments import Mention, mentions
from agent.moments_words import Part

NOW = datetime(2026, 3, 9, 8, tzinfo=ZoneInfo("America/Sao_Paulo"))  # a Monday
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# What a text names: the day (or the weekday), the readings of the hour, the part of the day; mentions apart by ";".
TIMES = {
    "14h": "14:00",
    "14h30": "14:30",
    "às duas e meia da tarde": "14:30",
    "às duas": "02:00|14:00",
    "meio-dia": "12:00",
    "quinze pras três": "02:45|14:45",
    "mañana a las 3": "10/03 03:00|15:00",
    "tres y cuarto": "03:15|15:15",
    "half past two": "02:30|14:30",
    "noon": "12:00",
    "2pm": "14:00",
    "2 p.m.": "14:00",
    "2:30 pm": "14:30",
    "amanhã": "10/03",
    "depois de amanhã": "11/03",
    "sexta que vem": "13/03",
    "dia 12": "12/03",
    "12/3": "12/03",
    "12 de março": "12/03",
    "March 12th": "12/03",
    "na próxima terça": "10/03",
    "hoje à tarde": "09/03 afternoon",
    "no fim do dia": "late",
    "terça-feira, 10 de março de 2026, 14:00": "10/03 14:00",
    "1) terça-feira, 10 de março, 14:00\n2) quarta-feira, 11 de março de 2026, 09:00\nQual prefere?": "10/03 14:00; 11/03 09:00",
    "Terça às 14h ou 15h30?": "tue 14:00; tue 15:30",
    "Pode ser 10/03 às 14:00?": "10/03 14:00",
    "Martes 10 de marzo a las 14:00 o miércoles 11 de marzo a las 9, ¿cuál prefieres?": "10/03 14:00; 11/03 09:00|21:00",
    "Wednesday at 9 works too.": "wed 09:00|21:00",
    "O horário das 14:00 está livre na terça-feira.": "tue 14:00",
    "às 14h de terça ou 9h de quarta": "tue 14:00; wed 09:00|21:00",
    "Terça ou quarta às 9h": "tue 09:00|21:00; wed 09:00|21:00",
    "terça, 10, às 9h": "10/03 09:00|21:00",
    "terça 10 às 14": "10/03 14:00",
    "Para terça-feira, 10 de março, tenho:\n- 14:00\n- 15:30": "10/03; 10/03 14:00; 10/03 15:30",
    "das 9h às 12h": "09:00|21:00; 12:00",
    "entre 14h e 16h": "14:00; 16:00",
    "from 9 to 12": "09:00|21:00; 12:00|00:00",
    "de 9 a 12h": "09:00|21:00; 12:00",
    "às 9 e 30": "09:30|21:30",
    "quarter to three": "02:45|14:45",
    "ten past four": "04:10|16:10",
    "two thirty": "02:30|14:30",
    "nine o'clock": "09:00|21:00",
    "at nine": "09:00|21:00",
    "à uma da tarde": "13:00",
    "a la una": "01:00|13:00",
    "a las dos y media": "02:30|14:30",
    "cuatro menos cuarto": "03:45|15:45",
    "un cuarto para las tres": "02:45|14:45",
    "veinte para las dos": "01:40|13:40",
    "quinze para o meio-dia": "11:45",
    "meio-dia e meia": "12:30",
    "três da tarde": "15:00",
    "10 da manhã": "10:00",
    "8 at night": "20:00",
    "a las 3 de la tarde": "15:00",
    "mañana por la mañana": "10/03 morning",
    "mañana en la tarde a las 3": "10/03 15:00",
    "pasado mañana": "11/03",
    "el martes que viene": "10/03",
    "next Tuesday": "10/03",
    "Tuesday next week": "17/03",
    "terça da semana que vem": "17/03",
    "o dia 10 e 11": "10/03; 11/03",
    "10 e 11 de março": "10/03; 11/03",
    "10 ou 11 de março às 9h": "10/03 09:00|21:00; 11/03 09:00|21:00",
    "the 12th": "12/03",
    "on the 10th of March": "10/03",
    "March 10, 2026 at 14:00": "10/03 14:00",
    "Tuesday, March 10, 2026, 14:00": "10/03 14:00",
    "martes, 10 de marzo de 2026, 14:00": "10/03 14:00",
    "2026-03-10T14:00-03:00": "10/03 14:00",
    "10/03/2026 14:00": "10/03 14:00",
    "*terça-feira* às *14:00*": "tue 14:00",
    "Hoje é segunda-feira, 9 de março": "09/03",
    "amanhã (terça-feira)": "10/03",
    "ter, 10/03": "10/03",
    "Tue, Mar 10": "10/03",
    "Wed 9am": "wed 09:00",
    "2ª-feira": "mon",
    "segunda-feira": "mon",
    "segundas e quartas": "mon; wed",
    "fim de semana": "14/03",
    "semana que vem": "16/03",
    "1º de abril": "01/04",
    "dez de março": "10/03",
    "dia doze": "12/03",
    "esta tarde": "09/03 afternoon",
    "tonight": "09/03 evening",
    "amanhã à tarde às 3": "10/03 15:00",
    "lá pelas 3": "03:00|15:00",
    "por volta das 15h": "15:00",
    "a partir das 14": "14:00",
    "antes das 10 da manhã": "10:00",
    "às 14 ou 15": "14:00; 15:00",
    "2 or 3pm": "02:00|14:00; 15:00",
    "às 18h em ponto": "18:00",
    "daqui a 3 dias": "12/03",
    "na terça tenho 14h e 15h30; às 9h só na quarta": "tue 14:00; tue 15:30; wed 09:00|21:00",
    "Na terça não tenho, mas às 9h de quarta sim": "tue; wed 09:00|21:00",
    "terça de manhã": "tue morning",
    "Tuesday morning": "tue morning",
    "Tengo el 13 de marzo.": "13/03",
    "el 13": "13/03",
    "I have 5 pm.": "17:00",
    "Consigo às 10 horas.": "10:00",
    "à meia-noite": "00:00",
    "duas e meia": "02:30|14:30",
    "14h às 15h": "14:00; 15:00",
    "14:00–15:00": "14:00",
    "três e quinze da tarde": "15:15",
    "de 9h às 18h": "09:00|21:00; 18:00",
    "às 14h e às 15h30": "14:00; 15:30",
    "às quinze horas": "15:00",
    "às vinte horas": "20:00",
    "às 20h30min": "20:30",
    "14 h 30": "14:30",
    "14hs": "14:00",
    "16 hrs": "16:00",
    "at 5": "05:00|17:00",
    "at 5:15": "05:15|17:15",
    "by 3pm": "15:00",
    "until noon": "12:00",
    "midnight": "00:00",
    "a las 15 horas": "15:00",
    "a las 9 y media de la mañana": "09:30",
    "al mediodía": "12:00",
    "a las doce": "12:00|00:00",
    "mediodía y media": "12:30",
    "las tres de la tarde": "15:00",
    "sobre las 5": "05:00|17:00",
    "a eso de las 4": "04:00|16:00",
    "cinco y diez de la tarde": "17:10",
    "ten to nine": "08:50|20:50",
    "five past eight": "08:05|20:05",
    "a quarter past 9": "09:15|21:15",
    "quarter to 3 pm": "14:45",
    "twenty past three": "03:20|15:20",
    "three o'clock in the afternoon": "15:00",
    "nine thirty am": "09:30",
    "eleven am": "11:00",
    "12 noon": "12:00",
    "dez para as quatro": "03:50|15:50",
    "vinte e cinco pras cinco": "04:35|16:35",
    "dez e meia da manhã": "10:30",
    "cinco horas da tarde": "17:00",
    "seis da tarde": "18:00",
    "sete da noite": "19:00",
    "oito e meia da noite": "20:30",
    "uma da madrugada": "01:00",
    "meia-noite e meia": "00:30",
    "logo cedo": "morning",
    "depois do almoço": "afternoon",
    "primeira hora": "morning",
    "fim da tarde": "late",
    "à noite": "evening",
    "de noche": "evening",
    "por la tarde": "afternoon",
    "in the evening": "evening",
    "hoy por la noche": "09/03 evening",
    "mañana al mediodía": "10/03 12:00",
    "ontem às 10h": "08/03 10:00",
    "anteontem": "07/03",
    "ayer": "08/03",
    "yesterday": "08/03",
    "the day after tomorrow": "11/03",
    "last Tuesday": "03/03",
    "terça passada": "03/03",
    "terça agora": "tue",
    "nesta sexta": "13/03",
    "esta quinta-feira": "12/03",
    "this Friday": "13/03",
    "quinta-feira que vem": "12/03",
    "jueves próximo": "12/03",
    "el próximo lunes": "16/03",
    "quarta-feira da próxima semana": "18/03",
    "semana que vem na terça": "17/03",
    "next week on Tuesday": "17/03",
    "fin de semana": "14/03",
    "this week": "09/03",
    "esta semana": "09/03",
    "dias 10, 11 e 12": "10/03; 11/03; 12/03",
    "el día 12": "12/03",
    "el 12 de marzo": "12/03",
    "12/mar": "12/03",
    "10.03.2026": "10/03",
    "10-03-2026": "10/03",
    "10/03/26": "10/03",
    "March 10": "10/03",
    "Mar. 10": "10/03",
    "10 March": "10/03",
    "the tenth of March": "10/03",
    "twelfth of March": "12/03",
    "June 1st": "01/06",
    "May 5": "05/05",
    "5 de mayo": "05/05",
    "primero de abril": "01/04",
    "sábado": "sat",
    "sabados": "sat",
    "domingo": "sun",
    "Sundays": "sun",
    "6ª feira": "fri",
    "3a-feira": "tue",
    "sex 13/03": "13/03",
    "qua. 11/03": "11/03",
    "miércoles 11": "11/03",
    "Tuesday the 10th": "10/03",
    "Tuesday 10th at 2": "10/03 02:00|14:00",
    "two weeks from today": "23/03",
    "in the afternoon": "afternoon",
    "amanhã cedo": "10/03 morning",
    "amanhã 15h": "10/03 15:00",
    "15h amanhã": "10/03 15:00",
    "quarta 9h": "wed 09:00|21:00",
    "às 9 da quarta": "wed 09:00|21:00",
    "9h na quarta-feira, 11/03": "11/03 09:00|21:00",
    "terça, 14h": "tue 14:00",
    "terça-feira (10/03) às 14h": "10/03 14:00",
    "terça 10/03 14h": "10/03 14:00",
    "às 14h00": "14:00",
    "14H": "14:00",
    "ÀS 14H": "14:00",
    "TERÇA-FEIRA": "tue",
    "as 15": "15:00",
    "pras 3 da tarde": "15:00",
    "lá pelas três e meia": "03:30|15:30",
    "a partir das 9h30": "09:30|21:30",
    "até as 18h": "18:00",
    "hoje às 18:30h": "09/03 18:30",
    "12h": "12:00",
    "0h": "00:00",
    "às 24h": "00:00",
    "às 00:30": "00:30",
}
IMPOSSIBLE = [
    "terça, 11 de março de 2026",
    "quarta-feira, 10/03",
    "Tuesday, March 11, 2026",
    "martes 11 de marzo",
    "amanhã, quarta-feira",
    "hoje (terça-feira)",
    "31 de abril",
    "30/02",
    "29 de fevereiro de 2026",
]
NO_TIMES = [
    "60 minutos",
    "2 horas de duração",
    "dura 2 horas",
    "72 parcelas",
    "em 24h respondemos",
    "Respondemos em até 24h.",
    "24/7",
    "24 horas por dia",
    "R$ 14,30",
    "R$ 800 por mês",
    "US$ 15",
    "15 reais",
    "12%",
    "(11) 98765-4321",
    "+55 11 98765-4321",
    "1) sim",
    "opção 3",
    "opções 1, 2 ou 3",
    "Responda com o número: 1, 2 ou 3.",
    "option 2",
    "as 3 opções",
    "As duas opções são boas.",
    "qual das duas?",
    "a segunda opção",
    "segunda via da conta",
    "Rua 15 de Novembro, 200",
    "Av. 9 de Julho, 1200",
    "CEP 04567-000",
    "110/220 V",
    "3/4 do telhado",
    "12 módulos",
    "5 kWp",
    "casa 14",
    "1 hora",
    "uma hora e meia",
    "cerca de 1 hora",
    "la visita dura 60 minutos",
    "about 2 hours",
    "in 3 weeks",
    "em 30 dias",
    "2 dias úteis",
    "boa tarde",
    "bom dia",
    "buenas tardes",
    "good morning",
    "mais tarde",
    "dia a dia",
    "https://exemplo.example/10/03?t=14:00",
    "2 pessoas",
    "at 3 locations",
    "I have 2 questions",
    "the sun is free",
    "vamos ter 10 parcelas",
    "may I help you?",
    "set up",
    "sex, drugs",
    "chegar tarde",
    "até amanhã!",
    "GMT-03:00",
    "Horário de Brasília",
    "3 a 5 dias",
    "de 1 a 2 horas",
    "em segundos",
    "a quarta parte",
    "30 anos de garantia",
    "conta de 14 mil",
    "I will march on",
    "March is fine",
    "one of them",
    "meia hora",
    "half an hour",
    "un cuarto",
    "10x sem juros",
    "item 12",
]


def written(mention: Mention) -> str:
    day = mention.day.strftime("%d/%m") if mention.day else WEEKDAYS[mention.weekday] if mention.weekday is not None else ""
    hours = "|".join(f"{hour:02}:{minute:02}" for hour, minute in mention.times)
    return " ".join(filter(None, [day, hours, mention.part_of_day]))


def named(text: str) -> str:
    return "; ".join(written(mention) for mention in mentions(text, NOW))


def test_the_tables_are_long_enough() -> None:
    assert len(TIMES) >= 150
    assert len(set(NO_TIMES)) >= 40


@pytest.mark.parametrize(("text", "meant"), TIMES.items())
def test_a_day_or_an_hour_is_understood(text: str, meant: str) -> None:
    assert named(text) == meant


@pytest.mark.parametrize("text", TIMES)
def test_capitals_and_bold_change_nothing(text: str) -> None:
    assert named(text.upper()) == TIMES[text]
    assert named(f"*{text}*") == TIMES[text]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_day_that_is_not_in_the_calendar_is_marked(text: str) -> None:
    (mention,) = mentions(text, NOW)
    assert not mention.is_possible
    assert not mention.fits(NOW)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_only_looks_like_a_time_is_passed_over(text: str) -> None:
    assert named(text) == ""


def test_the_reader_can_tell_an_unclear_hour() -> None:
    (unclear,), (clear,) = mentions("às 3", NOW), mentions("às 3 da tarde", NOW)
    assert unclear.is_ambiguous
    assert unclear.times == ((3, 0), (15, 0))
    assert not clear.is_ambiguous
    assert (clear.hour, clear.minute) == (15, 0)


def test_tomorrow_depends_on_now() -> None:
    new_year = datetime(2026, 12, 31, 23, tzinfo=ZoneInfo("America/Sao_Paulo"))
    (mention,) = mentions("amanhã de manhã", new_year)
    assert mention.day == date(2027, 1, 1)
    assert mention.part_of_day is Part.MORNING
    (mention,) = mentions("5 de janeiro", new_year)
    assert mention.day == date(2027, 1, 5)


def test_a_mention_says_where_it_stands() -> None:
    text = "tenho terca as 14h"
    (mention,) = mentions(text, NOW)
    assert text[mention.start : mention.end] == "as 14h"
    assert mention.text == "terca as 14h"


@settings(deadline=None)
@given(st.text(max_size=500))
def test_any_text_is_read_without_a_mistake(text: str) -> None:
    for mention in mentions(text, NOW):
        assert 0 <= mention.start < mention.end


WORDS = st.sampled_from(
    [
        "terça",
        "às",
        "as",
        "14h",
        "14:00",
        "3",
        "10/03",
        "dia",
        "de",
        "março",
        "amanhã",
        "da tarde",
        "e",
        "ou",
        ",",
        "\n",
        "12",
        "meia",
        "1)",
    ]
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_any_mixture_of_time_words_is_read_without_a_mistake(words: list[str]) -> None:
    assert all(mention.times or mention.names_day or mention.part_of_day for mention in mentions(" ".join(words), NOW))


@pytest.mark.parametrize(
    "unit",
    [
        "14h. ",
        "terça às 14h ",
        "1",
        "1 ",
        "a ",
        "de ",
        "10 e 11 e ",
        "dia 1, ",
        "R$ 1",
        "1.",
        "a@",
        "às 3 ou ",
        "rua a ",
        "- ",
        "\n",
        "vinte e ",
    ],
)
def test_long_texts_are_read_in_bounded_work(unit: str) -> None:
    started = perf_counter()
    mentions((unit * 10_000)[:10_000], NOW)
    assert perf_counter() - started < 10  # takes well under one second; a pattern that runs wild takes minutes
