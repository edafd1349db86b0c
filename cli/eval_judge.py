"""Compares the state that a conversation left behind with the state that was wanted."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.people import People
from cli.scenario_schema import Afterwards, EventState, OtherState, TaskState
from meetings.business import load_business
from meetings.qualification import fold
from prompts.catalogue import DEFAULT_LOCALE, Catalogue

_QUESTION = re.compile(r"#\d+-\d+(?:-\d+)?$")  # the mark of a task that asks how a meeting went


def our_calendars(business_file: Path) -> list[str]:
    """The calendars on which meetings are looked for."""
    return [str(seller.calendar_id) for seller in load_business(business_file, "unused").sellers]


def judge(wanted: Afterwards, people: People, calendars: Sequence[str]) -> list[str]:
    """What of the wanted state is not so, one line each."""
    state = people.state()
    complaints: list[str] = []
    all_ours = [e for e in people.events(state) if e.calendar_id in calendars]
    ours = [e for e in all_ours if people.name in e.summary]
    if wanted.events is not None:
        complaints += _compare_events(wanted.events, ours)
    if wanted.tasks is not None:
        complaints += [f"of the meetings: {why}" for why in _compare_tasks(wanted.tasks, people.tasks(state))]
    leads = state["kommo"]["leads"]
    if wanted.leads is not None and len(leads) != wanted.leads:
        complaints.append(f"there are {len(leads)} leads, not {wanted.leads}")
    fields = leads[-1]["fields"] if leads else {}
    if wanted.meeting_status is not None and (fields.get("meeting_status") or "") != wanted.meeting_status:
        complaints.append(f"meeting_status on the lead is {fields.get('meeting_status')!r}, not {wanted.meeting_status!r}")
    if wanted.link_saved is not None:
        link = fields.get("google_calendar_link") or ""
        is_saved = bool(ours) and link == ours[-1].link
        if is_saved is not wanted.link_saved:
            complaints.append(f"google_calendar_link on the lead is {link!r}")
    if wanted.tags is not None and sorted(wanted.tags) != (tags := sorted(leads[-1]["tags"] if leads else [])):
        complaints.append(f"the lead has the tags {tags}, not {sorted(wanted.tags)}")
    complaints += _compare_notes(wanted, [str(note["text"]) for note in state["kommo"]["notes"]])
    complaints += _compare_told(wanted, people.told(state))
    questions = [t for t in people.tasks(state, task_type_id=1) if _QUESTION.search(t["text"])]
    if wanted.follow_ups is not None:
        complaints += [f"of the questions: {why}" for why in _compare_tasks(wanted.follow_ups, questions)]
    handed_off = any(not t["is_completed"] for t in people.tasks(state, task_type_id=1) if t not in questions)
    if handed_off is not wanted.handed_off:
        complaints.append("a seller was asked to take over" if handed_off else "no seller was asked to take over")
    for other in wanted.others:
        complaints += _judge_other(other, all_ours, _told_to(other.phone, state))
    return complaints


def _judge_other(wanted: OtherState, events: Sequence[Any], told: Sequence[str]) -> list[str]:
    complaints = _missing_facts(wanted.facts_told, told) + _told_after_all(wanted.never_told, told)
    if wanted.events is not None:
        complaints += _compare_events(wanted.events, [e for e in events if wanted.name in e.summary])
    return [f"{wanted.name}: {complaint}" for complaint in complaints]


def _told_to(phone: str, state: dict[str, Any]) -> list[str]:
    return [m["text"] for m in state["evolution"]["chat"].get("+" + phone, []) if m["from"] == "agent"]


def _missing_facts(facts: Sequence[str], told: Sequence[str]) -> list[str]:
    folded = [fold(text) for text in told]
    return [f"the customer was not told {fact!r}" for fact in facts if not any(_states(text, fact) for text in folded)]


def _states(folded: str, fact: str) -> bool:
    if fact.startswith("/"):
        return re.search(fact.strip("/"), folded, re.IGNORECASE) is not None
    return fold(fact) in folded


def _told_after_all(parts: Sequence[str], told: Sequence[str]) -> list[str]:
    return [f"the customer was told {part!r}" for part in parts if any(part in text for text in told)]


def _compare_events(wanted: Sequence[EventState], found: Sequence[Any]) -> list[str]:
    if len(wanted) != len(found):
        return [f"there are {len(found)} events, not {len(wanted)}: {found}"]
    complaints = []
    for n, (want, event) in enumerate(zip(wanted, found, strict=True), 1):
        if want.cancelled is not event.is_cancelled:
            complaints.append(f"event {n} is {'cancelled' if event.is_cancelled else 'not cancelled'}")
        if want.start and want.start != event.starts_at:
            complaints.append(f"event {n} starts {event.starts_at}, not {want.start}")
        if want.end and want.end != event.ends_at:
            complaints.append(f"event {n} ends {event.ends_at}, not {want.end}")
        if want.summary and want.summary not in event.summary:
            complaints.append(f"event {n} is called {event.summary!r}, not {want.summary!r}")
        if want.calendar and want.calendar != event.calendar_id:
            complaints.append(f"event {n} is on {event.calendar_id}, not {want.calendar}")
    return complaints


def _compare_tasks(wanted: Sequence[TaskState], found: Sequence[dict[str, Any]]) -> list[str]:
    if len(wanted) != len(found):
        return [f"there are {len(found)} tasks, not {len(wanted)}: {found}"]
    complaints = []
    for n, (want, task) in enumerate(zip(wanted, found, strict=True), 1):
        if want.completed is not task["is_completed"]:
            complaints.append(f"task {n} is {'completed' if task['is_completed'] else 'open'}")
        if want.deadline and int(want.deadline.timestamp()) != task["complete_till"]:
            complaints.append(f"task {n} has deadline {task['complete_till']}, not {want.deadline}")
        if want.duration_s is not None and want.duration_s != task["duration"]:
            complaints.append(f"task {n} takes {task['duration']} s, not {want.duration_s}")
        if want.responsible and want.responsible != task["responsible_user_id"]:
            complaints.append(f"task {n} is with {task['responsible_user_id']}, not {want.responsible}")
        if want.text and want.text not in task["text"]:
            complaints.append(f"task {n} says {task['text']!r}, not {want.text!r}")
        if want.result and want.result not in str(task.get("result")):
            complaints.append(f"task {n} has result {task.get('result')!r}, not {want.result!r}")
    return complaints


def _compare_notes(wanted: Afterwards, found: Sequence[str]) -> list[str]:
    """Every note but those with a customer's answers is about a meeting."""
    title = Catalogue.load("crm", DEFAULT_LOCALE).text("note_title")
    answers = [note for note in found if note.startswith(title)]
    complaints: list[str] = []
    if wanted.answers_noted is not None:
        complaints += _compare_parts(wanted.answers_noted, answers)
    if wanted.notes is not None:
        complaints += _compare_parts(wanted.notes, [note for note in found if note not in answers])
    return complaints


def _compare_parts(wanted: Sequence[str], notes: Sequence[str]) -> list[str]:
    complaints = [f"{part!r} stands in {count} notes, not in one" for part in wanted if (count := _holding(part, notes)) != 1]
    return complaints + [f"nobody wanted the note {note!r}" for note in notes if not any(part in note for part in wanted)]


def _holding(part: str, texts: Sequence[str]) -> int:
    return sum(part in text for text in texts)


def _compare_told(wanted: Afterwards, told: Sequence[str]) -> list[str]:
    complaints = _missing_facts(wanted.facts_told, told)
    at = 0
    for part in wanted.told:
        found = next((n for n in range(at, len(told)) if part in told[n]), None)
        if found is None:
            complaints.append(f"the customer was not told (in this order) {part!r}")
        else:
            at = found + 1
    for part in wanted.told_once:
        if (count := _holding(part, told)) != 1:
            complaints.append(f"{part!r} was told {count} times, not once")
    complaints += _told_after_all(wanted.never_told, told)
    if wanted.replies is not None and len(told) != wanted.replies:
        complaints.append(f"the customer got {len(told)} messages, not {wanted.replies}: {told}")
    return complaints
