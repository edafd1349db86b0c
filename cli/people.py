"""The people around the service, played through the sandbox's controls: what customers and sellers do, and what they then see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

Json = dict[str, Any]


class SandboxRefusedError(Exception):
    """The sandbox could not do what was asked; the message is its own."""


@dataclass(frozen=True)
class SeenEvent:
    """A calendar event as its owner sees it. Times as written by Google, with offset; of an all-day event midnight UTC."""

    id: str
    calendar_id: str
    is_cancelled: bool
    starts_at: datetime
    ends_at: datetime
    summary: str
    link: str


# A customer who speaks the language, by the country of the phone.
PHONES = {"pt-BR": "5511987654321", "es": "5491123456789", "en": "14155551234"}


class People:
    """Acts and views of one customer and the sellers, over the sandbox's HTTP controls."""

    def __init__(self, control_url: str, phone: str = PHONES["pt-BR"], name: str = "Maria Souza") -> None:
        self.phone, self.name = phone, name
        self._http = httpx.Client(base_url=f"{control_url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def do(self, path: str, /, **fields: Any) -> Any:
        """Calls any control by its path and fields, e.g. "/calendar/event/delete" with calendar_id and event_id."""
        answer = self._http.post(path, json=fields)
        if answer.status_code >= 400:
            raise SandboxRefusedError(str(answer.json().get("error", answer.text)))
        return answer.json()

    def state(self) -> Json:
        """The whole world as JSON."""
        state: Json = self._http.get("/state").json()
        return state

    def requests(self, service: str) -> list[Json]:
        """The calls a service got, oldest first."""
        found: list[Json] = self._http.get("/requests", params={"service": service}).json()
        return found

    # Customers

    def customer_says(self, text: str, **fields: Any) -> str:
        """The customer writes; returns the message's id."""
        said = {"phone": self.phone, "name": self.name, "text": text, **fields}
        return str(self.do("/customer/say", **said)["id"])

    # Sellers

    def seller_deletes_task(self, task_id: int | None = None) -> None:
        self.do("/seller/task/delete", task_id=task_id or self.task_id())

    def seller_completes_task(self, result: str | None = None, task_id: int | None = None, via: str | None = None) -> None:
        self.do("/seller/task/complete", task_id=task_id or self.task_id(), result=result, via=via)

    def seller_moves_task(self, when: datetime, task_id: int | None = None, duration_s: int | None = None) -> None:
        wanted = {"task_id": task_id or self.task_id(), "complete_till": int(when.timestamp())}
        self.do("/seller/task/move", **wanted, duration=duration_s)

    def seller_sets_field(self, field_id: int, value: str | None) -> None:
        self.do("/seller/lead/edit", lead_id=self.lead()["id"], custom_fields={str(field_id): value})

    def seller_types(self, text: str, on: str = "phone") -> None:
        self.do("/seller/type", phone=self.phone, text=text, on=on)

    # What they see

    def chat(self, state: Json | None = None) -> list[Json]:
        """The customer's chat: {"from": customer, agent or seller, "text", "id", "status"}, oldest first."""
        chats = (state or self.state())["evolution"]["chat"]
        key = "+" + self.phone.lstrip("+")
        found: list[Json] = chats.get(key, [])
        return found

    def told(self, state: Json | None = None) -> list[str]:
        """What the customer was told by us."""
        return [m["text"] for m in self.chat(state) if m["from"] == "agent"]

    def id_of(self, part: str, phone: str | None = None) -> str:
        """The id of our newest message with these words in it, in this customer's chat or that of another phone.

        Raises:
            LookupError: There is none.
        """
        chats = self.state()["evolution"]["chat"]
        chat: list[Json] = chats.get("+" + (phone or self.phone).lstrip("+"), [])
        found = [m["id"] for m in chat if m["from"] == "agent" and part in m["text"]]
        if not found:
            raise LookupError(f"no message of ours says {part!r}")
        return str(found[-1])

    def lead(self, state: Json | None = None) -> Json:
        """The newest lead.

        Raises:
            LookupError: There is none.
        """
        leads = (state or self.state())["kommo"]["leads"]
        if not leads:
            raise LookupError("there is no lead in Kommo yet")
        newest: Json = leads[-1]
        return newest

    def tasks(self, state: Json | None = None, task_type_id: int = 2) -> list[Json]:
        """The meeting tasks that exist, oldest first."""
        return [t for t in (state or self.state())["kommo"]["tasks"] if t["task_type_id"] == task_type_id]

    def events(self, state: Json | None = None) -> list[SeenEvent]:
        """All events of all calendars, cancelled ones too, in the order they were made."""
        found = []
        for calendar_id, calendar in (state or self.state())["google"]["calendars"].items():
            for event in calendar["events"].values():
                full = event.get("_details") or event
                found.append(
                    SeenEvent(
                        id=event["id"],
                        calendar_id=calendar_id,
                        is_cancelled=event["status"] == "cancelled",
                        starts_at=_moment(full["start"]),
                        ends_at=_moment(full["end"]),
                        summary=full.get("summary", ""),
                        link=full.get("htmlLink", ""),
                    )
                )
        return found

    def event(self, nth: int | None = None) -> SeenEvent:
        """The nth event with the customer's name that is not cancelled, from 1; the newest unless given.

        Raises:
            LookupError: There is none.
        """
        live = [event for event in self.events() if self.name in event.summary and not event.is_cancelled]
        found: SeenEvent = _one_of(live, nth, "event of the customer")
        return found

    def task_id(self, nth: int | None = None) -> int:
        """The nth meeting task that exists, from 1; unless given the newest open one, else the newest.

        Raises:
            LookupError: There is none.
        """
        tasks = self.tasks()
        if nth is None:
            tasks = [t for t in tasks if not t["is_completed"]] or tasks
        return int(_one_of(tasks, nth, "meeting task in Kommo")["id"])


def _moment(event_time: Json) -> datetime:
    whole_day = event_time.get("date")
    return datetime.fromisoformat(event_time["dateTime"] if not whole_day else f"{whole_day}T00:00:00+00:00")


def _one_of(found: list[Any], nth: int | None, what: str) -> Any:
    if len(found) < (nth or 1):
        raise LookupError(f"there is no {what} yet" if not found else f"there are only {len(found)} of {what}")
    return found[nth - 1 if nth else -1]
