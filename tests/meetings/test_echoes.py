"""Which of Kommo's webhooks about a lead show nothing new, and that all others are looked at."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from meeting_scene import ANA, BRUNO, add_customer, at, database, shipped
from sqlalchemy import select

from clients.kommo import LOST
from meetings.decide import Crm, LeadSeen
from meetings.echoes import Echoes
from meetings.events import HintEntity, KommoHint, KommoWebhook, LeadShown
from meetings.inbox import Inbox
from meetings.seen import remember
from meetings.tables import Customer, Hint, Meeting, MeetingPhase, MeetingStatus

NOW = at("2026-03-09 12:00")
LINK_FIELD, STATUS_FIELD = 123456, 123457
LEAD, STAGE = 15320411, 67548607
URL = "https://www.google.com/calendar/event?eid=abc"
AS_AGREED = LeadShown({LINK_FIELD: URL, STATUS_FIELD: "scheduled", 99: "other"}, STAGE, ANA, ("marcado",))


def outcome(
    tmp_path: Path,
    shows: LeadShown | None = AS_AGREED,
    *,
    entity: HintEntity = HintEntity.LEAD,
    has_base: bool = True,
    customer: dict[str, Any] | None = None,
    **meeting: Any,
) -> str | None:
    """What the hint of a webhook is marked with at once; None when it is left to be looked at."""

    async def act() -> str | None:
        async with database(tmp_path) as db:
            known = {"kommo_lead_id": LEAD, "kommo_user_id": ANA, **(customer or {})}
            customer_id = await add_customer(db, NOW, **known)
            async with db.transaction() as session:
                row = Meeting(**{**as_agreed(customer_id), **meeting})
                if has_base:
                    base = LeadSeen(status="scheduled", link=URL, responsible=ANA, updated_at=NOW)
                    remember(row, Crm(lead=base), None)
                session.add(row)
            inbox = Inbox(db, lambda: NOW, pause_min=60, echoes=Echoes(shipped(), (LINK_FIELD, STATUS_FIELD)))
            await inbox.store_kommo(KommoWebhook(1, (KommoHint(entity, LEAD, "update", shows=shows),)), "")
            async with db.transaction() as session:
                hint = (await session.scalars(select(Hint))).one()
                assert (hint.done_at is None) is (hint.outcome is None)
                return hint.outcome

    return asyncio.run(act())


def as_agreed(customer_id: int) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "kommo_lead_id": LEAD,
        "kommo_user_id": ANA,
        "calendar_id": "ana@solclaro.example",
        "event_id": "abcdef0123",
        "link": URL,
        "phase": MeetingPhase.BOOKED,
        "status": MeetingStatus.SCHEDULED,
        "starts_at": at("2026-03-10 10:00"),
        "ends_at": at("2026-03-10 11:00"),
        "shown": {},
        "old_events": [],
        "created_at": NOW,
        "updated_at": NOW,
    }


def test_a_lead_that_shows_what_is_agreed_needs_no_look(tmp_path: Path) -> None:
    assert outcome(tmp_path) == "shows nothing new"


@pytest.mark.parametrize(
    "shows",
    [
        None,
        replace(AS_AGREED, fields={**AS_AGREED.fields, STATUS_FIELD: "cancelled"}),
        replace(AS_AGREED, fields={**AS_AGREED.fields, LINK_FIELD: "https://elsewhere.example"}),
        replace(AS_AGREED, fields={STATUS_FIELD: "scheduled"}),
        replace(AS_AGREED, fields={}),
        replace(AS_AGREED, status_id=LOST),
        replace(AS_AGREED, responsible_user_id=BRUNO),
        replace(AS_AGREED, responsible_user_id=10000),
        replace(AS_AGREED, tags=("marcado", "humano")),
    ],
)
def test_a_lead_that_shows_anything_else_is_looked_at(tmp_path: Path, shows: LeadShown | None) -> None:
    assert outcome(tmp_path, shows) is None


def test_a_task_is_looked_at_whatever_its_webhook_shows(tmp_path: Path) -> None:
    assert outcome(tmp_path, entity=HintEntity.TASK) is None


@pytest.mark.parametrize(
    "meeting",
    [
        {"status": MeetingStatus.CANCELLED},
        {"link": None},
        {"phase": MeetingPhase.HELD},
        {"wish": {"what": "x", "since": NOW.isoformat()}},
        {"look_at": NOW},
        {"kommo_lead_id": LEAD + 1},
    ],
)
def test_a_meeting_that_is_not_at_rest_is_looked_at(tmp_path: Path, meeting: dict[str, Any]) -> None:
    assert outcome(tmp_path, **meeting) is None


def test_a_lead_we_have_never_read_is_looked_at(tmp_path: Path) -> None:
    assert outcome(tmp_path, has_base=False) is None


@pytest.mark.parametrize(
    "customer",
    [{"kommo_user_id": BRUNO}, {"kommo_user_id": None}, {"pause_source": "tag", "paused_until": at("2030-01-01 00:00")}],
)
def test_what_the_lead_says_of_the_customer_must_be_known(tmp_path: Path, customer: dict[str, Any]) -> None:
    assert outcome(tmp_path, customer=customer) is None


def test_every_person_of_the_lead_counts(tmp_path: Path) -> None:
    async def act() -> list[str | None]:
        async with database(tmp_path) as db:
            first = await add_customer(db, NOW, kommo_lead_id=LEAD, kommo_user_id=ANA)
            second = await add_customer(db, NOW, phone="+5511912345678", kommo_lead_id=LEAD, kommo_user_id=None)
            async with db.transaction() as session:
                row = Meeting(**as_agreed(first))
                remember(row, Crm(lead=LeadSeen(status="scheduled", link=URL, responsible=ANA, updated_at=NOW)), None)
                session.add(row)
            inbox = Inbox(db, lambda: NOW, pause_min=60, echoes=Echoes(shipped(), (LINK_FIELD, STATUS_FIELD)))
            webhook = KommoWebhook(1, (KommoHint(HintEntity.LEAD, LEAD, "update", shows=AS_AGREED),))
            await inbox.store_kommo(webhook, "")
            async with db.transaction() as session:
                (await session.get_one(Customer, second)).kommo_user_id = ANA
            await inbox.store_kommo(webhook, "")
            async with db.transaction() as session:
                return [hint.outcome for hint in await session.scalars(select(Hint).order_by(Hint.id))]

    assert asyncio.run(act()) == [None, "shows nothing new"]
