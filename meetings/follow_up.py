"""Asks the seller how a meeting went when nobody has said so: a task on the lead, or a WhatsApp message and then a task."""

from collections.abc import Callable
from datetime import datetime, timedelta

from clients.errors import NotFoundError
from clients.kommo import KommoClient, KommoTask
from meetings.answers import SellerAnswer, understood
from meetings.business import Business
from meetings.customers import Leads
from meetings.database import Database
from meetings.notice_facts import seller_facts
from meetings.outcomes import Outcomes
from meetings.seller_box import SellerBox
from meetings.tables import Customer, Meeting, MeetingStatus, MessageState, Touch
from meetings.touch_checks import Result, Witness, stands
from meetings.touch_plan import awake
from prompts.catalogue import Catalogue

FOLLOW_UP_TASK = 1  # Kommo's built-in task type
_UNANSWERED = timedelta(hours=4)  # then a WhatsApp question becomes a task too
_LOOK_EVERY = timedelta(minutes=30)  # at an open task; its webhook makes it sooner
_GIVE_UP = timedelta(days=7)
_SECOND = 2  # the step of a question that is asked once more


class FollowUps:
    """The touch after a meeting. Open from the question until the outcome is known, by whatever way."""

    def __init__(
        self,
        db: Database,
        kommo: KommoClient,
        leads: Leads,
        box: SellerBox,
        witness: Witness,
        outcomes: Outcomes,
        business: Business,
        *,
        locale: str,
        now: Callable[[], datetime],
    ) -> None:
        """`locale`: the sellers' language."""
        self.db, self.kommo, self.leads, self.box, self.witness = db, kommo, leads, box, witness
        self.outcomes, self.business, self.locale, self.now = outcomes, business, locale, now

    async def pursue(self, touch: Touch) -> Result:
        """Asks, looks whether the task was answered, or closes the question when the outcome is known.

        Raises:
            ServiceError, NotYetError: To be tried again.
        """
        meeting = await self.witness.confirm(touch) if touch.asked_at is None else await self._meeting(touch)
        if meeting is None or not stands(meeting, touch):
            return await self._close(touch, await self._meeting(touch))
        if touch.asked_at is None and self.business.follow_up.how == "whatsapp":
            later = awake(self.business, self.now())
            if later > self.now():
                return Result("quiet hours", again_at=later)
            if await self._ask_by_whatsapp(touch, meeting):
                return Result("asked", again_at=self.now() + _UNANSWERED)
        if touch.kommo_task_id is None:
            return await self._ask_by_task(touch, meeting)
        return await self._read_task(touch, meeting, touch.kommo_task_id)

    async def _ask_by_whatsapp(self, touch: Touch, meeting: Meeting) -> bool:
        """Whether the seller was asked; False without a number, or when WhatsApp refused it for good."""
        seller = self.business.seller(meeting.kommo_user_id)
        if seller is None or seller.whatsapp is None:
            return False
        text = Catalogue.load("crm", self.locale).text("seller_question", **await self._facts(meeting))
        state = await self.box.post(seller.kommo_user_id, touch.key, text, touch_id=touch.id)
        if state is MessageState.FAILED:
            return False
        await self._keep(touch.id, asked_at=self.now())
        return True

    async def _ask_by_task(self, touch: Touch, meeting: Meeting) -> Result:
        lead_id = meeting.kommo_lead_id or await self.leads.ensure(meeting.customer_id)
        if lead_id is None:
            return Result("no lead")
        # Kept before the call: if its answer is lost, the task is looked for, also when it is no longer needed.
        await self._keep(touch.id, asked_at=touch.asked_at or self.now())
        found = await self._find_task(lead_id, touch)
        task_id = found.id if found else await self._create_task(lead_id, touch, meeting)
        await self._keep(touch.id, kommo_task_id=task_id)
        return Result("asked", again_at=self.now() + _LOOK_EVERY)

    async def _read_task(self, touch: Touch, meeting: Meeting, task_id: int) -> Result:
        """Looks whether the question's own task was completed with an answer."""
        task = await self.kommo.get_task(task_id)
        if task is None:
            return Result("task deleted")
        if task.is_completed:
            # Most people tick a task off without a word, which the question says means yes.
            answer = understood(task.result, self.business.result_words) if task.result.strip() else SellerAnswer.COMPLETED
            if answer is None:
                return await self._ask_again(touch, meeting)
            await self.outcomes.take(touch.id, answer, hint="follow_up_answered")
            return Result(answer.value)
        if touch.asked_at is not None and touch.asked_at + _GIVE_UP < self.now():
            return Result("unanswered")
        return Result("asked", again_at=self.now() + _LOOK_EVERY)

    async def _ask_again(self, touch: Touch, meeting: Meeting) -> Result:
        """Asks once more, by a task that says which words count."""
        if touch.step == _SECOND:
            return Result("answer unclear")
        touch.step, touch.kommo_task_id = _SECOND, None
        await self._keep(touch.id, step=_SECOND, kommo_task_id=None)
        return await self._ask_by_task(touch, meeting)

    async def _close(self, touch: Touch, meeting: Meeting) -> Result:
        """The outcome is known: a task that still asks for it is completed."""
        if touch.asked_at is None:
            return Result("meeting changed")
        task = await self.kommo.get_task(touch.kommo_task_id) if touch.kommo_task_id else None
        if touch.kommo_task_id is None and meeting.kommo_lead_id is not None:
            task = await self._find_task(meeting.kommo_lead_id, touch)
        if task is not None and not task.is_completed:
            result = Catalogue.load("crm", self.locale).text("follow_up_closed", status=str(meeting.status))
            try:
                await self.kommo.complete_task(task.id, result)
            except NotFoundError:
                return Result("task deleted")
        return Result("meeting changed" if meeting.status == MeetingStatus.SCHEDULED else str(meeting.status))

    async def _create_task(self, lead_id: int, touch: Touch, meeting: Meeting) -> int:
        key = "follow_up_again" if touch.step == _SECOND else "follow_up_task"
        text = Catalogue.load("crm", self.locale).text(key, **await self._facts(meeting), mark=_mark(touch))
        return await self.kommo.create_task(
            lead_id,
            text=text,
            deadline=self.now() + timedelta(hours=1),
            task_type_id=FOLLOW_UP_TASK,
            responsible_user_id=meeting.kommo_user_id,
        )

    async def _find_task(self, lead_id: int, touch: Touch) -> KommoTask | None:
        """The task that an earlier attempt made whose answer was lost, recognised by its mark; None without one."""
        tasks = await self.kommo.list_tasks(lead_id)
        return next((task for task in tasks if _mark(touch) in task.text.split()), None)

    async def _facts(self, meeting: Meeting) -> dict[str, str]:
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, meeting.customer_id)
        return seller_facts(self.business, customer, meeting, self.locale)

    async def _meeting(self, touch: Touch) -> Meeting:
        async with self.db.transaction() as session:
            return await session.get_one(Meeting, touch.meeting_id)

    async def _keep(self, touch_id: int, **values: object) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Touch, touch_id)
            for name, value in values.items():
                setattr(row, name, value)


def _mark(touch: Touch) -> str:
    """Another one than that of the meeting's own task, which would else be taken for it."""
    mark = f"#{touch.meeting_id}-{touch.id}"
    return f"{mark}-{_SECOND}" if touch.step == _SECOND else mark
