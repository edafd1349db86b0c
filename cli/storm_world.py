"""The world of a storm: a sandbox that suits the business file, and the words the model follows."""

from typing import Any

from cli.people import People
from cli.storm_plan import SPOKEN, Act, Deed, Person, Plan, good_answer
from meetings.business import Business, CriterionType
from meetings.slots import Period

NOT_NOW = "Um momento, por favor."
CLOSING = "Qualquer coisa é só chamar."
ASIDES = (NOT_NOW, CLOSING)
_INTEGRATION = 10000


def sandbox_seed(business: Business) -> dict[str, Any]:
    """The accounts as the business file takes them to be: its sellers, their calendars, its fields and stages."""
    zone = str(business.zone)
    users: list[dict[str, Any]] = [
        {"id": _INTEGRATION, "name": "Integração", "email": "integracao@storm.example", "is_admin": True}
    ]
    users += [{"id": s.kommo_user_id, "name": s.name, "email": f"s{s.kommo_user_id}@storm.example"} for s in business.sellers]
    fields: list[dict[str, Any]] = [
        {"id": 123456, "name": "google_calendar_link", "type": "url", "sort": 500},
        {"id": 123457, "name": "meeting_status", "type": "text", "sort": 501},
    ]
    fields += [
        {"id": c.kommo_field_id, "name": c.name, "type": "text", "sort": 510 + n}
        for n, c in enumerate(business.qualification)
        if c.kommo_field_id
    ]
    calendars = {str(s.calendar_id): {"id": s.calendar_id, "summary": s.name, "time_zone": zone} for s in business.sellers}
    kommo: dict[str, Any] = {"users": users, "lead_fields": fields}
    if pipeline := _pipeline(business):
        kommo["pipelines"] = [pipeline]
    return {"kommo": kommo, "google": {"calendars": list(calendars.values())}}


def _pipeline(business: Business) -> dict[str, Any] | None:
    """A pipeline with the file's own stages, None when the file names none."""
    rules = business.kommo
    wanted = [stage for stage in (rules.new_lead_status_id, rules.not_qualified_status_id) if stage]
    if rules.pipeline_id is None and not wanted:
        return None
    own = [{"id": stage, "name": f"Etapa {n}", "sort": 20 + n} for n, stage in enumerate(dict.fromkeys(wanted)) if stage > 143]
    stages = [
        {"id": 67548603, "name": "Incoming leads", "sort": 10, "type": 1, "is_editable": False},
        *(own or [{"id": 67548607, "name": "Novo contato", "sort": 20}]),
        {"id": 142, "name": "Closed - won", "sort": 10000, "is_editable": False},
        {"id": 143, "name": "Closed - lost", "sort": 11000, "is_editable": False},
    ]
    return {"id": rules.pipeline_id or 8572511, "name": "Vendas", "stages": stages}


def invite(plan: Plan, business: Business, people: People) -> None:
    """Puts the known customers with their leads and answers into Kommo, and tells the model what to do for whom."""
    answers = {str(c.kommo_field_id): good_answer(c) for c in business.qualification}
    for person in plan.people:
        if person.seller is None:
            continue
        contact = people.do("/seller/contact/create", name=person.name, phone=person.phone)
        people.do(
            "/seller/lead/create",
            name=f"Lead de {person.name}",
            contact_id=contact["id"],
            responsible_user_id=person.seller.kommo_user_id,
            custom_fields=answers,
        )
    cues = {
        person.cue(n): _steps(business, deed)
        for person in plan.people
        for n, deed in enumerate(person.story)
        if deed.act in SPOKEN
    }
    people.do("/model/cues", cues=cues)


def words_of(person: Person, nth: int, business: Business) -> str:
    """What the customer writes for the nth deed of their story."""
    wish = {
        Act.ASKS: "Oi! Quero saber mais.",
        Act.GREETS: "Oi, tudo bem?",
        Act.BOOKS: "Quero marcar no horário combinado.",
        Act.MOVES: "Preciso mudar o horário, pode ser?",
        Act.CANCELS: "Infelizmente preciso cancelar.",
    }[person.story[nth].act]
    if person.story[nth].act is Act.ASKS and (criterion := _plain_criterion(business)):
        wish = f"{wish} {_sentence(criterion.type, good_answer(criterion))}."
    return f"{wish} ({person.cue(nth)})"


def _steps(business: Business, deed: Deed) -> list[dict[str, Any]]:
    closing = {"say": CLOSING}
    if deed.act is Act.ASKS:
        criterion = _plain_criterion(business)
        if criterion is None:
            return [closing]
        value = good_answer(criterion)
        quote = _sentence(criterion.type, value)
        return [{"call": {"record_qualification": {"criterion": criterion.name, "value": value, "quote": quote}}}, closing]
    if deed.act is Act.GREETS:
        return [closing]
    if deed.act is Act.CANCELS:
        return [
            {"call": {"get_meeting": {}}},
            {
                "call": {"cancel_meeting": {"reason": "mudança de planos"}},
                "only_after": "MEETING: scheduled",
                "otherwise": NOT_NOW,
            },
            {"say": CLOSING, "only_after": "CANCELLED", "otherwise": NOT_NOW},
            closing,
        ]
    assert deed.at is not None
    starts = business.local(deed.at.starts_at)
    period = next(p for p in Period if p.holds(starts.hour))
    option = {"option_at": starts.isoformat(timespec="minutes")}
    look = {"call": {"check_availability": {"day": starts.date().isoformat(), "period": period.value}}}
    if deed.act is Act.MOVES:
        return [
            look,
            {"call": {"reschedule_meeting": option}, "otherwise": NOT_NOW},
            {"say": CLOSING, "only_after": "MOVED", "otherwise": NOT_NOW},
            closing,
        ]
    return [
        look,
        {"call": {"create_meeting": option}, "otherwise": NOT_NOW},
        {"call": {"save_link_to_kommo": {}}, "only_after": "BOOKED", "otherwise": NOT_NOW},
        {"call": {"notify_client": {}}},
        closing,
    ]


def _plain_criterion(business: Business) -> Any:
    """A question whose answer can be given unasked in one sentence, None when there is none."""
    return next((c for c in business.qualification if c.type is CriterionType.MONEY), None)


def _sentence(kind: CriterionType, value: str) -> str:
    return f"São {value} reais" if kind is CriterionType.MONEY else value
