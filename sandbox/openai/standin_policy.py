"""What the stand-in does next: one tool call or one text, decided from the request alone."""

import re

from sandbox.openai import standin_intents as intents
from sandbox.openai.standin_answers import Answer, find_answers, is_vague
from sandbox.openai.standin_choice import Choice, choose, fits
from sandbox.openai.standin_context import Context, Criterion, Option, Step, asked_criterion, option_lines
from sandbox.openai.standin_turn import Action, Call, Say, TurnState
from sandbox.openai.standin_when import When
from sandbox.openai.standin_words import sentence

_AFTER_BOOKING = ("save_link_to_kommo", "notify_client")


def next_action(context: Context) -> Action:
    """The next tool call, or the text that ends the turn; never more than `MAX_CALLS_PER_TURN` calls."""
    if context.facts is None:
        return Say(sentence("pt", "stand_in"))
    turn = Turn(context, context.facts)
    action = turn.after_step(context.steps[-1]) if context.steps else turn.from_message()
    if isinstance(action, Call) and not turn.may_call(action):
        action = turn.instead_of(action)
    return Say(turn.with_opening(action.text)) if isinstance(action, Say) else action


class Turn(TurnState):
    """The rules: what follows from the customer's message, and from each tool's result."""

    # After the customer's message

    def from_message(self) -> Action:
        """The first action of a turn."""
        if not self.text:
            return Say(self._onward() or sentence(self.language, "thanks"))
        if intents.wants_person(self.text):
            return Call("hand_off_to_seller", {"reason": self._words()})
        if intents.asks_if_robot(self.text):
            if self.facts.meeting is None and self.qualification == "ok" and not self.options:
                return self._look()  # the answer about the robot stands before the offer
            return self._say("robot", self._onward())
        if self.facts.meeting and not self.facts.meeting.is_confirmed:
            return self._say("confirming")
        if self.facts.meeting:
            return self._about_meeting()
        if intents.asks_when(self.text):
            return Call("get_meeting", {})
        if intents.mentions_cancelling(self.text) or (intents.wants_to_move(self.text) and self.qualification != "ok"):
            return self._say("no_meeting", self._onward())
        if intents.declines(self.text):
            return self._say("declined")
        if self.qualification == "failed":
            return self._say("thanks" if intents.says_thanks(self.text) else "not_qualified")
        return self._schedule() if self.qualification == "ok" else self._qualify()

    def _qualify(self) -> Action:
        answers = self._answers()
        if answers:
            return self._record(answers[0])
        if intents.says_thanks(self.text):
            return self._say("thanks")
        if not self.missing:
            return self._say("help")
        asked = self._asked()
        criterion = asked or self.missing[0]
        question = self._question(criterion)
        if intents.greets(self.text):
            return Say(question)
        if asked and (is_vague(asked, self.text, self.language) or "?" not in self.text):
            return self._say(f"vague_{_known_kind(asked)}", question)
        if self.facts.introduction:
            return Say(question)
        return self._say("first" if intents.asks_for_times(self.text) else "help", question)

    def _schedule(self) -> Action:
        choice = self._choice()
        if intents.says_thanks(self.text) and not choice.names_option:
            return self._say("thanks")
        if not self.options:
            return self._look(choice.when)
        if len(choice.matches) == 1:
            return Call("create_meeting", {"option": choice.matches[0].number})
        return self._from_options(choice)

    def _from_options(self, choice: Choice) -> Action:
        """The offered options were not answered with one of them."""
        agrees = intents.yes_or_no(self.text, self.language)
        if choice.matches:
            return self._offer(sentence(self.language, "offer_which"), choice.matches)
        if choice.names_option:
            return self._offer(sentence(self.language, "offer_unknown"))
        if choice.when:
            return self._look(choice.when)
        if agrees == "yes" and len(self.options) == 1:
            tool = "reschedule_meeting" if self.facts.meeting else "create_meeting"
            return Call(tool, {"option": self.options[0].number})
        if agrees == "no" or intents.wants_other_times(self.text) or intents.wants_to_move(self.text):
            return self._say("ask_preference")
        return self._offer(sentence(self.language, "offer"))

    def _about_meeting(self) -> Action:
        choice = self._choice()
        moves = intents.wants_to_move(self.text)
        was_offered = self._lists_options(self.context.last_said)
        if not moves:
            plain = self._plain_meeting_wish(choice)
            if plain:
                return plain
        if self._is_current_time(choice) and not moves:
            return self._say("same_time" if was_offered else "meeting_kind")
        is_choice = was_offered or moves or ((choice.names_option or choice.when.times) and self._offered_lately())
        if len(choice.matches) == 1 and is_choice:
            return Call("reschedule_meeting", {"option": choice.matches[0].number})
        if was_offered and not moves and not intents.hints_at_cancelling(self.text):
            return self._say("thanks") if intents.says_thanks(self.text) else self._from_options(choice)
        if moves or self._wishes_another_time(choice):
            return self._look(choice.when)
        return self._small_talk_with_meeting()

    def _wishes_another_time(self, choice: Choice) -> bool:
        """A day or hour in a request, or "outro dia"; "não posso" alone is rather a cancellation."""
        cancels = intents.hints_at_cancelling(self.text)
        if choice.when:
            asked = self._said_last("ask_preference") or self._said_last("confirm_cancel")
            return asked or cancels or intents.asks_for_times(self.text) or "?" in self.text
        return intents.wants_other_times(self.text) and not cancels

    def _plain_meeting_wish(self, choice: Choice) -> Action | None:
        """Cancelling, asking when, and the answer to "may I cancel?"."""
        if intents.cancels_explicitly(self.text):
            return Call("cancel_meeting", {"reason": self._words()})
        if self._said_last("confirm_cancel") and not choice.when:
            agrees = intents.yes_or_no(self.text, self.language)
            if agrees == "yes" or intents.mentions_cancelling(self.text):
                return Call("cancel_meeting", {"reason": self._earlier_words() or self._words()})
            if agrees == "no":
                return self._say("kept")
        if intents.asks_when(self.text):
            return Call("get_meeting", {})
        return None

    def _small_talk_with_meeting(self) -> Action:
        if intents.hints_at_cancelling(self.text) or intents.declines(self.text):
            return self._say("confirm_cancel")
        if intents.says_thanks(self.text):
            return self._say("thanks")
        if intents.yes_or_no(self.text, self.language) == "yes":
            return self._say("meeting_kind")
        return self._say("meeting_help")

    def _choice(self) -> Choice:
        return choose(self.text, self.options, self.language, self.today)

    def _is_current_time(self, choice: Choice) -> bool:
        """Whether the words mean the time the meeting has already, and no other that is on offer."""
        meeting = self.facts.meeting
        others = [option for option in choice.matches if meeting and option.starts_at != meeting.starts_at]
        if not meeting or others or choice.names_option:
            return False
        return bool(choice.when and fits(Option(0, meeting.starts_at, meeting.label), choice.when))

    def _asked(self) -> Criterion | None:
        return asked_criterion(self.context, self.facts.missing)

    def _answers(self) -> list[Answer]:
        return find_answers(self.context.customer_messages, self.facts.missing, self._asked(), self.language)

    @staticmethod
    def _record(answer: Answer) -> Call:
        arguments = {"criterion": answer.criterion.name, "value": answer.value, "quote": answer.quote}
        return Call("record_qualification", arguments)

    # After a tool's result

    def after_step(self, step: Step) -> Action:
        """The action that follows a tool's result."""
        if self._did("create_meeting", "BOOKED"):
            return self._finish_booking()
        if step.tool == "record_qualification":
            return self._after_record(step)
        if step.tool == "check_availability":
            return self._after_check(step)
        if step.tool in ("create_meeting", "reschedule_meeting"):
            return self._after_write(step)
        if step.tool == "get_meeting":
            return self._after_get(step)
        if step.tool == "cancel_meeting":
            return self._after_cancel(step)
        if step.tool == "hand_off_to_seller":
            return self._say("handed_off") if step.head == "HANDED_OFF" else self._say("no_hand_off", self._onward())
        return self._say("trouble")

    def _finish_booking(self) -> Action:
        called = {step.tool for step in self.context.steps}
        for tool in _AFTER_BOOKING:
            if tool in self.context.tools and tool not in called:
                return Call(tool, {})
        return self._booked()

    def _after_record(self, step: Step) -> Action:
        if self.qualification == "failed":
            return self._say("not_qualified")
        if self.qualification == "ok":
            return self._look(self._wish_beside_answer())
        tried = {done.arguments.get("criterion") for done in self.context.steps}
        still = {criterion.name for criterion in self.missing}
        pending = [answer for answer in self._answers() if answer.criterion.name in still - tried]
        if pending:
            return self._record(pending[0])
        if step.head == "UNCLEAR":
            again = [criterion for criterion in self.missing if criterion.name == step.arguments.get("criterion")]
            return self._say("unclear", *(self._question(criterion) for criterion in (again or self.missing)[:1]))
        if step.head == "RECORDED":
            return Say(f"{self._noted()} {self._question(self.missing[0])}") if self.missing else self._look()
        return self._say("trouble")

    def _wish_beside_answer(self) -> When | None:
        """A day that was asked for in the message that completed the qualification ("…, pode ser quinta?")."""
        when = self._choice().when
        return when if when.names_day and intents.asks_for_times(self.text) else None

    def _after_check(self, step: Step) -> Action:
        listed = option_lines(step.result)
        if listed:
            return self._offer(self._offer_lead(step), listed)
        if step.head == "NONE_FREE":
            anything = Call("check_availability", {"day": None, "period": None})
            return anything if self.may_call(anything) else self._say("none_free", sentence(self.language, "ask_preference"))
        return self._refused(step, "no_calendar")

    def _offer_lead(self, step: Step) -> str:
        if any(self._did(tool, "SLOT_TAKEN") for tool in ("create_meeting", "reschedule_meeting")):
            return sentence(self.language, "offer_taken")
        if self._did("check_availability", "NONE_FREE"):
            return sentence(self.language, "offer_else")
        lead = sentence(self.language, "offer")
        if intents.asks_if_robot(self.text):
            return f"{sentence(self.language, 'robot')} {lead}"
        return f"{self._noted()} {lead}" if self._did("record_qualification", "QUALIFIED") else lead

    def _after_write(self, step: Step) -> Action:
        listed = option_lines(step.result)
        if step.head == "MOVED":
            return self._say("moved")
        if step.head == "SLOT_TAKEN" and listed:
            return self._offer(sentence(self.language, "offer_taken"), listed)
        if step.head in ("SLOT_TAKEN", "NOT_OFFERED"):
            return self._offer(sentence(self.language, "offer"), listed) if listed else self._look()
        return self._refused(step, "trouble")

    def _after_get(self, step: Step) -> Action:
        if re.match(r"MEETING:\s*(cancelled|no_show|completed)\b", step.result):
            return self._say("no_meeting", self._onward())
        label = self._meeting_label(step.result)
        if step.head == "MEETING" and label:
            return Say(sentence(self.language, "meeting_is", label=label))
        return self._refused(step, "trouble")

    def _after_cancel(self, step: Step) -> Action:
        return self._say("cancelled") if step.head == "CANCELLED" else self._refused(step, "trouble")

    def _refused(self, step: Step, otherwise: str) -> Say:
        """The text for the refusals that several tools share."""
        if step.head == "NOT_QUALIFIED":
            return self._say("first", self._question(self.missing[0])) if self.missing else self._say("not_qualified")
        if step.head == "NO_MEETING":
            is_stale = self.facts.meeting is not None
            return self._say("no_meeting", "" if is_stale else self._onward())
        keys = {"ALREADY_BOOKED": "already", "UNKNOWN": "confirming", "CONFIRMING": "confirming"}
        return self._say(keys.get(step.head, otherwise))

    def _meeting_label(self, result: str) -> str:
        """The day and hour as the tool wrote them: the column after the ISO time, or the whole sentence."""
        known = self.facts.meeting.label if self.facts.meeting else ""
        if known and known in result:
            return known
        rest = result.partition(":")[2].strip()
        columned = re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^|\n]*\|\s*([^|\n]+)", rest)
        return (columned[1] if columned else next(iter(rest.splitlines()), "")).strip(" .|")


def _known_kind(criterion: Criterion) -> str:
    return criterion.kind if criterion.kind in ("money", "number", "yes_no", "choice") else "text"
