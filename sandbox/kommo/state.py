"""What one Kommo account holds: plain dataclasses, deep-copyable, with no behaviour beyond look-ups.

All times are Unix seconds, as Kommo keeps them.
"""

from dataclasses import dataclass, field
from typing import Any

# A field's values by field id, each value as the API reads it: {"value": …} plus enum_id and enum_code for options.
Values = dict[int, list[dict[str, Any]]]

WON, LOST = 142, 143
INCOMING = 1  # the `type` of the stage that holds incoming leads

ENTITY_TYPES = {"contacts": 1, "leads": 2, "companies": 3}  # API name -> element_type in webhooks


@dataclass
class Account:
    id: int = 32720107
    name: str = "Sol Claro Energia"
    subdomain: str = "solclaro"
    country: str = "BR"
    currency: str = "BRL"
    currency_symbol: str = "R$"
    language: str = "pt"
    timezone: str = "America/Sao_Paulo"
    created_at: int = 1_735_700_400

    @property
    def host(self) -> str:
        return f"https://{self.subdomain}.kommo.com"


@dataclass
class User:
    id: int
    name: str
    email: str
    is_admin: bool = False
    is_active: bool = True
    lang: str = "pt"


@dataclass
class Stage:
    id: int
    name: str
    sort: int
    type: int = 0
    color: str = "#99ccff"
    is_editable: bool = True


@dataclass
class Pipeline:
    id: int
    name: str
    stages: list[Stage]
    sort: int = 1
    is_main: bool = True

    def stage(self, stage_id: int) -> Stage | None:
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    @property
    def first_stage(self) -> Stage:
        """Where a lead starts when nobody says: the first ordinary stage."""
        return next(stage for stage in self.stages if stage.type != INCOMING)


@dataclass
class Option:
    """One choice of a select-like field. In multitext fields (phone, e-mail) the value is also its code."""

    id: int
    value: str
    sort: int
    code: str | None = None


@dataclass
class Field:
    """A custom field's definition. `more` keeps what is stored and echoed without any effect here."""

    id: int
    name: str
    type: str
    code: str | None = None
    sort: int = 500
    is_api_only: bool = False
    is_predefined: bool = False
    group_id: str | None = None
    options: list[Option] | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class TaskType:
    id: int
    name: str
    code: str | None = None
    color: str | None = None
    icon_id: int | None = None


@dataclass
class Tag:
    id: int
    name: str


@dataclass
class Lead:
    id: int
    name: str
    price: int
    status_id: int
    pipeline_id: int
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    closed_at: int | None = None
    loss_reason_id: int | None = None
    is_deleted: bool = False
    values: Values = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    contact_ids: list[int] = field(default_factory=list)
    main_contact_id: int | None = None
    company_id: int | None = None


@dataclass
class Card:
    """A contact or a company; `kind` is "contacts" or "companies"."""

    kind: str
    id: int
    name: str
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    first_name: str = ""
    last_name: str = ""
    is_deleted: bool = False
    values: Values = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    company_id: int | None = None


@dataclass
class Task:
    """`complete_till` is the deadline, `duration` seconds; `result_id` numbers the result as notes are numbered."""

    id: int
    text: str
    complete_till: int
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    task_type_id: int = 1
    duration: int = 0
    entity_type: str | None = None
    entity_id: int | None = None
    is_completed: bool = False
    result: str | None = None
    result_id: int | None = None


@dataclass
class Note:
    id: int
    entity_type: str
    entity_id: int
    note_type: str
    params: dict[str, Any]
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int


@dataclass
class Hook:
    """A webhook subscription. `answers` holds (when, delivered) of the last two hours, oldest first."""

    id: int
    destination: str
    settings: list[str]
    sort: int
    created_by: int
    created_at: int
    updated_at: int
    disabled: bool = False
    answers: list[tuple[int, bool]] = field(default_factory=list)


@dataclass
class Event:
    """A line of the account's journal; `entity_type` is singular here (lead, contact, company, task)."""

    id: str
    type: str
    entity_type: str
    entity_id: int
    created_by: int
    created_at: int
    value_before: list[dict[str, Any]]
    value_after: list[dict[str, Any]]


@dataclass
class Options:
    """How this account behaves where Kommo's behaviour is configurable or not documented.

    Attributes:
        token: The long-lived token that is accepted.
        token_user: Whose rights it has.
        oauth: client_id, client_secret, redirect_uri, code of an OAuth integration; None for none.
        echo_api_changes: Whether changes made through the API are announced by webhooks too.
        batch_webhooks: Whether several entities changed by one call share one webhook body.
        refuse_update_task: Status (400 or 422) with which a subscription to `update_task` is refused; 0 accepts it.
        rate_limit: Calls per real second before 429; 0 for no limit.
        retry_after: Seconds named in the limiter's answer.
        paid: False answers 402 to every call.
        single_patch: Answer of PATCH /…/{id}: "object", or "wrapped" in _embedded like a batch.
        missing_task: Answer to GET /tasks/{id} for a task that is gone: 204 or 404.
        missing_write: Answer to a PATCH of something that is gone: 404, 400 or 204.
        lead_delete_tasks: What deleting a lead does to its tasks: silent (gone, unannounced), announce, keep.
        clearing: What empties a field: "values": null, list ([]) or both; the other one is refused.
        phone_search: "digits" compares digits only, "exact" compares as typed.
        task_close_needs_result: Refuse completing a task through the API without a result.
        duplicate_control: Let POST /leads/complex reuse contacts (and their open lead) by phone or e-mail.
    """

    token: str = "sandbox-kommo-token"  # noqa: S105 (a token of the sandbox opens nothing)
    token_user: int = 10000
    oauth: dict[str, str] | None = None
    echo_api_changes: bool = True
    batch_webhooks: bool = True
    refuse_update_task: int = 0
    rate_limit: int = 0
    retry_after: int = 1
    paid: bool = True
    single_patch: str = "object"
    missing_task: int = 204
    missing_write: int = 404
    lead_delete_tasks: str = "silent"
    clearing: str = "both"
    phone_search: str = "digits"
    task_close_needs_result: bool = False
    duplicate_control: bool = False


@dataclass
class State:
    """One account. Deleted leads and cards stay with `is_deleted`; deleted tasks move to `deleted_tasks`."""

    account: Account
    options: Options
    users: dict[int, User]
    pipelines: dict[int, Pipeline]
    task_types: list[TaskType]
    fields: dict[str, list[Field]]
    counters: dict[str, int]
    leads: dict[int, Lead] = field(default_factory=dict)
    cards: dict[str, dict[int, Card]] = field(default_factory=lambda: {"contacts": {}, "companies": {}})
    tasks: dict[int, Task] = field(default_factory=dict)
    deleted_tasks: dict[int, Task] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    tags: dict[str, dict[str, Tag]] = field(default_factory=dict)
    access_tokens: dict[str, int] = field(default_factory=dict)  # OAuth access token -> expiry
    refresh_tokens: dict[str, int] = field(default_factory=dict)  # OAuth refresh token -> expiry; spent ones are gone

    def lead(self, lead_id: int) -> Lead | None:
        """A lead that is not in the bin."""
        lead = self.leads.get(lead_id)
        return None if lead is None or lead.is_deleted else lead

    def card(self, kind: str, card_id: int) -> Card | None:
        """A contact or company that is not in the bin."""
        card = self.cards[kind].get(card_id)
        return None if card is None or card.is_deleted else card

    def entity(self, entity_type: str, entity_id: int) -> Lead | Card | None:
        """Whatever `entity_type` (leads, contacts, companies) names."""
        return self.lead(entity_id) if entity_type == "leads" else self.card(entity_type, entity_id)

    def field(self, entity_type: str, field_id: int) -> Field | None:
        return next((f for f in self.fields[entity_type] if f.id == field_id), None)

    def open_tasks(self, entity_type: str, entity_id: int) -> list[Task]:
        return [
            task
            for task in self.tasks.values()
            if (task.entity_type, task.entity_id) == (entity_type, entity_id) and not task.is_completed
        ]

    def leads_of(self, card: Card) -> list[Lead]:
        """The leads a contact or company is linked to, oldest first."""
        if card.kind == "contacts":
            return [lead for lead in self.leads.values() if card.id in lead.contact_ids and not lead.is_deleted]
        return [lead for lead in self.leads.values() if lead.company_id == card.id and not lead.is_deleted]
