"""Google Meet links: asked for with a write, made a while later (or at once), seen by reading again."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sandbox.google.errors import invalid
from sandbox.google.state import MEET, EventRecord, Options

_ICON = "https://fonts.gstatic.com/s/i/productlogos/meet_2020q4/v6/web-512dp/logo_meet_2020q4_color_2x_web_512dp.png"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class ConferenceChange:
    """What a write does to an event's conference.

    Attributes:
        action: "keep" what there is, "remove" it, "set" `data` as it is, or "create" from the request in `data`.
    """

    action: str
    data: dict[str, Any] | None = None


KEEP = ConferenceChange("keep")
REMOVE = ConferenceChange("remove")


def read_conference(
    body: dict[str, Any], current: EventRecord | None, *, version: int, replace: bool, service_account: bool
) -> ConferenceChange:
    """What the body asks for.

    Args:
        body: The resource or patch as the client sent it.
        current: The event before the write, None on insert.
        version: `conferenceDataVersion`; 0 ignores the block in silence.
        replace: The write replaces the whole resource, so a missing block removes the conference.
        service_account: Robots nobody delegated to cannot make Meet links.

    Raises:
        ApiError: 400 for an unknown kind of conference or a block that is neither request nor conference.
    """
    if version < 1:
        return KEEP
    if "conferenceData" not in body:
        return REMOVE if replace else KEEP
    block = body["conferenceData"]
    if block is None:
        return REMOVE
    if not isinstance(block, dict):
        raise invalid("Invalid conference data.", "conferenceData")
    known: dict[str, Any] = current.fields.get("conferenceData", {}) if current else {}
    if block.get("entryPoints") and block.get("conferenceSolution"):
        # A full copy sent back, as clients do that read, change and update.
        same = block.get("conferenceId") == known.get("conferenceId") and known
        return KEEP if same else ConferenceChange("set", block)
    return _read_request(block.get("createRequest"), known, service_account=service_account)


def _read_request(request: Any, known: dict[str, Any], *, service_account: bool) -> ConferenceChange:
    if not isinstance(request, dict) or not isinstance(request.get("requestId"), str) or not request["requestId"]:
        raise invalid("Invalid conference data.", "conferenceData.createRequest.requestId")
    key = request.get("conferenceSolutionKey") or {}
    if service_account or not isinstance(key, dict) or key.get("type") not in (None, MEET):
        raise invalid("Invalid conference type value.")
    if known.get("createRequest", {}).get("requestId") == request["requestId"]:
        return KEEP
    return ConferenceChange("create", {"requestId": request["requestId"], "conferenceSolutionKey": {"type": MEET}})


def apply_conference(event: EventRecord, change: ConferenceChange, before: dict[str, Any], options: Options) -> None:
    """Carries the change out on the event's new fields.

    Args:
        event: With its new fields, which have no conference yet.
        change: From `read_conference`.
        before: The fields before the write, for what is kept.
        options: Say how long a new link stays pending and how it ends.
    """
    if change.action == "keep":
        for name in ("conferenceData", "hangoutLink"):
            if name in before:
                event.fields[name] = before[name]
        return
    event.meet_reads_left = None
    if change.action == "set":
        event.fields["conferenceData"] = change.data
    elif change.action == "create":
        assert change.data is not None
        request = change.data | {"status": {"statusCode": "pending"}}
        event.fields["conferenceData"] = {"createRequest": request}
        event.meet_reads_left = options.conference_pending_reads
        if options.conference_pending_reads == 0:
            finish(event, options.conference_outcome)


def finish(event: EventRecord, outcome: str) -> None:
    """Ends a pending creation: "success" brings code and links, "failure" leaves the request alone with its status."""
    event.meet_reads_left = None
    request = event.fields["conferenceData"]["createRequest"] | {"status": {"statusCode": outcome}}
    event.fields["conferenceData"] = {"createRequest": request}
    if outcome != "success":
        return
    # The version makes every creation a new one, and two runs of the same steps alike.
    code = meet_code(f"{event.ical_uid} {request['requestId']} {event.version}")
    link = f"https://meet.google.com/{code}"
    event.fields["hangoutLink"] = link
    event.fields["conferenceData"] |= {
        "entryPoints": [{"entryPointType": "video", "uri": link, "label": f"meet.google.com/{code}"}],
        "conferenceSolution": {"key": {"type": MEET}, "name": "Google Meet", "iconUri": _ICON},
        "conferenceId": code,
    }


def is_pending(event: EventRecord) -> bool:
    return event.meet_reads_left is not None


def meet_code(seed: str) -> str:
    """Ten letters in Meet's grouping, the same for the same seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    letters = "".join(_LETTERS[byte % 26] for byte in digest[:10])
    return f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
