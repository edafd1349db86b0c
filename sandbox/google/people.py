"""What people do in Google Calendar's own pages: add, drag, delete, answer, share. The sandbox's controls."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute

from sandbox.controls import control
from sandbox.google import oauth
from sandbox.google.backend import Backend
from sandbox.google.call import Caller
from sandbox.google.channels import publish
from sandbox.google.conference import finish, is_pending
from sandbox.google.errors import ApiError
from sandbox.google.event_input import RESPONSES
from sandbox.google.event_view import render
from sandbox.google.guests import answer, spread
from sandbox.google.recurrence import find_instance
from sandbox.google.state import CalendarRecord, EventRecord
from sandbox.google.times import duration, find_zone, parse_date, parse_moment, read_event_time, shifted, wire
from sandbox.google.transfer import move
from sandbox.google.writes import Manner, cancel, create, rewrite

Data = dict[str, Any]
_EDITABLE = ("summary", "description", "location", "transparency", "visibility", "colorId")


class People:
    """The people's side of the calendars. Each method is one control; ValueError says what was wrong with it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[BaseRoute]:
        actions: dict[str, Callable[[Data], Any]] = {
            "/calendar/event/add": self.add,
            "/calendar/event/move": self.drag,
            "/calendar/event/transfer": self.transfer,
            "/calendar/event/delete": self.delete,
            "/calendar/event/purge": self.purge,
            "/calendar/event/edit": self.edit,
            "/calendar/event/respond": self.respond,
            "/calendar/event/invite": self.invite,
            "/calendar/event/conference": self.end_conference,
            "/calendar/sync_tokens/expire": self.expire_sync_tokens,
            "/calendar/share": self.share,
            "/calendar/options": self.set_options,
            "/calendar/tokens/expire": self.expire_tokens,
            "/calendar/tokens/revoke": self.revoke,
            "/calendar/tokens/restore": self.restore,
        }
        return [control(path, self._guarded(action)) for path, action in actions.items()]

    def _guarded(self, action: Callable[[Data], Any]) -> Callable[[Data], Any]:
        def run(data: Data) -> Any:
            try:
                result = action(data)
            except ApiError as error:
                raise ValueError(error.message) from None
            publish(self._backend)
            return result

        return run

    def add(self, data: Data) -> Data:
        """A new event, by its owner's hand or (with `organizer`) as an invitation from outside."""
        calendar = self._calendar(data)
        body = {name: data[name] for name in (*_EDITABLE, "id", "recurrence", "eventType") if name in data}
        body["start"], body["end"] = self._start_and_end(calendar, data)
        body["attendees"] = [{"email": email} for email in data.get("attendees", [])]
        manner = Manner(send_updates=data.get("send_updates", "none"))
        if data.get("organizer"):
            body["attendees"].append({"email": calendar.id, "responseStatus": data.get("response", "needsAction")})
        event = create(self._backend, calendar, body, Caller(data.get("organizer", calendar.id)), manner)
        if data.get("organizer"):
            event.organizer = {"email": data["organizer"]}
        return render(event, calendar)

    def _start_and_end(self, calendar: CalendarRecord, data: Data) -> tuple[Data, Data]:
        start = _time(data["start"], calendar)
        if "end" in data:
            return start, _time(data["end"], calendar)
        length = timedelta(days=1) if "date" in start else timedelta(hours=1)
        return start, shifted(read_event_time(start, "start", calendar.time_zone), length)

    def drag(self, data: Data) -> Data:
        """Moves an event in time; without `end` it keeps its length."""
        calendar, event = self._event(data)
        start = read_event_time(_time(data["start"], calendar), "start", calendar.time_zone)
        same_kind = ("date" in start) == ("date" in event.fields["start"])
        if "end" in data:
            end = read_event_time(_time(data["end"], calendar), "end", calendar.time_zone)
        elif same_kind:
            end = shifted(start, duration(event.fields["start"], event.fields["end"]))
        else:
            raise ValueError("end is missing; it is needed when an event turns from timed to all-day or back")
        body = {"start": _nulled(start), "end": _nulled(end)}
        return self._rewrite(calendar, event, body, data)

    def transfer(self, data: Data) -> Data:
        """Moves an event to another calendar."""
        calendar, event = self._event(data)
        destination = self._calendar({"calendar_id": data["destination"]})
        moved = move(self._backend, calendar, event, destination, data.get("send_updates", "all"))
        return render(moved, destination)

    def delete(self, data: Data) -> None:
        calendar, event = self._event(data)
        cancel(self._backend, calendar, event, data.get("send_updates", "all"))

    def purge(self, data: Data) -> None:
        """Empties the trash of one deleted event: from now on it is 404."""
        calendar = self._calendar(data)
        event = calendar.events.get(data["event_id"])
        if event is None or not event.is_cancelled:
            raise ValueError(f"event_id is {data['event_id']!r}, which is no deleted event of {calendar.id}")
        del calendar.events[event.id]

    def edit(self, data: Data) -> Data:
        calendar, event = self._event(data)
        body = {name: data[name] for name in _EDITABLE if name in data}
        if not body:
            raise ValueError(f"nothing to edit; give one of {', '.join(_EDITABLE)}")
        return self._rewrite(calendar, event, body, data)

    def respond(self, data: Data) -> Data:
        """A guest answers, through whichever calendar holds the event."""
        calendar, event = self._event(data)
        response = data["response"]
        if response not in RESPONSES:
            raise ValueError(f"response is {response!r}; use one of {', '.join(RESPONSES)}")
        guest = event.attendee(data["email"])
        if guest is None:
            raise ValueError(f"email is {data['email']!r}, who is not invited to event {event.id}")
        reply = {"responseStatus": response} | ({"comment": data["comment"]} if data.get("comment") else {})
        if self._backend.organizer_copy(event):
            answer(self._backend, event, data["email"], reply)
        else:
            guests = event.fields["attendees"]
            event.fields["attendees"] = [other | reply if other is guest else other for other in guests]
            self._backend.touch(calendar, event)
        return render(event, calendar)

    def invite(self, data: Data) -> Data:
        """The owner adds a guest."""
        calendar, event = self._event(data)
        guest = {"email": data["email"]} | ({"displayName": data["name"]} if data.get("name") else {})
        body = {"attendees": [*event.fields.get("attendees", []), guest]}
        return self._rewrite(calendar, event, body, data)

    def end_conference(self, data: Data) -> Data:
        """Ends a pending Meet link without waiting for reads. `outcome` is success (the default) or failure."""
        calendar, event = self._event(data)
        outcome = data.get("outcome", "success")
        if outcome not in ("success", "failure") or not is_pending(event):
            raise ValueError(f"outcome is {outcome!r}, event {event.id} pending: {is_pending(event)}")
        finish(event, outcome)
        self._backend.touch(calendar, event)
        spread(self._backend, calendar, event)
        return render(event, calendar)

    def expire_sync_tokens(self, data: Data) -> None:
        """Old sync tokens of one calendar, or of all, stop working."""
        chosen = [self._calendar(data)] if data.get("calendar_id") else self._backend.state.calendars.values()
        for calendar in chosen:
            calendar.sync_generation += 1

    def share(self, data: Data) -> None:
        """Grants or takes away access; either way old sync tokens stop working."""
        calendar = self._calendar(data)
        role = data.get("role", calendar.role)
        if role not in ("reader", "writer", "owner"):
            raise ValueError(f"role is {role!r}; use reader, writer or owner")
        calendar.shared = bool(data.get("shared", True))
        calendar.role = role
        calendar.sync_generation += 1

    def set_options(self, data: Data) -> None:
        self._backend.state.options.change(data)

    def expire_tokens(self, data: Data) -> Data:
        return {"expired": oauth.expire(self._backend, data.get("token"))}

    def revoke(self, data: Data) -> None:
        """Takes access away: `who` is a user's address, a service account's or a token."""
        oauth.revoke(self._backend, data["who"])

    def restore(self, data: Data) -> None:
        """Undoes revocations: of `who`, or all."""
        if data.get("who"):
            self._backend.state.revoked.discard(data["who"])
        else:
            self._backend.state.revoked.clear()

    def _rewrite(self, calendar: CalendarRecord, event: EventRecord, body: Data, data: Data) -> Data:
        manner = Manner(send_updates=data.get("send_updates", "all"))
        rewrite(self._backend, calendar, event, body, Caller(calendar.id), manner, replace=False)
        return render(event, calendar)

    def _calendar(self, data: Data) -> CalendarRecord:
        calendar = self._backend.state.calendars.get(data["calendar_id"])
        if calendar is None:
            known = ", ".join(self._backend.state.calendars)
            raise ValueError(f"calendar_id is {data['calendar_id']!r}; there are {known}")
        return calendar

    def _event(self, data: Data) -> tuple[CalendarRecord, EventRecord]:
        calendar = self._calendar(data)
        event_id = data["event_id"]
        event = calendar.events.get(event_id) or find_instance(calendar, event_id)
        if event is None or event.is_cancelled:
            raise ValueError(f"event_id is {event_id!r}, which is no live event of {calendar.id}")
        return calendar, event


def _time(text: Any, calendar: CalendarRecord) -> Data:
    """A control's time: a date for all day, else RFC 3339; without an offset it is the calendar's wall time."""
    if parse_date(text):
        return {"date": text}
    moment = parse_moment(text if not isinstance(text, str) or text.count(":") != 1 else f"{text}:00")
    zone = find_zone(calendar.time_zone)
    if moment is None or zone is None:
        raise ValueError(f"time is {text!r}; write 2026-03-10T14:00:00-03:00, or 2026-03-10 for all day")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return {"dateTime": wire(aware, zone), "timeZone": calendar.time_zone}


def _nulled(event_time: dict[str, str]) -> Data:
    """As a patch that also turns timed into all-day and back."""
    return {"date": None, "dateTime": None, **event_time}
