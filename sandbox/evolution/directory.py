"""Is this number on WhatsApp, and under which JID? Evolution's own table first, then WhatsApp."""

import re
from typing import Any

from sandbox.evolution.core import Core
from sandbox.evolution.numbers import (
    STATUS_JID,
    accepted_answers,
    create_jid,
    is_group,
    is_lid,
    lacks_country_code,
)
from sandbox.evolution.state import Instance, Known
from sandbox.evolution.wire import SocketClosedError


def check_numbers(core: Core, inst: Instance, numbers: list[str]) -> list[dict[str, Any]]:
    """Evolution's answer per number: broadcasts, then groups, then people, each in the order given.

    Raises:
        SocketClosedError: A number is not in the server's own table and WhatsApp cannot be asked.
    """
    asked = [(number, create_jid(number)) for number in numbers]
    broadcast = [_found(jid, number, exists=False) for number, jid in asked if jid == STATUS_JID]
    groups = [_group(inst, jid, number) for number, jid in asked if is_group(jid)]
    people = [_user(core, inst, jid, number) for number, jid in asked if jid != STATUS_JID and not is_group(jid)]
    return [*broadcast, *groups, *people]


def check_number(core: Core, inst: Instance, number: str) -> dict[str, Any]:
    """`check_numbers` for one number."""
    return check_numbers(core, inst, [number])[0]


def remember(core: Core, inst: Instance, jid: str, *, lid: str | None = None, lid_chat: bool = False) -> None:
    """Note that a phone JID is on WhatsApp, and the LID it was named together with."""
    key = core.person(jid).key
    inst.numbers_known[key] = Known(jid, core.now(), lid_chat)
    if lid:
        inst.lids_known[lid] = key


def _user(core: Core, inst: Instance, jid: str, number: str) -> dict[str, Any]:
    known = core.known(inst, jid)
    if known:
        lid = "lid" if known.lid else None
        return _found(known.jid, number, exists=True, name=inst.contacts.get(known.jid), lid=lid)
    if is_lid(jid):
        return _found(jid, number, exists=True, name=inst.contacts.get(jid), lid="lid")
    if not inst.socket_up:
        raise SocketClosedError
    answer = _ask_whatsapp(core, jid)
    if answer and (answer == jid or answer in accepted_answers(number)):
        remember(core, inst, answer)
        return _found(answer, number, exists=True, name=inst.contacts.get(answer))
    return _found(jid, number, exists=False, name=inst.contacts.get(jid))


def _ask_whatsapp(core: Core, jid: str) -> str | None:
    """WhatsApp's own JID for a telephone, in whichever spelling it was asked; None when there is none."""
    digits = jid.partition("@")[0]
    # Fourteen digits and more are a LID without its suffix, not a telephone.
    if lacks_country_code(digits) or not re.fullmatch(r"\d{8,13}", digits):
        return None
    person = core.person(jid)
    return person.jid if person.exists else None


def _group(inst: Instance, jid: str, number: str) -> dict[str, Any]:
    return _found(jid, number, exists=jid in inst.groups, name=inst.groups.get(jid))


def _found(jid: str, number: str, *, exists: bool, name: str | None = None, lid: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"jid": jid, "exists": exists, "number": number}
    if name is not None:
        found["name"] = name
    if lid is not None:
        found["lid"] = lid
    return found
