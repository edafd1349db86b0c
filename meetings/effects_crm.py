"""What Kommo shows of a meeting: its task, and the lead's two fields."""

import contextlib
from dataclasses import replace
from datetime import datetime

from clients.errors import NotFoundError
from clients.kommo import KommoClient, KommoTask
from meetings.business import Business, in_language
from meetings.cases import Case, Cases, EffectLostError
from meetings.customers import Leads
from meetings.decide import Crm, LeadSeen, TaskSeen
from meetings.overtaken import Guard
from meetings.seen import lead_seen, remember, shown_of, task_seen
from meetings.tables import Meeting, MeetingStatus
from prompts.catalogue import Catalogue
from prompts.labels import short_label


class TaskEffect:
    """Ensures the task."""

    def __init__(self, cases: Cases, kommo: KommoClient, leads: Leads, guard: Guard, business: Business, locale: str) -> None:
        """`locale`: the sellers' language."""
        self.cases, self.kommo, self.leads, self.guard = cases, kommo, leads, guard
        self.business, self.locale = business, locale

    async def ensure(self, meeting_id: int) -> None:
        """The lead has one task for the meeting, at its time and with its seller; closed when the meeting is over.

        Raises:
            ServiceError: Not known to be so; try again later.
            OvertakenError: A seller has changed the task since; it stays as it is until that was looked at.
        """
        case = await self.cases.read(meeting_id)
        meeting = case.meeting
        if meeting.task_rev >= meeting.revision:
            return
        task_id, seen = meeting.kommo_task_id, shown_of(meeting).task
        if meeting.status == MeetingStatus.SCHEDULED:
            lead_id = await lead_of(case, self.cases, self.leads)
            if lead_id is not None:
                task_id = await self._put(case, lead_id)
                seen = self._as_written(meeting)
        else:
            if task_id is None and (stray := await self._stray(meeting)) is not None:
                task_id = stray.id
            if task_id is not None and case.change.source != "task":
                await self._close(case, task_id)
        base = seen
        await self.cases.mark(
            meeting_id,
            kommo_task_id=task_id,
            task_rev=meeting.revision,
            and_then=lambda row: remember(row, Crm(task=base), None),
        )

    async def put_back(self, meeting_id: int) -> None:
        """Undoes what somebody did to the task against what is agreed: its time and seller, or that it is open again.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        case = await self.cases.read(meeting_id)
        meeting = case.meeting
        if meeting.kommo_task_id is None:
            return
        if meeting.status != MeetingStatus.SCHEDULED:
            await self._close(case, meeting.kommo_task_id)
            return
        await self._write(case, meeting.kommo_task_id)
        base = self._as_written(meeting)
        await self.cases.mark(meeting_id, and_then=lambda row: remember(row, Crm(task=base), None))

    async def reopen(self, meeting_id: int) -> None:
        """Opens the task of a meeting that is still to come again: somebody completed it, and that can't be followed.

        Raises:
            ServiceError: Not known to be so; try again later.
        """
        meeting = (await self.cases.read(meeting_id)).meeting
        if meeting.kommo_task_id is not None and meeting.status == MeetingStatus.SCHEDULED:
            with contextlib.suppress(NotFoundError):  # deleted meanwhile
                await self.kommo.reopen_task(meeting.kommo_task_id)

    async def _put(self, case: Case, lead_id: int) -> int:
        meeting = case.meeting
        if meeting.kommo_task_id is not None:
            if self.guard.is_needed(case):
                found = await self.kommo.get_task(meeting.kommo_task_id)
                await self.guard.check(case, Crm(task=task_seen(found, meeting, self.business)))
            await self._write(case, meeting.kommo_task_id)
            return meeting.kommo_task_id
        stray = await self._stray(meeting)
        if stray is not None:
            if stray.updated_at < case.change.at.timestamp():  # made for an earlier revision
                await self._write(case, stray.id)
            return stray.id
        await self.cases.mark(meeting.id, task_tried=True)
        return await self.kommo.create_task(
            lead_id,
            text=self._text(case),
            deadline=self._deadline(meeting),
            duration_s=self._duration_s(meeting),
            task_type_id=self.business.kommo.task_type_id,
            responsible_user_id=meeting.kommo_user_id,
        )

    async def _write(self, case: Case, task_id: int) -> None:
        meeting = case.meeting
        # Deleted meanwhile: that is the seller's cancellation, and the next look at the task will see it.
        with contextlib.suppress(NotFoundError):
            await self.kommo.update_task(
                task_id,
                text=self._text(case),
                deadline=self._deadline(meeting),
                duration_s=self._duration_s(meeting),
                responsible_user_id=meeting.kommo_user_id,
            )

    async def _stray(self, meeting: Meeting) -> KommoTask | None:
        """The task that an earlier attempt made whose answer was lost, recognised by its mark; None without one."""
        if not meeting.task_tried or meeting.kommo_lead_id is None:
            return None
        tasks = await self.kommo.list_tasks(meeting.kommo_lead_id)
        return next((task for task in tasks if mark_of(meeting.id) in task.text.split()), None)

    def _as_written(self, meeting: Meeting) -> TaskSeen:
        return TaskSeen(starts_at=meeting.starts_at, ends_at=meeting.ends_at, responsible=meeting.kommo_user_id)

    def _deadline(self, meeting: Meeting) -> datetime:
        return meeting.starts_at if self.business.kommo.task_deadline == "start" else meeting.ends_at

    @staticmethod
    def _duration_s(meeting: Meeting) -> int:
        return int((meeting.ends_at - meeting.starts_at).total_seconds())

    def _text(self, case: Case) -> str:
        words = Catalogue.load("crm", self.locale)
        return words.text(
            "task_text",
            subject=in_language(self.business.meetings.subject, self.locale),
            name=case.customer.name or case.customer.phone or "WhatsApp",
            when=short_label(case.meeting.starts_at, self.business.zone, self.locale),
            mark=mark_of(case.meeting.id),
        )

    async def _close(self, case: Case, task_id: int) -> None:
        by = "customer" if case.change.by == "customer" else "seller"
        key = f"task_result_{case.meeting.status}_by_{by}"
        with contextlib.suppress(NotFoundError):  # deleted meanwhile
            await self.kommo.complete_task(task_id, Catalogue.load("crm", self.locale).text(key))


class LeadEffect:
    """Ensures google_calendar_link and meeting_status."""

    def __init__(self, cases: Cases, kommo: KommoClient, leads: Leads, guard: Guard, fields: tuple[int, int]) -> None:
        """`fields`: ids of the lead fields google_calendar_link and meeting_status."""
        self.cases, self.kommo, self.leads, self.guard, self.fields = cases, kommo, leads, guard, fields

    async def ensure(self, meeting_id: int) -> None:
        """The lead carries link and status; for a new or moved meeting this is read back.

        Raises:
            ServiceError: Not known to be so; try again later.
            EffectLostError: Kommo accepted the write but does not show it.
            OvertakenError: A seller has changed the lead since; it stays as it is until that was looked at.
        """
        case = await self.cases.read(meeting_id)
        meeting = case.meeting
        if meeting.lead_rev >= meeting.revision:
            return
        lead_id = await lead_of(case, self.cases, self.leads)
        if lead_id is not None and case.is_current and shown_of(meeting).lead is not None and self.guard.is_needed(case):
            found = await self.kommo.get_lead(lead_id)
            await self.guard.check(case, Crm(lead=lead_seen(found, self.fields, speaks=True)))
        seen = await self._write(meeting, lead_id) if lead_id is not None and case.is_current else None
        await self.cases.mark(meeting_id, lead_rev=meeting.revision, and_then=lambda row: remember(row, Crm(lead=seen), None))

    async def put_back(self, meeting_id: int) -> None:
        """Writes the lead's two fields as they are agreed.

        Raises:
            ServiceError, EffectLostError: As `ensure`.
        """
        case = await self.cases.read(meeting_id)
        if case.meeting.kommo_lead_id is not None and case.is_current:
            seen = await self._write(case.meeting, case.meeting.kommo_lead_id)
            await self.cases.mark(meeting_id, and_then=lambda row: remember(row, Crm(lead=seen), None))

    async def _write(self, meeting: Meeting, lead_id: int) -> LeadSeen | None:
        """Writes, and reads back while it matters; returns what the lead shows now, None when it is gone."""
        link_field, status_field = self.fields
        wanted = {link_field: meeting.link or "", status_field: str(meeting.status)}
        try:
            await self.kommo.update_lead(lead_id, fields=wanted)
        except NotFoundError:
            return None  # deleted or merged away: nothing left to write on
        known = shown_of(meeting).lead
        if meeting.status != MeetingStatus.SCHEDULED:
            return replace(known or LeadSeen(), status=str(meeting.status), link=meeting.link)
        lead = await self.kommo.get_lead(lead_id)
        if lead is None:
            return None
        if any(lead.fields.get(field, "") != value for field, value in wanted.items()):
            raise EffectLostError(f"Kommo accepted link and status of lead {lead_id}, but the lead does not show them")
        seen = lead_seen(lead, self.fields, speaks=True)
        # Stage and responsible user are not ours: what somebody changed just now is for the next look to find.
        return replace(seen, is_lost=known.is_lost, responsible=known.responsible) if known else seen


def mark_of(meeting_id: int) -> str:
    """What a task's text carries so that the task is known as the meeting's, e.g. "#12"."""
    return f"#{meeting_id}"


async def lead_of(case: Case, cases: Cases, leads: Leads) -> int | None:
    """The meeting's lead, looked for or made if there is none yet; None while the customer's phone is hidden."""
    if case.meeting.kommo_lead_id is not None:
        return case.meeting.kommo_lead_id
    lead_id = await leads.ensure(case.customer.id)
    if lead_id is not None:
        await cases.mark(case.meeting.id, kommo_lead_id=lead_id)
    return lead_id
