"""The scene an account starts with: Sol Claro Energia, and how a seed changes it.

Seed keys replace the scene's parts: `account` (attributes), `users`, `pipelines`, `task_types`, `lead_fields`,
`contact_fields`, `company_fields` (lists of objects), `meeting_status` ("text" or "select"), `leads`, `contacts`,
`companies`, `tasks`, `notes`, `webhooks` (lists of objects with explicit ids, placed without any webhook or event),
`next_ids` (kind to the next id), and every attribute of `Options`.
"""

from dataclasses import fields as dataclass_fields
from typing import Any

from sandbox.kommo import values
from sandbox.kommo.state import (
    Account,
    Card,
    Field,
    Hook,
    Lead,
    Note,
    Option,
    Options,
    Pipeline,
    Stage,
    State,
    Tag,
    Task,
    TaskType,
    User,
)

INTEGRATION, ANA, BRUNO = 10000, 10001, 10002
CALENDAR_LINK, MEETING_STATUS = 123456, 123457

_PHONE_CODES = ("WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER")
_EMAIL_CODES = ("WORK", "PRIV", "OTHER")
_STATUSES = ("scheduled", "completed", "no_show", "cancelled")

# The last id given out, per kind; the next is two higher.
_COUNTERS = {
    "lead": 15320409,
    "card": 17611271,
    "task": 1564669,
    "note": 4600305,
    "tag": 6170,
    "field": 1246481,
    "option": 908111,
    "hook": 839654,
    "event": 0,
    "token": 0,
}


def default_users() -> list[User]:
    return [
        User(INTEGRATION, "Integração Marcado", "integracao@solclaro.example", is_admin=True),
        User(ANA, "Ana Ribeiro", "ana@solclaro.example"),
        User(BRUNO, "Bruno Teixeira", "bruno@solclaro.example"),
    ]


def default_pipeline() -> Pipeline:
    stages = [
        Stage(67548603, "Incoming leads", 10, type=1, color="#c1c1c1", is_editable=False),
        Stage(67548607, "Novo contato", 20),
        Stage(67548611, "Qualificado", 30, color="#ffff99"),
        Stage(67548615, "Reunião marcada", 40, color="#ffcc66"),
        Stage(142, "Closed - won", 10000, color="#CCFF66", is_editable=False),
        Stage(143, "Closed - lost", 11000, color="#D5D8DB", is_editable=False),
    ]
    return Pipeline(8572511, "Vendas", stages)


def default_lead_fields(meeting_status: str) -> list[Field]:
    status = Field(MEETING_STATUS, "meeting_status", "text", sort=501)
    if meeting_status == "select":
        status.type = "select"
        status.options = [Option(908101 + 2 * n, name, n + 1) for n, name in enumerate(_STATUSES)]
    return [Field(CALENDAR_LINK, "google_calendar_link", "url", sort=500), status]


def default_card_fields() -> list[Field]:
    phone = [Option(552476 + 2 * n, code, n + 1) for n, code in enumerate(_PHONE_CODES)]
    email = [Option(552488 + 2 * n, code, n + 1) for n, code in enumerate(_EMAIL_CODES)]
    return [
        Field(771906, "Phone", "multitext", "PHONE", 4, is_predefined=True, options=phone),
        Field(771908, "Email", "multitext", "EMAIL", 6, is_predefined=True, options=email),
    ]


def build(seed: dict[str, Any], now: int) -> State:
    """The state a seed describes.

    Args:
        seed: See the module; empty for the default scene.
        now: Unix seconds, the time of entities that give none.

    Raises:
        ValueError: The seed has an unknown key or value.
    """
    try:
        return _build(dict(seed), now)
    except (TypeError, KeyError) as error:
        # A dataclass names the attribute it does not know or misses; a KeyError the id that nothing has.
        raise ValueError(f"the kommo seed does not fit: {error}") from error


def _build(rest: dict[str, Any], now: int) -> State:
    meeting_status = rest.pop("meeting_status", "text")
    if meeting_status not in ("text", "select"):
        raise ValueError(f"meeting_status is {meeting_status!r}; use text or select")
    lead_fields, contact_fields = rest.pop("lead_fields", None), rest.pop("contact_fields", None)
    company_fields = rest.pop("company_fields", None)
    users = [User(**user) for user in rest.pop("users", [])] or default_users()
    pipelines = [_pipeline(pipeline) for pipeline in rest.pop("pipelines", [])] or [default_pipeline()]
    task_types = [TaskType(**kind) for kind in rest.pop("task_types", [])] or [
        TaskType(1, "Follow-up", "FOLLOW_UP"),
        TaskType(2, "Meeting", "MEETING"),
    ]
    state = State(
        account=Account(**rest.pop("account", {})),
        options=Options(),
        users={user.id: user for user in users},
        pipelines={pipeline.id: pipeline for pipeline in pipelines},
        task_types=task_types,
        fields={
            "leads": [_field(f) for f in lead_fields] if lead_fields else default_lead_fields(meeting_status),
            "contacts": [_field(f) for f in contact_fields] if contact_fields else default_card_fields(),
            "companies": [_field(f) for f in company_fields] if company_fields else default_card_fields(),
        },
        counters=dict(_COUNTERS),
    )
    _place(state, rest, now)
    _count(state, rest.pop("next_ids", {}))
    state.options = _options(rest)
    return state


def _pipeline(data: dict[str, Any]) -> Pipeline:
    return Pipeline(**{**data, "stages": [Stage(**stage) for stage in data["stages"]]})


def _field(data: dict[str, Any]) -> Field:
    options = data.get("enums")
    rest = {key: value for key, value in data.items() if key != "enums"}
    return Field(**rest, options=None if options is None else [_option(n, option) for n, option in enumerate(options)])


def _option(index: int, data: dict[str, Any]) -> Option:
    return Option(**{"sort": index + 1, **data})


def _options(rest: dict[str, Any]) -> Options:
    known = {field.name for field in dataclass_fields(Options)}
    if unknown := set(rest) - known:
        raise ValueError(f"the kommo seed has unknown keys: {', '.join(sorted(unknown))}")
    options = Options(**rest)
    # The short forms: true for the usual value.
    if options.refuse_update_task is True:
        options.refuse_update_task = 400
    if options.rate_limit is True:
        options.rate_limit = 7
    for name, allowed in (
        ("refuse_update_task", (0, 400, 422)),
        ("single_patch", ("object", "wrapped")),
        ("missing_task", (204, 404)),
        ("missing_write", (204, 400, 404)),
        ("lead_delete_tasks", ("silent", "announce", "keep")),
        ("clearing", ("both", "null", "list")),
        ("phone_search", ("digits", "exact")),
    ):
        if getattr(options, name) not in allowed:
            raise ValueError(f"{name} is {getattr(options, name)!r}; use one of {', '.join(map(str, allowed))}")
    return options


def _place(state: State, rest: dict[str, Any], now: int) -> None:
    for kind in ("companies", "contacts"):
        for data in rest.pop(kind, []):
            card = Card(kind=kind, **_common(state, kind, data, now))
            state.cards[kind][card.id] = card
    for data in rest.pop("leads", []):
        lead = _lead(state, data, now)
        state.leads[lead.id] = lead
    for data in rest.pop("tasks", []):
        task = Task(**{**_authored(data, now), **({"task_type_id": 2} if "task_type_id" not in data else {})})
        if task.result:
            task.result_id = task.result_id or _next(state, "note")
        state.tasks[task.id] = task
    for data in rest.pop("notes", []):
        note = Note(**{"note_type": "common", **_authored(data, now)})
        state.notes[note.id] = note
    for index, data in enumerate(rest.pop("webhooks", [])):
        made = {"sort": index + 1, "created_by": INTEGRATION, "created_at": now, "updated_at": now}
        hook = Hook(**{"id": _next(state, "hook"), **made, **data})
        state.hooks[hook.id] = hook


def _lead(state: State, data: dict[str, Any], now: int) -> Lead:
    pipeline = state.pipelines[data["pipeline_id"]] if "pipeline_id" in data else next(iter(state.pipelines.values()))
    placed = {"price": 0, "pipeline_id": pipeline.id, "status_id": pipeline.first_stage.id}
    lead = Lead(**{**placed, **_common(state, "leads", data, now)})
    lead.main_contact_id = lead.main_contact_id or next(iter(lead.contact_ids), None)
    return lead


def _authored(data: dict[str, Any], now: int) -> dict[str, Any]:
    """Authors and times filled in: made by Ana, now, unless the seed says otherwise."""
    author = data.get("created_by", data.get("responsible_user_id", ANA))
    made = data.get("created_at", now)
    given = {"responsible_user_id": ANA, "created_by": author, "updated_by": author}
    return {**given, "created_at": made, "updated_at": made, **data}


def _common(state: State, kind: str, data: dict[str, Any], now: int) -> dict[str, Any]:
    """A lead's or card's attributes; `fields` holds plain values by field id or name, `tags` names or {id, name}."""
    rest = {"name": "", **_authored(data, now)}
    plain, tags = rest.pop("fields", {}), rest.pop("tags", [])
    rest["values"] = values.read_plain(state, kind, plain)
    rest["tags"] = [_tag(state, kind, tag) for tag in tags]
    return rest


def _tag(state: State, kind: str, given: str | dict[str, Any]) -> Tag:
    known = state.tags.setdefault(kind, {})
    name = given if isinstance(given, str) else given["name"]
    if name not in known:
        known[name] = Tag(_next(state, "tag") if isinstance(given, str) else given["id"], name)
    return known[name]


def _next(state: State, kind: str) -> int:
    state.counters[kind] += 2
    return state.counters[kind]


def _count(state: State, next_ids: dict[str, int]) -> None:
    """Number on above what the seed placed, or from where it says."""
    cards = [*state.cards["contacts"], *state.cards["companies"]]
    for kind, placed in (("lead", state.leads), ("card", cards), ("task", state.tasks), ("note", state.notes)):
        state.counters[kind] = max([state.counters[kind], *placed])
    for kind, number in next_ids.items():
        if kind not in state.counters:
            raise ValueError(f"next_ids names {kind!r}; use one of {', '.join(state.counters)}")
        state.counters[kind] = number - 2
