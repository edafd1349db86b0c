"""Phone numbers in one form inside the house: E.164, and for Brazilian mobiles always with the ninth digit.

Three questions live here: which number is meant (`to_e164`), whether two spellings are one person (`match_key`,
`same_person`), and under which spellings somebody may be filed elsewhere (`spellings`). All functions are pure.

Why it takes rules of ours on top of `phonenumbers`: Brazilian mobiles got a ninth digit between 2012 and 2016, and
WhatsApp still knows many accounts by the old eight; Mexico dropped a "1" after the country code in 2019 and Argentina
puts a "9" there for mobiles, and both come and go in WhatsApp's ids.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

# The part of a text that can be one number: up to a letter, or a sign that starts the next number or a remark.
_ONE_NUMBER = re.compile(r"\+?\d(?:(?![^\W\d_])[^/,;|&#+\n])*")
# WhatsApp id of a person; ":12" names one of their devices.
_PERSON_JID = re.compile(r"([0-9]{5,20})(?::[0-9]+)?@(?:s\.whatsapp\.net|c\.us)")
_BR = re.compile(r"55([0-9]{2})(9?)([0-9]{8})")
_OLD_BR_MOBILE = re.compile(r"([0-9]{2})([6-9][0-9]{7})")
_MX = re.compile(r"521?([0-9]{10})")
_AR = re.compile(r"549?([0-9]{10})")
# Mexican habits of dialling before 2019: 044/045 in front of mobiles, 1 from abroad.
_MX_DIALLED = re.compile(r"(?:04[45])?1?([0-9]{10})")
# What a number must look like when the library's tables don't know its range (yet), for countries whose plan is strict
# enough to tell a mistake ("+11 98765-4321", the country code forgotten) from a new range.
_PLAUSIBLE = {
    1: re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}"),
    55: re.compile(r"[1-9]{2}(?:9[0-9]{8}|[2-5][0-9]{7})"),
}


def to_e164(raw: str, region: str = "BR") -> str | None:
    """The number a text means, as "+" and digits, or None when it means none.

    With "+", with "00" or as a WhatsApp id the text is read as international and is believed when the length fits the
    country, even if the library does not know the range. Bare digits are read as a number of `region` first and as
    international second, and must then be valid: "51987654321" is Porto Alegre in Brazil, not Peru. Brazilian mobiles
    without the ninth digit get it. Mexican numbers lose the old "1". Argentine ones are left as they are: whether a
    number without the "9" is a mobile can't be seen; `match_key` ignores it.

    Args:
        raw: "(11) 98765-4321", "5511987654321@s.whatsapp.net", "+55 11 8765-4321 (Ana)", … The first number counts.
        region: ISO 3166 code of the country whose local numbers are meant.

    Returns:
        None for groups, LIDs, e-mail addresses, numbers without area code and everything else. Reading the result
        again gives the same result, whatever the region.
    """
    if "@" in raw:
        person = _PERSON_JID.fullmatch(raw.strip())
        return _international(person[1]) if person else None
    found = _ONE_NUMBER.search(raw)
    if not found:
        return None
    digits = phonenumbers.normalize_digits_only(found[0])
    if found[0].startswith("+"):
        return _international(digits)
    if digits.startswith("00"):
        return _international(digits[2:])
    return _local(digits, region) or _international(digits, only_valid=True)


def match_key(e164: str) -> str:
    """Digits that are equal for all spellings of one person's number; for comparing and indexing, not for dialling.

    Brazilian mobiles lose the ninth digit, but only where a form without it ever existed (the eight others start with
    6–9). Newer mobiles such as 11 95333-4444 keep it: 11 5333-4444 is somebody's landline. Argentine numbers lose
    the "9", Mexican ones the "1", all others stay.

    Args:
        e164: From `to_e164`, or the same digits without "+".
    """
    digits = phonenumbers.normalize_digits_only(e164)
    if (br := _BR.fullmatch(digits)) and _OLD_BR_MOBILE.fullmatch(br[1] + br[3]):
        return f"55{br[1]}{br[3]}"
    if mx := _MX.fullmatch(digits):
        return f"52{mx[1]}"
    if ar := _AR.fullmatch(digits):
        return f"54{ar[1]}"
    return digits


def same_person(a: str, b: str, region: str = "BR") -> bool:
    """Whether two texts are spellings of one number. False when one of them is no number.

    Args:
        a: Anything `to_e164` reads.
        b: The same.
        region: As in `to_e164`.
    """
    first, second = to_e164(a, region), to_e164(b, region)
    return first is not None and second is not None and match_key(first) == match_key(second)


def spellings(e164: str, *, national: bool = False) -> list[str]:
    """Digits under which the person may be filed, most likely first, each once.

    International digits are what WhatsApp takes and what most CRM records hold; national ones find records typed by
    hand. A search by them can also hit strangers: compare what comes back with `same_person`.

    Args:
        e164: From `to_e164`.
        national: Without the country code instead of with it.
    """
    digits = phonenumbers.normalize_digits_only(e164)
    key = match_key(e164)
    if br := _OLD_BR_MOBILE.fullmatch(key[2:]) if key.startswith("55") else None:
        forms = [f"55{br[1]}9{br[2]}", key]
    elif _MX.fullmatch(digits):
        forms = [key, f"521{key[2:]}"]
    elif _AR.fullmatch(digits):
        forms = [digits, *(form for form in (f"549{key[2:]}", key) if form != digits)]
    else:
        forms = [digits]
    return _without_country(forms) if national else forms


def local_format(e164: str, region: str = "BR") -> str:
    """The number as people write it: "(11) 98765-4321" at home, "+54 9 11 2345-6789" from abroad.

    Args:
        e164: From `to_e164`. Anything else comes back unchanged.
        region: ISO 3166 code of the reader's country.
    """
    number = _parse(e164, None)
    if number is None:
        return e164
    home = phonenumbers.country_code_for_region(region) == number.country_code
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL)


def region_of(e164: str) -> str | None:
    """The ISO 3166 code of the number's country, None when it belongs to none.

    Args:
        e164: From `to_e164`.
    """
    number = _parse(e164, None)
    return phonenumbers.region_code_for_number(number) if number else None


def _parse(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _international(digits: str, *, only_valid: bool = False) -> str | None:
    if mx := _MX.fullmatch(digits):
        digits = f"52{mx[1]}"
    number = _parse(f"+{digits}", None)
    return _accepted(number, only_valid=only_valid)


def _local(digits: str, region: str) -> str | None:
    if region == "MX" and (mx := _MX_DIALLED.fullmatch(digits)):
        digits = mx[1]
    return _accepted(_parse(digits, region), only_valid=True)


def _accepted(number: phonenumbers.PhoneNumber | None, *, only_valid: bool) -> str | None:
    """E.164 of a number that can be one, with the ninth digit, else None."""
    if number is None:
        return None
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 55 and (old := _OLD_BR_MOBILE.fullmatch(national)):
        number = phonenumbers.PhoneNumber(country_code=55, national_number=int(f"{old[1]}9{old[2]}"))
    if phonenumbers.is_valid_number(number) or (not only_valid and _is_plausible(number)):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return None


def _is_plausible(number: phonenumbers.PhoneNumber) -> bool:
    shape = _PLAUSIBLE.get(number.country_code or 0)
    if shape:
        return bool(shape.fullmatch(phonenumbers.national_significant_number(number)))
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _without_country(forms: list[str]) -> list[str]:
    number = _parse(f"+{forms[0]}", None)
    if number is None:
        return forms
    code = str(number.country_code)
    shown = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    # Argentines write a mobile as 011 15-2345-6789; elsewhere the national format only repeats what is there.
    as_dialled = phonenumbers.normalize_digits_only(shown).lstrip("0")
    return list(dict.fromkeys([*(form.removeprefix(code) for form in forms), as_dialled]))
