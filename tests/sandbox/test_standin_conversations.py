"""Whole conversations between the stand-in and a small product that executes the tool contract in memory."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sandbox.openai.standin import reply

ZONE = timezone(timedelta(hours=-3))
NOW = datetime(2026, 3, 9, 9, 15, tzinfo=ZONE)  # a Monday
TOOLS = (
    "record_qualification",
    "check_availability",
    "create_meeting",
    "save_link_to_kommo",
    "notify_client",
    "get_meeting",
    "reschedule_meeting",
    "cancel_meeting",
    "hand_off_to_seller",
)
QUESTIONS = {
    "pt-BR": {
        "bill": ("money", "Qual é o valor médio da sua conta de luz?", ""),
        "kind": ("choice", "O imóvel é casa, comércio ou apartamento?", "casa, comércio, apartamento"),
        "owner": ("yes_no", "Você é o dono do imóvel?", ""),
    },
    "es": {
        "bill": ("money", "¿Cuál es el valor promedio de tu factura de luz?", ""),
        "kind": ("choice", "¿El inmueble es casa, comercio o apartamento?", "casa, comercio, apartamento"),
        "owner": ("yes_no", "¿Eres el dueño del inmueble?", ""),
    },
    "en": {
        "bill": ("money", "How much is your electricity bill on average?", ""),
        "kind": ("choice", "Is the property a house, a shop or a flat?", "house, shop, flat"),
        "owner": ("yes_no", "Do you own the property?", ""),
    },
}
WEEKDAYS = {
    "pt-BR": ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    "es": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}
INTRODUCTIONS = {
    "pt-BR": "Sou a Clara, assistente virtual da Sol Claro Energia.",
    "es": "Soy Clara, asistente virtual de Sol Claro Energia.",
    "en": "I am Clara, the virtual assistant of Sol Claro Energia.",
}
PERIODS = {"morning": range(12), "afternoon": range(12, 18), "evening": range(18, 24)}


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=ZONE)


@dataclass
class Product:
    """The other side of the contract: facts, tools, and the rules that a tool enforces."""

    language: str = "pt-BR"
    free: list[datetime] = field(default_factory=lambda: [at(10, 9), at(10, 14), at(11, 10), at(12, 16), at(13, 15)])
    answers: dict[str, str] = field(default_factory=dict)
    offered: list[datetime] = field(default_factory=list)
    meeting: datetime | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    taken_on_create: list[datetime] = field(default_factory=list)

    def customer(self, *texts: str) -> str:
        """One turn: the customer's messages in, the answer out."""
        self.calls = []
        new = [{"role": "user", "content": text} for text in texts]
        start = [
            {"role": "system", "content": "You sell solar energy."},
            *self.history,
            {"role": "system", "content": self._facts()},
            *new,
        ]
        turn: list[dict[str, Any]] = []
        while True:
            body = {"messages": [*start, *turn], "tools": [{"type": "function", "function": {"name": name}} for name in TOOLS]}
            message = reply(body, now=NOW.astimezone(UTC))
            turn.append(message)
            if not message.get("tool_calls"):
                break
            for call in message["tool_calls"]:
                result = self._execute(call["function"]["name"], json.loads(call["function"]["arguments"]), texts)
                turn.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            assert len(self.calls) <= 8
        ids = [call["id"] for message in turn for call in message.get("tool_calls", [])]
        assert len(set(ids)) == len(ids)
        answer = str(turn[-1]["content"])
        self._check_times(answer, "\n".join(str(message["content"]) for message in [*start, *turn[:-1]]))
        self.history += [*new, {"role": "assistant", "content": answer}]
        return answer

    @property
    def tools_called(self) -> list[str]:
        return [name for name, _ in self.calls]

    def label(self, moment: datetime) -> str:
        return f"{WEEKDAYS[self.language][moment.weekday()]}, {moment:%d/%m/%Y, %H:%M}"

    def _check_times(self, answer: str, known: str) -> None:
        for written in re.findall(r"\d{1,2}:\d{2}|\d{1,2}/\d{1,2}", answer):
            assert written in known, f"the answer invents {written}: {answer}"

    def _facts(self) -> str:
        lines = [
            f"now: {NOW.isoformat(timespec='minutes')} | {self.label(NOW)}",
            f"language: {self.language}",
            "company: Sol Claro Energia",
            "customer: Maria",
            f"qualification: {self._standing()}",
            *(f"answered: {name} | {value}" for name, value in self.answers.items()),
            *self._missing_lines(),
            *(f"offered: {line}" for line in self._option_lines()),
            "meeting: none" if self.meeting is None else f"meeting: scheduled | {self._line(self.meeting)} | Ana Ribeiro",
            f"first_contact: {'no' if self.history else 'yes'}",
            *([] if self.history else [f"introduction: {INTRODUCTIONS[self.language]}"]),
        ]
        return "\n".join(["<facts>", *lines, "</facts>"])

    def _standing(self) -> str:
        if "bill" in self.answers and float(self.answers["bill"]) < 250:
            return "failed"
        return "missing" if self._missing_lines() else "ok"

    def _missing_lines(self) -> list[str]:
        asked = QUESTIONS[self.language].items()
        return [
            f"missing: {name} | {kind} | {question}" + (f" | {options}" if options else "")
            for name, (kind, question, options) in asked
            if name not in self.answers
        ]

    def _line(self, moment: datetime) -> str:
        return f"{moment.isoformat(timespec='minutes')} | {self.label(moment)}"

    def _option_lines(self) -> list[str]:
        return [f"{number} | {self._line(moment)}" for number, moment in enumerate(self.offered, start=1)]

    def _execute(self, name: str, arguments: dict[str, Any], texts: tuple[str, ...]) -> str:
        self.calls.append((name, arguments))
        if name == "record_qualification":
            return self._record(arguments, texts)
        if name == "check_availability":
            return self._check(arguments)
        if name in ("create_meeting", "reschedule_meeting"):
            return self._book(name, arguments["option"])
        if name == "get_meeting":
            return f"MEETING: {self.label(self.meeting)}" if self.meeting else "NO_MEETING: there is none"
        if name == "cancel_meeting":
            assert arguments["reason"]
            self.meeting, self.offered = None, []
            self.effects.append("cancelled")
            return "CANCELLED: removed from the calendar"
        self.effects.append(name)
        assert arguments == {} or arguments["reason"]
        return {"save_link_to_kommo": "SAVED: ok", "notify_client": "SENT: ok", "hand_off_to_seller": "HANDED_OFF: ok"}[name]

    def _record(self, arguments: dict[str, Any], texts: tuple[str, ...]) -> str:
        assert any(arguments["quote"] in text for text in texts)
        kind, _, options = QUESTIONS[self.language][arguments["criterion"]]
        value = arguments["value"]
        assert kind != "money" or re.fullmatch(r"\d+(\.\d\d)?", value)
        assert kind != "choice" or value in options.split(", ")
        assert kind != "yes_no" or value in ("yes", "no")
        self.answers[arguments["criterion"]] = value
        if self._standing() == "failed":
            return "NOT_QUALIFIED: the bill is too low"
        left = self._missing_lines()
        return "\n".join(["RECORDED: stored", *left]) if left else "QUALIFIED: a meeting may be booked"

    def _check(self, arguments: dict[str, Any]) -> str:
        day, period = arguments["day"], arguments["period"]
        fitting = [
            moment
            for moment in self.free
            if (day is None or moment.date().isoformat() == day) and (period is None or moment.hour in PERIODS[period])
        ]
        if not fitting:
            return "NONE_FREE: nothing free with that wish"
        self.offered = fitting[:3]
        return "\n".join(["FREE: offer these", *self._option_lines()])

    def _book(self, name: str, option: int) -> str:
        if self._standing() != "ok":
            return "NOT_QUALIFIED: ask first"
        if not 1 <= option <= len(self.offered):
            return "NOT_OFFERED: no such option"
        moment = self.offered[option - 1]
        if moment in self.taken_on_create:
            self.taken_on_create.remove(moment)
            self.free.remove(moment)
            self.offered = self.free[:3]
            return "\n".join(["SLOT_TAKEN: gone", *self._option_lines()])
        if name == "create_meeting" and self.meeting:
            return "ALREADY_BOOKED: there is one"
        self.free.remove(moment)
        self.meeting, self.offered = moment, []
        self.effects.append("booked" if name == "create_meeting" else "moved")
        return "BOOKED: written" if name == "create_meeting" else "MOVED: written"


def qualified(**fields: Any) -> Product:
    product = Product(answers={"bill": "800", "kind": "casa", "owner": "yes"}, **fields)
    product.history = [{"role": "user", "content": "oi"}, {"role": "assistant", "content": "Olá!"}]
    return product


def test_from_hello_to_a_booked_meeting_in_portuguese() -> None:
    product = Product()
    first = product.customer("Oi, boa tarde")
    assert INTRODUCTIONS["pt-BR"] in first
    assert "conta de luz" in first
    assert "O imóvel é" in product.customer("uns 800 reais")
    assert "dono" in product.customer("é uma casa")
    offer = product.customer("sim, sou eu")
    assert product.tools_called == ["record_qualification", "check_availability"]
    assert product.answers == {"bill": "800", "kind": "casa", "owner": "yes"}
    assert "1. terça-feira, 10/03/2026, 09:00" in offer
    ending = product.customer("pode ser terça às 14h")
    assert product.tools_called == ["create_meeting", "save_link_to_kommo", "notify_client"]
    assert product.meeting == at(10, 14)
    assert not re.search(r"\d|terça", ending)
    assert product.customer("obrigada!") == "Por nada! Se precisar, é só me chamar."
    assert product.effects == ["booked", "save_link_to_kommo", "notify_client"]


def test_everything_in_one_message_is_recorded_in_one_turn() -> None:
    product = Product()
    answer = product.customer("Oi! Minha conta é R$ 650, moro em casa, e sou o dono do imóvel")
    assert product.tools_called == ["record_qualification"] * 3 + ["check_availability"]
    assert INTRODUCTIONS["pt-BR"] in answer
    assert "1. " in answer


def test_a_vague_amount_is_asked_back_and_the_answer_still_counts() -> None:
    product = Product()
    product.customer("oi")
    assert "conta de luz" in product.customer("depende do mês")
    assert "conta de luz" in product.customer("entre 300 e 500")
    product.customer("põe 400")
    assert product.answers == {"bill": "400"}


def test_a_low_bill_ends_kindly_and_stays_ended() -> None:
    product = Product()
    product.customer("oi")
    assert "não é a mais indicada" in product.customer("80 reais")
    assert "não é a mais indicada" in product.customer("mas eu queria agendar terça às 14h")
    assert product.effects == []


def test_the_customer_can_ask_for_another_day_before_booking() -> None:
    product = qualified()
    product.customer("quero agendar")
    assert "dia e período" in product.customer("nenhum desses")
    assert "sexta-feira, 13/03/2026, 15:00" in product.customer("sexta")
    product.customer("1")
    assert product.meeting == at(13, 15)


def test_a_full_day_is_said_and_other_times_are_offered() -> None:
    product = qualified()
    answer = product.customer("tem no sábado?")
    assert product.tools_called == ["check_availability", "check_availability"]
    assert "não há horário livre" in answer
    assert "1. " in answer


def test_a_slot_that_is_taken_meanwhile_leads_to_another_choice() -> None:
    product = qualified(taken_on_create=[at(10, 14)])
    product.customer("quero agendar")
    answer = product.customer("a 2")
    assert "acabou de ser ocupado" in answer
    assert product.meeting is None
    product.customer("quarta às 10h")
    assert product.meeting == at(11, 10)


def test_a_meeting_is_moved_to_a_day_the_customer_names() -> None:
    product = qualified(meeting=at(10, 14))
    assert "quinta-feira, 12/03/2026, 16:00" in product.customer("Preciso remarcar para quinta")
    ending = product.customer("a 1, pode ser")
    assert product.tools_called == ["reschedule_meeting"]
    assert product.meeting == at(12, 16)
    assert not re.search(r"\d|quinta", ending)
    assert product.effects == ["moved"]


def test_a_meeting_is_moved_after_looking_at_two_days() -> None:
    product = qualified(meeting=at(10, 14))
    product.customer("surgiu um imprevisto na terça, dá para mudar o dia?")
    assert "dia e período" in product.customer("outro dia")
    assert "13/03" in product.customer("sexta à tarde")
    product.customer("quero essa de sexta")
    assert product.meeting == at(13, 15)


def test_a_meeting_is_cancelled_after_one_confirmation() -> None:
    product = qualified(meeting=at(10, 14))
    assert "cancelar" in product.customer("não vou mais poder ir")
    assert product.effects == []
    product.customer("sim, por favor")
    assert product.calls == [("cancel_meeting", {"reason": "não vou mais poder ir"})]
    assert product.meeting is None
    assert "Não encontrei nenhuma reunião" in product.customer("quando é a reunião?")


def test_a_cancellation_that_is_refused_leaves_the_meeting() -> None:
    product = qualified(meeting=at(10, 14))
    product.customer("cancelar")
    product.customer("não, deixa assim")
    assert product.meeting == at(10, 14)
    assert "10/03/2026, 14:00" in product.customer("que horas é a visita?")
    assert product.tools_called == ["get_meeting"]


def test_a_cancelled_customer_can_book_again() -> None:
    product = qualified(meeting=at(10, 14))
    product.customer("quero cancelar a reunião")
    product.customer("na verdade quero agendar outro dia, pode ser quinta?")
    product.customer("1")
    assert product.meeting == at(12, 16)
    assert product.effects == ["cancelled", "booked", "save_link_to_kommo", "notify_client"]


def test_a_person_takes_over_in_the_middle_of_the_questions() -> None:
    product = Product()
    product.customer("oi")
    assert "pessoa da equipe" in product.customer("prefiro falar com um atendente")
    assert product.effects == ["hand_off_to_seller"]
    assert product.answers == {}


@pytest.mark.parametrize(
    ("language", "turns", "words"),
    [
        (
            "es",
            ["Hola, buenas tardes", "unos 800", "es una casa", "sí, soy yo", "el martes a las 14"],
            ["factura de luz", "inmueble", "dueño", "Tengo estos horarios", "¡Todo listo, Maria!"],
        ),
        (
            "en",
            ["Hi there", "about 800", "it's a house", "yes, I do", "Tuesday at 2pm"],
            ["electricity bill", "property", "own", "These times are free", "All set, Maria!"],
        ),
    ],
)
def test_a_booking_in_another_language(language: str, turns: list[str], words: list[str]) -> None:
    product = Product(language=language)
    for turn, word in zip(turns, words, strict=True):
        assert word in product.customer(turn)
    assert product.meeting == at(10, 14)
    assert product.effects == ["booked", "save_link_to_kommo", "notify_client"]
