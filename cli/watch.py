"""Turns the sandbox's state into what a person would notice: new messages, and what changed on lead, task and calendar."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli.people import People
from prompts.catalogue import Catalogue
from prompts.labels import short_label

_FIELDS = ("google_calendar_link", "meeting_status")


@dataclass(frozen=True)
class Noticed:
    """One thing to show. `who` is customer, agent, seller, lead, task or event."""

    who: str
    text: str


@dataclass(frozen=True)
class _TaskChanges:
    """What was done to tasks, and tasks that are new."""

    acts: list[Noticed]
    new: list[Noticed]


class Watcher:
    """Remembers what was shown; each `look` gives what is new, in an order that tells the story."""

    def __init__(self, people: People, words: Catalogue, zone: ZoneInfo) -> None:
        self.people, self.words, self.zone = people, words, zone
        self._messages = 0
        self._leads: dict[int, dict[str, Any]] = {}
        self._tasks: dict[int, dict[str, Any]] = {}
        self._events: dict[str, tuple[datetime, bool]] = {}

    def look(self) -> list[Noticed]:
        state = self.people.state()
        chat = self.people.chat(state)
        new = [Noticed(m["from"], m["text"]) for m in chat[self._messages :]]
        self._messages = len(chat)
        asked = [n for n in new if n.who != "agent"]
        told = [n for n in new if n.who == "agent"]
        # What a seller did comes before what followed from it.
        tasks = self._task_changes(state)
        return [*asked, *tasks.acts, *self._event_changes(state), *tasks.new, *self._lead_changes(state), *told]

    def _lead_changes(self, state: dict[str, Any]) -> list[Noticed]:
        noticed = []
        for lead in state["kommo"]["leads"]:
            before = self._leads.get(lead["id"])
            if before is None:
                noticed.append(Noticed("lead", self.words.text("change_lead_new", name=lead["name"])))
            for name in _FIELDS:
                old, new = (before or {}).get(name), lead["fields"].get(name)
                if old != new:
                    shown = {"before": old or self.words.text("status_none"), "after": new or self.words.text("status_none")}
                    noticed.append(Noticed("lead", self.words.text("change_lead_field", field=name, **shown)))
            self._leads[lead["id"]] = {name: lead["fields"].get(name) for name in _FIELDS}
        return noticed

    def _task_changes(self, state: dict[str, Any]) -> "_TaskChanges":
        acts, new = [], []
        tasks = {t["id"]: t for t in state["kommo"]["tasks"]}
        for task_id, task in tasks.items():
            before = self._tasks.get(task_id)
            if before is None:
                new.append(Noticed("task", self.words.text("change_task_new", text=task["text"])))
            elif task["complete_till"] != before["complete_till"]:
                acts.append(Noticed("task", self.words.text("change_task_moved", when=self._when(task["complete_till"]))))
            if task["is_completed"] and not (before or {}).get("is_completed"):
                acts.append(Noticed("task", self.words.text("change_task_done", result=task.get("result") or "")))
        acts += [Noticed("task", self.words.text("change_task_gone")) for gone in self._tasks if gone not in tasks]
        self._tasks = tasks
        return _TaskChanges(acts, new)

    def _event_changes(self, state: dict[str, Any]) -> list[Noticed]:
        noticed = []
        for event in self.people.events(state):
            before = self._events.get(event.id)
            when = short_label(event.starts_at, self.zone, self.words.locale)
            if before is None:
                noticed.append(Noticed("event", self.words.text("change_event_new", summary=event.summary, when=when)))
            elif before[0] != event.starts_at:
                noticed.append(Noticed("event", self.words.text("change_event_moved", when=when)))
            if event.is_cancelled and not (before and before[1]):
                noticed.append(Noticed("event", self.words.text("change_event_cancelled", summary=event.summary)))
            self._events[event.id] = (event.starts_at, event.is_cancelled)
        return noticed

    def _when(self, timestamp: int) -> str:
        return short_label(datetime.fromtimestamp(timestamp, UTC), self.zone, self.words.locale)
