"""The owner's test of the minimal sync: book by conversation, seller cancels, book again, seller completes, clean up.

Every effect is read back from the service it must show in (Kommo, Google Calendar, WhatsApp), never from our own database.
The same steps run on the embedded sandbox and, with `--live`, on the accounts in `.env`.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
from rich.console import Console
from sqlalchemy import select

from cli.people import PHONES, People
from cli.stack import ANY_HOUR, ServiceStack, Stack
from cli.wiring import Service
from clients.errors import ServiceError
from clients.kommo import LOST
from meetings.business import Criterion, CriterionType
from meetings.customers import Leads, find_customer, language_of
from meetings.events import ChatIdentity
from meetings.qualification import answers_of, standing
from meetings.tables import Customer, Meeting, MeetingPhase, Offer
from prompts.catalogue import Catalogue
from sandbox.server import Sandbox

TAG = "marcado-teste"
_ROUNDS = 14  # messages of the test customer for one booking, at most


class StepFailedError(Exception):
    """An effect did not appear. The message is the clear line for it."""


class Side(Protocol):
    """Who plays customer and seller: the sandbox's controls, or a person with the real accounts."""

    phone: str

    def customer_says(self, text: str) -> None: ...

    def seller_deletes(self, task_id: int, lead_id: int) -> None: ...

    def seller_completes(self, task_id: int) -> None: ...


class SandboxSide:
    """People played through the sandbox."""

    def __init__(self, people: People) -> None:
        self.people, self.phone = people, "+" + people.phone

    def customer_says(self, text: str) -> None:
        self.people.customer_says(text)

    def seller_deletes(self, task_id: int, lead_id: int) -> None:
        self.people.seller_deletes_task(task_id)

    def seller_completes(self, task_id: int) -> None:
        self.people.seller_completes_task(task_id=task_id)


class LiveSide:
    """The operator's own phone as the customer (its messages are handed to the service directly, in Evolution's format), and
    the operator as the seller where Kommo's API can't do what a person can.
    """

    def __init__(self, stack: ServiceStack, phone: str, words: Catalogue, console: Console, wait_s: float) -> None:
        self.stack, self.phone, self.words, self.console, self.wait_s = stack, phone, words, console, wait_s
        self._said = 0

    def customer_says(self, text: str) -> None:
        settings = self.stack.service.settings
        self._said += 1
        digits = self.phone.removeprefix("+")
        message_id = f"TESTE{int(time.time())}{self._said:04d}"
        key = {"remoteJid": f"{digits}@s.whatsapp.net", "fromMe": False, "id": message_id}
        data = {
            "key": key,
            "pushName": "Teste Marcado",
            "message": {"conversation": text},
            "messageType": "conversation",
            "messageTimestamp": int(time.time()),
        }
        body = {"event": "messages.upsert", "instance": settings.EVOLUTION_INSTANCE, "data": data}
        token = {"X-Marcado-Token": settings.WEBHOOK_TOKEN.get_secret_value()}
        httpx.post(
            f"{self.stack.url}/webhook/evolution", json=body, headers=token, timeout=30, trust_env=False
        ).raise_for_status()

    def seller_deletes(self, task_id: int, lead_id: int) -> None:
        url = self.stack.service.kommo.lead_url(lead_id)
        minutes = max(1, round(self.wait_s / 60))
        self.console.print(self.words.text("live_delete_task", url=url, minutes=minutes), style="bold yellow")

    def seller_completes(self, task_id: int) -> None:
        async def complete(service: Service) -> None:
            words = Catalogue.load("crm", service.settings.LOCALE)
            await service.kommo.complete_task(task_id, words.text("task_result_completed_by_seller"))

        self.stack.call(complete)


@dataclass
class Trial:
    """One run of the test.

    Attributes:
        wait_s: Real seconds an effect may take to appear.
        hand_wait_s: The same where a person must act first.
    """

    stack: ServiceStack
    side: Side
    words: Catalogue
    console: Console
    wait_s: float
    hand_wait_s: float
    passed: int = 0
    lead_id: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> bool:
        """All steps, one clear line each; True when every effect was there. Cleans up in any case."""
        began = time.monotonic()
        try:
            self._play()
        except StepFailedError as error:
            self.console.print(f"✘ {error}", style="bold red", soft_wrap=True, highlight=False)
            self._clean_up()
            self.console.print(self.words.text("sync_broken"), style="red")
            return False
        is_clean = self._clean_up()
        seconds = round(time.monotonic() - began, 1)
        self.console.print(self.words.text("sync_ok", count=self.passed, seconds=seconds), style="bold green")
        return is_clean

    def _play(self) -> None:
        self._create_lead()
        first = self._book("sync_booked")
        self.side.seller_deletes(first.kommo_task_id or 0, self.lead_id)
        self._done("sync_seller_deletes")
        self._sees("sync_cancelled", lambda: self._event_state(first), "cancelled", self.hand_wait_s)
        self._sees("sync_status_cancelled", lambda: self._lead_field(1), "cancelled")
        self._hears("sync_told", "cancelled_by_us")
        second = self._book("sync_booked_again")
        self.side.seller_completes(second.kommo_task_id or 0)
        self._done("sync_seller_completes")
        self._sees("sync_status_completed", lambda: self._lead_field(1), "completed")
        self._hears("sync_thanked", "completed")

    # Steps

    def _create_lead(self) -> None:
        name = f"Teste Marcado {self.started:%Y-%m-%d %H:%M:%S}"

        async def create(service: Service) -> int:
            leads = Leads(service.db, service.kommo, service.business, service.settings.LOCALE, lambda: datetime.now(UTC))
            contact = await leads.find_contact(self.side.phone)
            if contact:
                return await service.kommo.create_lead(name, contact_id=contact.id, tags=[TAG])
            made = await service.kommo.create_lead_with_contact(name, contact_name=name, phone=self.side.phone, tags=[TAG])
            return made[0]

        self.lead_id = self._try("sync_lead", create)
        self._done("sync_lead")

    def _book(self, step: str) -> Meeting:
        """Talks until a meeting is booked, then looks for each of its effects."""
        before = self._meeting_ids()
        self.side.customer_says(self._words_of_customer("customer_wants"))
        for _ in range(_ROUNDS):
            self._let_settle()
            meeting = self._new_meeting(before)
            if meeting is not None:
                break
            self.side.customer_says(self._next_answer())
        else:
            raise StepFailedError(self._line(step, self.words.text("sync_not_there", seconds=_ROUNDS)))
        self._done(step)
        self._sees("sync_event", lambda: self._event_state(meeting), "confirmed")
        self._sees("sync_link", lambda: self._lead_field(0), meeting.link or "")
        self._sees("sync_scheduled", lambda: self._lead_field(1), "scheduled")
        self._hears("sync_confirmed", "confirmation")
        task_gone = self.words.text("sync_not_there", seconds=f"{self.wait_s:g}")
        if not self._wait(lambda: self._task_exists(meeting), expected=True, wait_s=self.wait_s)[0]:
            raise StepFailedError(self._line("sync_task", task_gone))
        self._done("sync_task")
        return self._reread(meeting)

    def _let_settle(self) -> None:
        try:
            # What is tried again later (a service that swallows writes, say) is not waited for: the looks below judge it.
            self.stack.settle(self.wait_s + 30, horizon_s=2)
        except TimeoutError as error:
            raise StepFailedError(str(error)) from None

    def _next_answer(self) -> str:
        """What the customer says next: the choice of an offered time, or the answer to the next criterion."""

        async def look(service: Service) -> tuple[bool, list[Criterion]]:
            async with service.db.transaction() as session:
                customer = await find_customer(session, ChatIdentity(self.side.phone, self.side.phone))
                assert customer is not None
                offers = list(await session.scalars(select(Offer).where(Offer.customer_id == customer.id)))
                state = standing(service.business, await answers_of(session, customer))
                return bool(offers), list(state.missing)

        is_offered, missing = self.stack.call(look)
        if is_offered and not any(c.required for c in missing):
            return self._words_of_customer("customer_chooses")
        if missing:
            return good_answer(missing[0])
        return self._words_of_customer("customer_wants")

    def _words_of_customer(self, key: str) -> str:
        return self._customers_catalogue().text(f"sync_{key}")

    def _customers_catalogue(self) -> Catalogue:
        """The customer's language may be another than the operator's."""
        locale = language_of(Customer(phone=self.side.phone), self.stack.service.settings.LOCALE)
        return Catalogue.load("operator", locale)

    # What the services show

    def _event_state(self, meeting: Meeting) -> str:
        async def read(service: Service) -> str:
            event = await service.calendar.get_event(meeting.calendar_id, meeting.event_id)
            return "–" if event is None else "cancelled" if event.is_cancelled else "confirmed"

        return str(self.stack.call(read))

    def _lead_field(self, which: int) -> str:
        async def read(service: Service) -> str:
            settings = service.settings
            field_id = (settings.KOMMO_FIELD_GOOGLE_CALENDAR_LINK, settings.KOMMO_FIELD_MEETING_STATUS)[which]
            lead = await service.kommo.get_lead(self.lead_id)
            return lead.fields.get(field_id, "") if lead else "–"

        return str(self.stack.call(read))

    def _task_exists(self, meeting: Meeting) -> bool:
        task_id = self._reread(meeting).kommo_task_id

        async def read(service: Service) -> bool:
            return task_id is not None and await service.kommo.get_task(task_id) is not None

        return bool(self.stack.call(read))

    def _hears(self, step: str, notice: str) -> None:
        """The customer's chat shows the notice: recognised by the catalogue's first fixed words, in the customer's language."""

        async def read(service: Service) -> list[str]:
            until = datetime.now(UTC) + timedelta(minutes=1)
            return await service.whatsapp.sent_texts(self.side.phone, self.started - timedelta(minutes=1), until)

        mark = self._customers_catalogue().text(f"sync_mark_{notice}")
        count = self.heard.get(notice, 0) + 1  # one more than after the earlier meeting, and no second one of the same
        self._sees(step, lambda: sum(mark in text for text in self.stack.call(read)), expected=count)
        self.heard[notice] = count

    def _sees(self, step: str, look: Callable[[], Any], expected: Any, wait_s: float | None = None) -> None:
        seconds = wait_s or self.wait_s
        is_there, seen = self._wait(look, expected, seconds)
        if not is_there:
            shown = f"{seconds:g}"
            why = (
                self.words.text("sync_not_there", seconds=shown)
                if seen in (False, 0)
                else self.words.text("sync_saw", seconds=shown, seen=seen or "–")
            )
            raise StepFailedError(self._line(step, why))
        self._done(step)

    def _wait(self, look: Callable[[], Any], expected: Any, wait_s: float) -> tuple[bool, Any]:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                seen = look()
            except ServiceError as error:
                seen = str(error)
            if seen == expected:
                return True, seen
            if time.monotonic() > deadline:
                return False, seen
            time.sleep(0.1 if wait_s < 60 else 3)

    # Our own records, to know which meeting to look for

    def _meeting_ids(self) -> set[int]:
        async def read(service: Service) -> set[int]:
            async with service.db.transaction() as session:
                return set(await session.scalars(select(Meeting.id)))

        ids: set[int] = self.stack.call(read)
        return ids

    def _new_meeting(self, before: set[int]) -> Meeting | None:
        async def read(service: Service) -> Meeting | None:
            async with service.db.transaction() as session:
                booked = await session.scalars(select(Meeting).where(Meeting.phase == MeetingPhase.BOOKED))
                return next((m for m in booked if m.id not in before), None)

        meeting: Meeting | None = self.stack.call(read)
        return meeting

    def _reread(self, meeting: Meeting) -> Meeting:
        async def read(service: Service) -> Meeting:
            async with service.db.transaction() as session:
                return await session.get_one(Meeting, meeting.id)

        found: Meeting = self.stack.call(read)
        return found

    # The end

    def _clean_up(self) -> bool:
        """Deletes events, closes tasks and the lead. What could not be cleaned is named."""
        left = self.stack.call(self._remove_all)
        for what in left:
            self.console.print(self.words.text("live_left", what=what), style="yellow", soft_wrap=True)
        if not left:
            self._done("sync_cleaned")
        if self.lead_id:
            self.console.print(self.words.text("live_cannot_delete", lead=self.lead_id), style="dim", soft_wrap=True)
        return not left

    async def _remove_all(self, service: Service) -> list[str]:
        # Nobody acts on what is taken down here: the service must not tell the customer of it.
        await service.dispatcher.stop()
        left = []
        async with service.db.transaction() as session:
            meetings = list(await session.scalars(select(Meeting)))
        for meeting in meetings:
            try:
                await service.calendar.delete_event(meeting.calendar_id, meeting.event_id)
            except ServiceError as error:
                left.append(f"{meeting.calendar_id}/{meeting.event_id}: {error}")
        if self.lead_id:
            try:
                await self._close_lead(service)
            except ServiceError as error:
                left.append(f"lead {self.lead_id}: {error}")
        return left

    async def _close_lead(self, service: Service) -> None:
        for task in await service.kommo.list_tasks(self.lead_id):
            if not task.is_completed:
                await service.kommo.complete_task(task.id, TAG)
        await service.kommo.update_lead(self.lead_id, status_id=LOST)

    def _try(self, step: str, work: Callable[[Service], Awaitable[Any]]) -> Any:
        try:
            return self.stack.call(work)
        except ServiceError as error:
            raise StepFailedError(self._line(step, str(error))) from None

    def _line(self, step: str, why: str) -> str:
        return self.words.text("sync_failed", what=self.words.text(step), why=why)

    def _done(self, step: str) -> None:
        self.passed += 1
        self.console.print(f"✔ {self.words.text(step)}", style="green", highlight=False)


def good_answer(criterion: Criterion) -> str:
    """An answer that qualifies, in the customer's plain words."""
    rule = criterion.rule
    match criterion.type:
        case CriterionType.CHOICE:
            return (rule.accept or criterion.options)[0]
        case CriterionType.YES_NO:
            return "não" if rule.equals is False else "sim"
        case CriterionType.NUMBER | CriterionType.MONEY:
            amount = rule.min if rule.min is not None else rule.max if rule.max is not None else 100
            return f"R$ {amount:.0f}" if criterion.type is CriterionType.MONEY else f"{amount:.0f}"
        case CriterionType.TEXT:
            return "teste"


def run_on_sandbox(
    words: Catalogue,
    console: Console,
    *,
    wait_s: float = 30.0,
    business_file: Path = Path("business.toml"),
    prepare: Callable[[Sandbox], None] | None = None,
) -> bool:
    """The test on an embedded sandbox on free loopback ports.

    Args:
        prepare: Called with the running sandbox before the first step; tests break effects here.
    """
    console.print(words.text("sync_title"), style="bold")
    with Stack(
        business_file=business_file,
        business_changes=ANY_HOUR,
        overrides={"DEBOUNCE_SILENCE_S": 0.2, "SELLER_UNDO_S": 1.0, "LOCALE": words.locale},
    ) as stack:
        if prepare:
            prepare(stack.sandbox)
        people = People(stack.sandbox.control_url, PHONES[words.locale])
        try:
            console.print(f"✔ {words.text('sync_start')}", style="green")
            return Trial(stack, SandboxSide(people), words, console, wait_s, wait_s).run()
        finally:
            people.close()


def run_live(words: Catalogue, console: Console, stack: ServiceStack, phone: str, *, wait_s: float, hand_wait_s: float) -> bool:
    """The test on real accounts. `stack` is a running service with the settings of `.env`."""
    console.print(f"✔ {words.text('sync_start_live')}", style="green")
    side = LiveSide(stack, phone, words, console, hand_wait_s)
    return Trial(stack, side, words, console, wait_s, hand_wait_s).run()
