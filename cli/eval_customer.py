"""The customer in an exam, where the agent asks in its own order: one with given answers, and one played by a model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from sqlalchemy import select

from cli.people import People
from cli.scenario import say
from cli.scenario_schema import Said, Scenario, Step
from cli.stack import Stack
from cli.wiring import Service
from meetings.business import Criterion, in_language
from meetings.customers import language_of
from meetings.phones import match_key
from meetings.qualification import answers_of, fold, standing
from meetings.tables import Customer, Meeting, MeetingPhase, MeetingStatus, Offer
from prompts.catalogue import Catalogue
from prompts.labels import when_label

ROUNDS = 8  # answers that one step may take, at most; more means that the agent goes in circles
SIMULATED_ROUNDS = 14  # messages of a customer who is played by a model
_CONFIRMATIONS = 2  # times that a customer answers "yes, really" in one step
# Words of a question that say nothing of what it is about.
_COMMON_WORDS = frozenset(
    re.findall(r"\w+", "qual que quanto voce seu sua por para com uma dos das cual cuanto del los las the you your how what much")
)
END = "[END]"  # what the model that plays the customer writes when it has nothing more to say


@dataclass(frozen=True)
class Standing:
    """What the agent still has to know of a customer, what it offers, and what is agreed.

    Attributes:
        offers: Number and start of the times that can still be booked, by number.
        booked: Starts of the customer's meetings that are to take place.
    """

    missing: list[Criterion] = field(default_factory=list)
    offers: list[tuple[int, datetime]] = field(default_factory=list)
    booked: list[datetime] = field(default_factory=list)


class ScriptedCustomer:
    """Says what the scenario says, answers what is asked, and takes the time that the scenario wants."""

    def __init__(self, stack: Stack, people: People, scenario: Scenario, settle_s: float) -> None:
        self.stack, self.people, self.scenario, self.settle_s = stack, people, scenario, settle_s
        self.locale = language_of(Customer(phone="+" + people.phone), stack.service.settings.LOCALE)
        self.words = Catalogue.load("operator", self.locale)
        self._times_answered: dict[str, int] = {}

    def speak(self, step: Step) -> None:
        """One step's talk, until the agent asks nothing more that the scenario has an answer to."""
        if step.choose is not None:
            self._choose(step, step.choose)
        else:
            for said in step.customer:
                say(said, self.people, self.stack)
            self._settle()
        self._answer_what_is_asked(step)

    def _answer_what_is_asked(self, step: Step) -> None:
        confirmed = 0
        for _ in range(ROUNDS):
            asked = self._last_reply()
            if asked is None:
                return
            criterion = asked_about(asked, self._look().missing, self.locale)
            words = self._answer_to(criterion, step) if criterion else None
            if words is None and step.if_asked and "?" in asked and confirmed < _CONFIRMATIONS:
                words, confirmed = step.if_asked, confirmed + 1
            if words is None:
                return
            self._say(words)

    def _answer_to(self, criterion: Criterion, step: Step) -> str | None:
        given = step.answers.get(criterion.name, self.scenario.answers.get(criterion.name))
        if given is None:
            return None
        answers = [given] if isinstance(given, str) else given
        times = self._times_answered.get(criterion.name, 0)
        if times > len(answers):  # the last one was repeated once already
            return None
        self._times_answered[criterion.name] = times + 1
        return answers[min(times, len(answers) - 1)]

    def _choose(self, step: Step, wanted: datetime | int) -> None:
        """Takes the wanted time, asks for it when it is not among the offered ones, and says yes when asked whether really."""
        taken = self._take(step, wanted)
        if taken is None:
            return
        before = self._look().booked
        self._say(self.words.text("eval_customer_chooses", number=taken[0]))
        for _ in range(_CONFIRMATIONS):
            reply, seen = self._last_reply(), self._look()
            is_still_offered = taken[1] in [starts_at for _, starts_at in seen.offers]
            if reply is None or "?" not in reply or seen.booked != before or not is_still_offered:
                return
            self._say(self.words.text("eval_customer_confirms"))

    def _take(self, step: Step, wanted: datetime | int) -> tuple[int, datetime] | None:
        """Number and start of the wanted time once it is offered; None when the agent does not get there."""
        for _ in range(ROUNDS):
            seen = self._look()
            found = _find(wanted, seen.offers)
            if found is not None:
                return found
            self._say(self._wish(wanted, seen))
            self._answer_what_is_asked(step)
            if self._last_reply() is None:
                return None
        return _find(wanted, self._look().offers)

    def _wish(self, wanted: datetime | int, seen: Standing) -> str:
        if isinstance(wanted, datetime) and seen.offers:
            return self.words.text("eval_customer_asks", when=when_label(wanted, self.stack.service.business.zone, self.locale))
        return self.words.text("eval_customer_wants")

    def _say(self, words: str) -> None:
        say(Said(text=words), self.people, self.stack)
        self._settle()

    def _settle(self) -> None:
        self.stack.settle(self.settle_s)

    def _last_reply(self) -> str | None:
        """What we wrote last, None when the customer's words stand unanswered (or nothing was said)."""
        return last_reply(self.people)

    def _look(self) -> Standing:
        async def look(service: Service) -> Standing:
            return await _standing(service, self.people.phone)

        found: Standing = self.stack.call(look)
        return found


class SimulatedCustomer:
    """A second model that plays the customer from a goal and a temper. Counts its own tokens."""

    def __init__(self, people: People, scenario: Scenario, access: OpenAI, model: str, words: Catalogue) -> None:
        self.people, self.scenario, self.access, self.model = people, scenario, access, model
        self.prompt = words.text(
            "eval_customer_prompt",
            name=people.name,
            goal=scenario.goal or "",
            temper=scenario.temper or words.text("eval_customer_temper"),
            end=END,
        )
        self.input_tokens = self.output_tokens = 0

    def converse(self, stack: Stack, settle_s: float) -> None:
        """Talks until the customer ends it, the agent falls silent, or the rounds are used up."""
        for _ in range(SIMULATED_ROUNDS):
            text = self._next_words()
            words = text.replace(END, "").strip()
            if words:
                say(Said(text=words), self.people, stack)
                stack.settle(settle_s)
            if END in text or not words or last_reply(self.people) is None:
                return

    def _next_words(self) -> str:
        messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": self.prompt}]
        for line in self.people.chat():
            # Seen from the other side: what we wrote is what the customer's model hears.
            if line["from"] == "customer":
                messages.append({"role": "assistant", "content": line["text"]})
            else:
                messages.append({"role": "user", "content": line["text"]})
        if len(messages) == 1:
            messages.append({"role": "user", "content": "…"})
        answer = self.access.chat.completions.create(model=self.model, messages=messages)
        if answer.usage:
            self.input_tokens += answer.usage.prompt_tokens
            self.output_tokens += answer.usage.completion_tokens
        return (answer.choices[0].message.content or "").strip()


def asked_about(reply: str, missing: Sequence[Criterion], locale: str) -> Criterion | None:
    """The criterion that a reply asks about: the one whose question or options share most words with its last question."""
    questions = re.findall(r"[^.!?\n]+\?", reply)
    if not questions:
        return None
    heard = _content_words(" ".join(questions))
    shared = {c.name: len(heard & _content_words(" ".join([in_language(c.question, locale), *c.options]))) for c in missing}
    best = max(missing, key=lambda c: shared[c.name], default=None)
    return best if best is not None and shared[best.name] else None


def last_reply(people: People) -> str | None:
    """What we wrote after the customer's last message, None when that stands unanswered (or nothing was said)."""
    chat = people.chat()
    last_said = max((n for n, line in enumerate(chat) if line["from"] == "customer"), default=len(chat))
    after = [line["text"] for line in chat[last_said:] if line["from"] == "agent"]
    return "\n".join(after) or None


def _content_words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", fold(text)) if len(word) >= 3} - _COMMON_WORDS


def _find(wanted: datetime | int, offers: Sequence[tuple[int, datetime]]) -> tuple[int, datetime] | None:
    if isinstance(wanted, int):
        return offers[wanted - 1] if 0 < wanted <= len(offers) else None
    return next((offer for offer in offers if offer[1] == wanted), None)


async def _standing(service: Service, phone: str) -> Standing:
    now = service.dispatcher.now()
    async with service.db.transaction() as session:
        # A chat whose number WhatsApp hides is no match; there is then only one customer in the scenario.
        customers: list[Any] = list(await session.scalars(select(Customer).order_by(Customer.id)))
        customer = next((c for c in customers if c.match_key == match_key("+" + phone)), customers[0] if customers else None)
        if customer is None:
            return Standing(list(service.business.qualification))
        missing = standing(service.business, await answers_of(session, customer)).missing
        offers = await session.scalars(
            select(Offer).where(Offer.customer_id == customer.id, Offer.starts_at > now).order_by(Offer.number)
        )
        booked = await session.scalars(
            select(Meeting.starts_at).where(
                Meeting.customer_id == customer.id,
                Meeting.phase == MeetingPhase.BOOKED,
                Meeting.status == MeetingStatus.SCHEDULED,
            )
        )
        return Standing(list(missing), [(o.number, o.starts_at) for o in offers], sorted(booked))
