"""What a run has left behind, in a form in which two runs are equal when a customer, a seller and an operator see the same."""

import json
import re
from typing import Any

from cli.people import People
from meetings.database import parse_url, sync_engine

Json = dict[str, Any]
_WRITTEN = re.compile(r"\[\d\d/\d\d/\d{4} \d\d:\d\d\]")  # when a note was made: a webhook that comes late makes it later


def picture(people: People, database_url: str) -> dict[str, list[str]]:
    """Named parts, each a list of lines; ids that every run makes anew are left out."""
    state = people.state()
    links = {event.link: f"link of event {n}" for n, event in enumerate(people.events(state), 1)}
    return {
        "event": sorted(
            f"{event['calendar']} {event['status']} {event['start']} {event['end']} {event['summary']}"
            for event in _events(state)
        ),
        "task": sorted(_task(task) for task in state["kommo"]["tasks"]),
        "lead": [_lead(lead, links) for lead in state["kommo"]["leads"]],
        "contact": [f"{one['name']} {one['fields'].get('Phone')}" for one in state["kommo"]["contacts"]],
        "note": sorted(_WRITTEN.sub("[when]", note["text"]) for note in state["kommo"]["notes"]),
        # Sorted: a notice whose fate was not known may come half a minute after the words that followed it.
        "message": sorted(f"{message['from']}: {message['text']}" for message in people.chat(state)),
        "webhook": sorted(hook["destination"].split("?")[0] for hook in state["kommo"]["webhooks"]),
        "record": _records(database_url),
    }


def differences(calm: dict[str, list[str]], seen: dict[str, list[str]]) -> list[str]:
    """What is missing and what is too much, a line each; empty when both are equal."""
    found = []
    for part, lines in calm.items():
        left = list(seen[part])
        for line in lines:
            if line in left:
                left.remove(line)
            else:
                found.append(f"{part} missing: {line}")
        found += [f"{part} too much: {line}" for line in left]
    return found


def _events(state: Json) -> list[Json]:
    found = []
    for calendar_id, calendar in state["google"]["calendars"].items():
        for event in calendar["events"].values():
            full = event.get("_details") or event
            found.append(
                {
                    "calendar": calendar_id,
                    "status": event["status"],
                    "start": full["start"].get("dateTime"),
                    "end": full["end"].get("dateTime"),
                    "summary": full.get("summary"),
                }
            )
    return found


def _task(task: Json) -> str:
    names = ("task_type_id", "text", "complete_till", "duration", "responsible_user_id", "is_completed", "result")
    return json.dumps({name: task.get(name) for name in names}, ensure_ascii=False)


def _lead(lead: Json, links: dict[str, str]) -> str:
    fields = {name: links.get(str(value), value) for name, value in lead["fields"].items()}
    names = ("name", "status", "responsible_user_id", "is_deleted", "tags")
    return json.dumps({**{name: lead[name] for name in names}, "fields": fields}, ensure_ascii=False, sort_keys=True)


# What the service believes must be what is so: nothing half done, nothing still to do, each message known as what it became.
_RECORDS = {
    "meeting": "SELECT status, phase, revision, event_rev, task_rev, lead_rev, notice_rev, touch_rev, told FROM meeting",
    "change": 'SELECT revision, what, "by", source, hint FROM change ORDER BY meeting_id, revision',
    # How far WhatsApp's own receipts have come is not compared: they may be lost with the process.
    "message": "SELECT author, replace(replace(state, 'delivered', 'sent'), 'read', 'sent'), text FROM message ORDER BY id",
    "answer": "SELECT criterion, value, on_lead FROM answer ORDER BY criterion",
    "touch": "SELECT kind, key, outcome FROM touch ORDER BY key",
    "hint": "SELECT count(*) FROM hint WHERE done_at IS NULL",
    "note": "SELECT key, text, problem FROM crm_note WHERE written_at IS NOT NULL ORDER BY key",
    "note unwritten": "SELECT key FROM crm_note WHERE written_at IS NULL",
    "customer": "SELECT phone, name, pause_source, handoff_reason, turn_attempts, introduced_at IS NOT NULL FROM customer",
    "turn without an end": "SELECT id FROM turn WHERE ended_at IS NULL",
}


def _records(database_url: str) -> list[str]:
    engine = sync_engine(parse_url(database_url))
    try:
        with engine.connect() as connection:
            return [
                f"{name}: {_WRITTEN.sub('[when]', json.dumps(list(row), ensure_ascii=False))}"
                for name, query in _RECORDS.items()
                for row in connection.exec_driver_sql(query)
            ]
    finally:
        engine.dispose()
