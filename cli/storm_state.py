"""What a storm leaves behind, customer by customer, in a form in which two runs can be compared."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from cli.storm_plan import Person, Plan
from cli.storm_world import ASIDES
from meetings.business import Business
from prompts.catalogue import DEFAULT_LOCALE, Catalogue

Json = dict[str, Any]
_NOTICE = re.compile(r"meeting:\d+:\d+:([a-z_]+)")
_MARK = re.compile(r"#\d+")
_STAMP = re.compile(r"\[[^\]]*\]$")  # when a note was written: the one thing that may differ


@dataclass(frozen=True)
class Left:
    """One customer in the end. All parts are plain texts and numbers, free of ids and of the time at which something was done.

    Attributes:
        events: Living ones: calendar, start, end, title.
        tasks: Type, deadline, length, responsible, open or closed with what result.
        lead: Status, whether the link is that of the event, tags, stage, responsible, answers.
        notes: In the lead's feed.
        told: What the system told the customer, in order: day, hour and seller as the customer read them.
        asides: The model's own sentences, as a set: how often "one moment" was said depends on the weather.
        records: How many leads and contacts there are of this customer.
    """

    events: tuple[str, ...]
    tasks: tuple[str, ...]
    lead: tuple[str, ...]
    notes: tuple[str, ...]
    told: tuple[str, ...]
    asides: tuple[str, ...]
    records: tuple[str, ...]


def read_left(plan: Plan, business: Business, state: Json, keys: Mapping[str, str]) -> dict[str, Left]:
    """Every customer's part of the world.

    Args:
        state: The sandbox's whole state.
        keys: Of our messages, by their WhatsApp id.
    """
    return {person.code: _read(person, business, state, keys) for person in plan.people}


def differences(calm: Mapping[str, Left], storm: Mapping[str, Left]) -> list[str]:
    """What is not as in the calm run, one line each; empty when all is."""
    found = []
    for code, expected in calm.items():
        actual = storm.get(code)
        if actual is None:
            found.append(f"{code}: nothing is known of this customer")
            continue
        for part in fields(Left):
            before, after = getattr(expected, part.name), getattr(actual, part.name)
            if before != after:
                found.append(f"{code}: {part.name}: {_difference(before, after)}")
    return found


def _difference(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    missing = list((Counter(before) - Counter(after)).elements())
    extra = list((Counter(after) - Counter(before)).elements())
    if not missing and not extra:
        return f"another order: {' | '.join(after)}"
    return "; ".join([*(f"missing {text!r}" for text in missing), *(f"too much {text!r}" for text in extra)])


def _read(person: Person, business: Business, state: Json, keys: Mapping[str, str]) -> Left:
    kommo = state["kommo"]
    contacts = [c for c in kommo["contacts"] if person.phone[-8:] in re.sub(r"\D", "", str(c["fields"].get("Phone") or ""))]
    lead_ids = {lead_id for contact in contacts for lead_id in contact["leads"]}
    leads = [lead for lead in kommo["leads"] if lead["id"] in lead_ids]
    events = [
        (calendar_id, event)
        for calendar_id, calendar in state["google"]["calendars"].items()
        for event in calendar["events"].values()
        if event["status"] != "cancelled" and person.name in event.get("summary", "")
    ]
    # While the model is down a seller is asked to write: once per outage, so not at all in the calm run.
    alarm = Catalogue.load("conversation", DEFAULT_LOCALE).text("handoff_model_down")
    tasks = [task for task in kommo["tasks"] if task["entity_id"] in lead_ids and alarm not in (task["text"] or "")]
    notes = [
        _STAMP.sub("", _MARK.sub("#", note["text"] or "")).strip() for note in kommo["notes"] if note["entity_id"] in lead_ids
    ]
    links = {event["htmlLink"] for _, event in events}
    told, asides = _told(person, business, state, keys)
    return Left(
        events=tuple(sorted(f"{calendar_id}: {_span(event)}, {event['summary']}" for calendar_id, event in events)),
        tasks=tuple(sorted(_task(task) for task in tasks)),
        lead=tuple(_lead(lead, links) for lead in leads),
        notes=tuple(sorted(notes)),
        told=told,
        asides=asides,
        records=(f"{len(leads)} leads", f"{len(contacts)} contacts"),
    )


def _span(event: Json) -> str:
    start, end = (datetime.fromisoformat(event[side]["dateTime"]).astimezone(UTC) for side in ("start", "end"))
    return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC"


def _task(task: Json) -> str:
    deadline = datetime.fromtimestamp(task["complete_till"], UTC)
    state = f"closed: {task['result']}" if task["is_completed"] else "open"
    text = _MARK.sub("#", task["text"] or "")
    return f"{text} (type {task['task_type_id']}), {deadline:%Y-%m-%d %H:%M} UTC, {task['responsible_user_id']}, {state}"


def _lead(lead: Json, links: set[str]) -> str:
    values = {name: value for name, value in lead["fields"].items() if name != "google_calendar_link"}
    link = lead["fields"].get("google_calendar_link")
    of = "none" if not link else "of the event" if link in links else "of an event that is gone"
    stage, who = lead["status_id"], lead["responsible_user_id"]
    return f"{sorted(values.items())}, link {of}, tags {sorted(lead['tags'])}, stage {stage}, {who}"


def _told(person: Person, business: Business, state: Json, keys: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = Catalogue.load("conversation", DEFAULT_LOCALE)
    company = business.company
    hello = words.text(
        "introduction", name=person.name.split(" ")[0], assistant_name=company.assistant_name, company=company.name
    )
    plain_hello = words.text("introduction", name="", assistant_name=company.assistant_name, company=company.name)
    told, asides, introductions = [], set(), 0
    for message in state["evolution"]["chat"].get(f"+{person.phone}", []):
        if message["from"] != "agent":
            continue
        text = message["text"]
        for greeting in (hello, plain_hello):
            if text.startswith(greeting):
                introductions += 1
                text = text.removeprefix(greeting).strip()
        key = keys.get(message["id"])
        notice = _NOTICE.fullmatch(key or "")
        if key is None:
            told.append(f"sent without a record: {text}")
        elif notice and notice[1] == "no_show":
            told.append("no_show")  # which times are free then is another matter
        elif notice:
            told.append(text)
        elif text not in ASIDES and text != words.text("model_down"):
            told.append(f"{key.split(':')[0]}: {text}")
        else:
            asides.add("answered")
    return (*told, f"{introductions} introductions"), tuple(sorted(asides))
