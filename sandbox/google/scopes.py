"""Which OAuth scopes allow which method, by short name; a test compares this with the discovery document."""

PREFIX = "https://www.googleapis.com/auth/"

_WRITE_EVENTS = "calendar calendar.app.created calendar.events calendar.events.owned"
_READ_EVENTS = (
    f"{_WRITE_EVENTS} calendar.events.freebusy calendar.events.owned.readonly calendar.events.public.readonly "
    "calendar.events.readonly calendar.readonly"
)
_WRITE_CALENDARS = "calendar calendar.app.created calendar.calendars"
_WRITE_ENTRIES = "calendar calendar.app.created calendar.calendarlist"
_SETTINGS = "calendar calendar.readonly calendar.settings calendar.settings.readonly"

_SCOPES = {
    "events.get": _READ_EVENTS,
    "events.list": _READ_EVENTS,
    "events.instances": _READ_EVENTS,
    "events.watch": _READ_EVENTS,
    "events.insert": _WRITE_EVENTS,
    "events.import": _WRITE_EVENTS,
    "events.patch": _WRITE_EVENTS,
    "events.update": _WRITE_EVENTS,
    "events.delete": _WRITE_EVENTS,
    "events.move": "calendar calendar.events calendar.events.owned",
    "freebusy.query": "calendar calendar.events.freebusy calendar.freebusy calendar.readonly",
    "calendars.get": f"{_WRITE_CALENDARS} calendar.calendars.readonly calendar.readonly",
    "calendars.insert": _WRITE_CALENDARS,
    "calendars.patch": _WRITE_CALENDARS,
    "calendars.update": _WRITE_CALENDARS,
    "calendars.delete": _WRITE_CALENDARS,
    "calendarList.list": "calendar calendar.calendarlist calendar.calendarlist.readonly calendar.readonly",
    "calendarList.get": f"{_WRITE_ENTRIES} calendar.calendarlist.readonly calendar.readonly",
    "calendarList.insert": "calendar calendar.calendarlist",
    "calendarList.patch": _WRITE_ENTRIES,
    "calendarList.update": _WRITE_ENTRIES,
    "calendarList.delete": _WRITE_ENTRIES,
    "channels.stop": (
        "calendar calendar.acls calendar.acls.readonly calendar.app.created calendar.calendarlist "
        "calendar.calendarlist.readonly calendar.events calendar.events.freebusy calendar.events.owned "
        "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly calendar.readonly "
        "calendar.settings calendar.settings.readonly"
    ),
    "settings.get": _SETTINGS,
    "settings.list": _SETTINGS,
    "colors.get": (
        "calendar calendar.app.created calendar.calendarlist calendar.calendarlist.readonly "
        "calendar.events.freebusy calendar.events.owned calendar.events.owned.readonly "
        "calendar.events.public.readonly calendar.readonly"
    ),
}

SCOPES: dict[str, frozenset[str]] = {method: frozenset(names.split()) for method, names in _SCOPES.items()}


def short(scopes: str) -> tuple[str, ...]:
    """Short names out of a space-separated list of full ones."""
    return tuple(name.removeprefix(PREFIX) for name in scopes.split())
