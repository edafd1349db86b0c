"""One turn of the stand-in: the facts as the tools' results changed them, and how its answers are put together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.openai import standin_intents as intents
from sandbox.openai.standin_context import Context, Criterion, Facts, Option, Step, missing_lines, option_lines
from sandbox.openai.standin_text import fold
from sandbox.openai.standin_when import When, day_to_check, period_to_check
from sandbox.openai.standin_words import in_any_language, sentence

MAX_CALLS_PER_TURN = 8
_REASON_CHARS = 200


@dataclass(frozen=True)
class Say:
    """A text that ends the turn."""

    text: str


@dataclass(frozen=True)
class Call:
    """One tool call."""

    tool: str
    arguments: dict[str, Any]


Action = Say | Call


class TurnState:
    """The facts with this turn's tool results applied, what may be called, and how things are said."""

    def __init__(self, context: Context, facts: Facts) -> None:
        self.context, self.facts = context, facts
        self.text = context.customer_text
        self.language = facts.language
        self.today = facts.today or date.min
        self.missing = list(facts.missing)
        self.qualification = facts.qualification
        self.options = list(facts.offered)
        for step in context.steps:
            self._apply(step)

    def _apply(self, step: Step) -> None:
        if step.tool == "record_qualification":
            name = step.arguments.get("criterion")
            rest = [criterion for criterion in self.missing if step.head != "RECORDED" or criterion.name != name]
            self.missing = missing_lines(step.result) or rest
            if re.search(r"^\s*NOT_QUALIFIED\b", step.result, re.MULTILINE):
                self.qualification = "failed"
            elif re.search(r"^\s*QUALIFIED\b", step.result, re.MULTILINE):
                self.qualification = "ok"
        elif step.tool in ("check_availability", "create_meeting", "reschedule_meeting"):
            self.options = option_lines(step.result) or self.options

    # What may be done, and how it is said

    def may_call(self, call: Call) -> bool:
        """Whether a call is offered by the request, not a repetition, and within the turn's bound."""
        is_repeated = any(step.tool == call.tool and step.arguments == call.arguments for step in self.context.steps)
        return call.tool in self.context.tools and not is_repeated and len(self.context.steps) < MAX_CALLS_PER_TURN

    def instead_of(self, call: Call) -> Say:
        """The text for a call that may not be made."""
        if self._did("create_meeting", "BOOKED"):
            return self._booked()
        if call.tool == "check_availability":
            return self._say("no_calendar")
        if call.tool == "hand_off_to_seller":
            return self._say("no_hand_off", self._onward())
        if call.tool == "get_meeting" and self.facts.meeting is None:
            return self._say("no_meeting", self._onward())
        return self._say("trouble")

    def with_opening(self, text: str) -> str:
        """The text with a greeting where one is due, and the introduction on first contact."""
        introduction = self.facts.introduction
        hello = self._hello() if introduction or (intents.greets(self.text) and not self.context.steps) else ""
        if intents.opens_with_greeting(introduction):
            hello = ""
        if introduction in text:
            introduction = ""
        return " ".join(part for part in (hello, introduction, text) if part)

    def _hello(self) -> str:
        name = self._first_name()
        return sentence(self.language, "hello_name", name=name) if name else sentence(self.language, "hello")

    def _first_name(self) -> str:
        """The customer's first name; "" when there is none or it has no letters (an emoji, a number)."""
        name = next(iter(self.facts.customer.split()), "")[:40]
        return name if any(char.isalpha() for char in name) else ""

    def _say(self, key: str, *more: str) -> Say:
        return Say(" ".join(part for part in (sentence(self.language, key), *more) if part))

    def _question(self, criterion: Criterion) -> str:
        unnamed = [option for option in criterion.options if fold(option) not in fold(criterion.question)]
        if not unnamed:
            return criterion.question
        return f"{criterion.question} {sentence(self.language, 'options_are', options=', '.join(criterion.options))}"

    def _offer(self, lead: str, options: Sequence[Option] | None = None) -> Say:
        listed = [f"{option.number}. {option.label}" for option in (options or self.options)]
        return Say("\n".join([lead, *listed, sentence(self.language, "pick")]))

    def _onward(self) -> str:
        """What the conversation goes on with: the meeting, the next question, the offer, or a wish for a day."""
        if self.facts.meeting:
            return sentence(self.language, "meeting_help")
        if self.qualification == "failed":
            return ""
        if self.qualification != "ok":
            return self._question(self.missing[0]) if self.missing else sentence(self.language, "help")
        if self.options:
            return self._offer(sentence(self.language, "offer")).text
        return sentence(self.language, "ask_preference")

    def _booked(self) -> Say:
        name = self._first_name()
        return Say(sentence(self.language, "booked_name", name=name)) if name else self._say("booked")

    def _noted(self) -> str:
        recorded = sum(step.tool == "record_qualification" for step in self.context.steps)
        return sentence(self.language, f"noted_{(self.facts.answered + recorded) % 3}")

    def _did(self, tool: str, head: str) -> bool:
        return any(step.tool == tool and step.head == head for step in self.context.steps)

    def _words(self) -> str:
        """The customer's words, for a reason."""
        return " ".join(self.text.split())[:_REASON_CHARS]

    def _look(self, when: When | None = None) -> Call:
        when = when or When()
        day = day_to_check(when, self.today)
        starts = {option.starts_at.date() for option in self.options if option.starts_at}
        if when.times and not when.names_day and len(starts) == 1:  # "às 16h" about the one day on offer
            day = starts.pop()
        return Call("check_availability", {"day": day.isoformat() if day else None, "period": period_to_check(when)})

    # What was said before

    def _said_last(self, key: str) -> bool:
        """Whether the assistant's last text has that sentence."""
        return any(text in self.context.last_said for text in in_any_language(key))

    def _lists_options(self, text: str) -> bool:
        return any(option.label in text for option in self.options)

    def _offered_lately(self) -> bool:
        """Whether the options were listed within three answers and not settled since: an aside doesn't end an offer."""
        said = [text for role, text in self.context.history if role == "assistant"][-3:]
        settled = [text.partition("{")[0] for key in ("booked", "booked_name", "moved") for text in in_any_language(key)]
        listed = [at for at, text in enumerate(said) if self._lists_options(text)]
        since = said[listed[-1] :] if listed else []
        return bool(listed) and not any(ending in text for text in since for ending in settled)

    def _earlier_words(self) -> str:
        """The customer's words that made the assistant ask whether to cancel."""
        said = [text for role, text in self.context.history if role == "user" and text.strip()]
        return " ".join(said[-1].split())[:_REASON_CHARS] if said else ""
