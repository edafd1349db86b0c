"""Telephone numbers as Evolution and WhatsApp see them: JIDs, the Brazilian ninth digit, LIDs. No state."""

import hashlib
import re

PHONE_SUFFIX = "@s.whatsapp.net"
LID_SUFFIX = "@lid"
GROUP_SUFFIX = "@g.us"
STATUS_JID = "status@broadcast"

# Area codes in use in Brazil. 51 is left out where it matters: 51 9xxxxxxxx is also a complete Peruvian number.
_BRAZILIAN_AREAS = frozenset(
    area
    for areas in (range(11, 20), range(31, 36), range(41, 50), range(61, 70), range(81, 90), range(91, 100))
    for area in (*areas, 21, 22, 24, 27, 28, 37, 38, 51, 53, 54, 55, 71, 73, 74, 75, 77, 79)
)


def create_jid(number: str) -> str:
    """The address Evolution tries first for what the caller wrote as `number`; it never adds a country code."""
    number = re.sub(r":\d+", "", number)
    if any(suffix in number for suffix in (GROUP_SUFFIX, PHONE_SUFFIX, LID_SUFFIX, "@broadcast")):
        return number
    number = re.sub(r"[\s+()]", "", number).split("@")[0]
    if "-" in number and len(number) >= 24:
        return re.sub(r"[^\d-]", "", number) + GROUP_SUFFIX
    digits = re.sub(r"\D", "", number)
    if len(digits) >= 18:
        return digits + GROUP_SUFFIX
    return _without_extra_digit(digits) + PHONE_SUFFIX


def _without_extra_digit(digits: str) -> str:
    """13 digits: Mexico and Argentina lose the third one, Brazil the ninth digit except in areas below 31."""
    if len(digits) != 13:
        return digits
    if digits[:2] in ("52", "54"):
        return digits[:2] + digits[3:]
    if digits[:2] == "55" and int(digits[2:4]) >= 31 and int(digits[5]) >= 7:
        return digits[:4] + digits[5:]
    return digits


def person_key(phone: str) -> str:
    """One spelling per telephone: E.164, Brazilian mobiles with the ninth digit, e.g. "+5511987654321".

    Args:
        phone: Digits with country code, formatted or as a phone JID.

    Raises:
        ValueError: Too few or too many digits for a number with country code.
    """
    digits = re.sub(r"\D", "", phone.partition("@")[0])
    if not 8 <= len(digits) <= 15:
        raise ValueError(f"phone is {phone!r}, which is no telephone number; write it with its country code")
    if len(digits) == 12 and digits[:2] == "55" and digits[4] in "6789":
        digits = f"{digits[:4]}9{digits[4:]}"
    if len(digits) == 12 and digits[:2] == "54":
        digits = f"549{digits[2:]}"
    return f"+{digits}"


def default_jid(key: str) -> str:
    """The JID WhatsApp knows a person by unless the scene says otherwise: the one Evolution tries first."""
    return create_jid(key)


def accepted_answers(number: str) -> set[str]:
    """JIDs that Evolution takes as WhatsApp's answer for `number` besides the one it asked for.

    Only for numbers written as plain digits from 55, 52 or 54: with "+" or blanks the other spelling goes unseen.
    """
    if number.startswith("55"):
        with_digit = number if number[4:5] == "9" and len(number) == 13 else f"{number[:4]}9{number[4:]}"
        without = number if len(number) == 12 else number[:4] + number[5:]
    elif number.startswith(("52", "54")):
        prefix = "1" if number.startswith("52") else "9"
        with_digit = number if number[2:3] == prefix and len(number) == 13 else f"{number[:2]}{prefix}{number[2:]}"
        without = number if len(number) == 12 else number[:2] + number[3:]
    else:
        return set()
    return {with_digit + PHONE_SUFFIX, without + PHONE_SUFFIX}


def lacks_country_code(digits: str) -> bool:
    """Whether these look like a Brazilian mobile or landline written without 55, which WhatsApp does not know."""
    if len(digits) not in (10, 11) or not digits[:2].isdigit() or int(digits[:2]) not in _BRAZILIAN_AREAS:
        return False
    if len(digits) == 11:
        return digits[2] == "9" and digits[:2] != "51"
    return digits[2] in "2345"


def lid_of(key: str) -> str:
    """A fifteen-digit LID for a person; always the same one, and without relation to the phone."""
    number = int.from_bytes(hashlib.sha256(b"lid" + key.encode()).digest()[:8], "big")
    return f"2{number % 10**14:014d}{LID_SUFFIX}"


def is_phone(jid: str) -> bool:
    return jid.endswith(PHONE_SUFFIX)


def is_lid(jid: str) -> bool:
    return jid.endswith(LID_SUFFIX)


def is_group(jid: str) -> bool:
    return jid.endswith(GROUP_SUFFIX)
