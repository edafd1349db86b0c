"""Clients that nobody here wrote, against the imitation: aioamocrm, and amochka where it is installed."""

import asyncio

import pytest
from aioamocrm import (
    AmoCRMClient,
    AuthError,
    Contact,
    Embedded,
    ForbiddenError,
    Lead,
    LongLivedToken,
    MemoryTokenStorage,
    Note,
    NotFoundError,
    OAuth2,
    RetryPolicy,
    Tag,
    Task,
    TokenSet,
    ValidationError,
    parse_webhook,
)
from kommo_server import KommoServer, Receiver

TOKEN = "sandbox-kommo-token"


@pytest.fixture(scope="module")
def server():
    with KommoServer() as running:
        yield running


@pytest.fixture
def kommo(server):
    server.reset()
    return server


def run(kommo, work, token=TOKEN, auth=None):
    """Let a coroutine use an aioamocrm client that points at the imitation."""

    async def main():
        client = AmoCRMClient(
            base_url=kommo.url, auth=auth or LongLivedToken(token), rate_limit=None, retry=RetryPolicy(max_attempts=1)
        )
        async with client as amo:
            return await work(amo)

    return asyncio.run(main())


def test_aioamocrm_reads_account_users_and_pipelines(kommo):
    async def work(amo):
        account = await amo.account.get(with_=["task_types", "datetime_settings", "amojo_id"])
        users = [user async for user in amo.users.iterate()]
        pipelines = await amo.pipelines.list()
        one = await amo.pipelines.get(8572511)
        stages = await amo.pipelines.statuses(8572511)
        return account, users, pipelines, one, stages

    account, users, pipelines, one, stages = run(kommo, work)
    assert (account.id, account.subdomain, account.current_user_id) == (32720107, "solclaro", 10000)
    assert account.amojo_id
    assert account.embedded["datetime_settings"]["timezone"] == "America/Sao_Paulo"
    assert account.embedded["datetime_settings"]["timezone_offset"] == "-03:00"
    assert [(t["id"], t["code"]) for t in account.embedded["task_types"]] == [(1, "FOLLOW_UP"), (2, "MEETING")]
    assert [(user.id, user.email) for user in users] == [
        (10000, "integracao@solclaro.example"),
        (10001, "ana@solclaro.example"),
        (10002, "bruno@solclaro.example"),
    ]
    assert users[0].rights["is_admin"] is True
    assert users[1].rights["is_admin"] is False
    assert [p.id for p in pipelines] == [8572511]
    assert one == pipelines[0]
    assert [s.id for s in stages] == [s.id for s in one.statuses] == [67548603, 67548607, 67548611, 67548615, 142, 143]
    assert stages[0].type == 1


def test_aioamocrm_creates_reads_and_changes_leads_with_their_contact(kommo):
    async def work(amo):
        contact = Contact(name="João Souza")
        contact.set_field("PHONE", "+55 (11) 98888-0001", enum_code="MOB")
        [card] = await amo.contacts.create([contact])
        lead = Lead(name="Telhado", price=12000)
        lead.embedded.tags.append(Tag(name="whatsapp"))
        [made] = await amo.leads.create([lead])
        await amo.leads.link(made.id, "contacts", card.id, metadata={"is_main": True})
        change = Lead(id=made.id, status_id=67548615)
        change.set_field(123456, "https://calendar.google.com/event?eid=1")
        change.set_field(123457, "scheduled")
        [changed] = await amo.leads.update([change])
        return card, made, changed, await amo.leads.get(made.id, with_=["contacts"]), await amo.leads.links(made.id)

    card, made, changed, lead, [link] = run(kommo, work)
    assert (made.request_id, changed.id) == ("0", made.id)
    assert (lead.name, lead.price, lead.status_id, lead.pipeline_id) == ("Telhado", 12000, 67548615, 8572511)
    assert lead.field_value(123456) == "https://calendar.google.com/event?eid=1"
    assert lead.field(123457).field_name == "meeting_status"
    assert [tag.name for tag in lead.embedded.tags] == ["whatsapp"]
    assert [(c.id, c.is_main) for c in lead.embedded.contacts] == [(card.id, True)]
    assert (link.to_entity_type, link.to_entity_id, link.metadata) == ("contacts", card.id, {"main_contact": True})
    assert kommo.one("leads", made.id)["fields"] == {
        "google_calendar_link": "https://calendar.google.com/event?eid=1",
        "meeting_status": "scheduled",
    }


def test_aioamocrm_finds_a_contact_by_phone_and_a_missing_one_raises(kommo):
    async def work(amo):
        contact = Contact(name="João Souza")
        contact.set_field("PHONE", "+55 (11) 98888-0001", enum_code="MOB")
        await amo.contacts.create([contact])
        found = [c async for c in amo.contacts.iterate(query="5511988880001", with_=["leads"])]
        nobody = await amo.contacts.get_page(query="5511977770000")
        with pytest.raises(NotFoundError) as gone:
            await amo.contacts.get(1)
        return found, nobody, gone.value

    [found], nobody, gone = run(kommo, work)
    assert found.field_value("PHONE", enum_code="MOB") == "+55 (11) 98888-0001"
    assert found.field("PHONE").values[0].enum_id == 552480
    assert len(nobody) == 0
    assert gone.status_code == 204


def test_aioamocrm_works_through_the_life_of_a_task(kommo):
    async def work(amo):
        [lead] = await amo.leads.create([Lead(name="Telhado")])
        task = Task(text="Reunião", complete_till=1773255600, duration=1800, task_type_id=2)
        task.entity_id, task.entity_type, task.responsible_user_id = lead.id, "leads", 10001
        [made] = await amo.tasks.create([task])
        fresh = await amo.tasks.get(made.id)
        await amo.tasks.update([Task(id=made.id, complete_till=1773259200)])
        done = await amo.tasks.complete(made.id, result="Cliente compareceu")
        of_lead = {"entity_type": "leads", "entity_id": [lead.id]}
        listed = [t async for t in amo.tasks.iterate(filter=of_lead)]
        still_open = await amo.tasks.get_page(filter={**of_lead, "is_completed": 0})
        return made, fresh, done, listed, still_open

    made, fresh, done, [task], still_open = run(kommo, work)
    assert (fresh.duration, fresh.is_completed, fresh.result, fresh.responsible_user_id) == (1800, False, None, 10001)
    assert (done.id, done.request_id) == (made.id, "0")
    assert (task.complete_till, task.is_completed, task.result.text) == (1773259200, True, "Cliente compareceu")
    assert (task.updated_by, task.entity_type) == (10000, "leads")
    assert len(still_open) == 0


def test_aioamocrm_adds_and_reads_notes(kommo):
    async def work(amo):
        [lead] = await amo.leads.create([Lead(name="Telhado")])
        [made] = await amo.leads.notes.create([Note.common(lead.id, "Reunião marcada")])
        listed = [n async for n in amo.leads.notes.iterate(entity_id=lead.id, filter={"note_type": ["common"]})]
        return lead, made, listed, await amo.leads.notes.get(made.id, entity_id=lead.id)

    lead, made, [listed], one = run(kommo, work)
    assert (made.entity_id, made.request_id) == (lead.id, "0")
    assert listed.text == one.text == "Reunião marcada"


def test_aioamocrm_creates_lead_and_contact_in_one_call(kommo):
    async def work(amo):
        contact = Contact(name="João")
        contact.set_field("PHONE", "+5511988880001", enum_code="WORK")
        return await amo.leads.create_complex([Lead(name="Telhado", embedded=Embedded(contacts=[contact]))])

    [result] = run(kommo, work)
    assert (result.merged, result.request_id) == (False, ["0"])
    assert kommo.one("leads", result.id)["contact_ids"] == [result.contact_id]
    assert kommo.one("contacts", result.contact_id)["fields"]["Phone"] == "+5511988880001"


def test_aioamocrm_walks_all_pages(kommo):
    kommo.post("/leads", [{"name": f"Lead {n}"} for n in range(7)])

    async def work(amo):
        return [lead.name async for lead in amo.leads.iterate(limit=3)]

    assert run(kommo, work) == [f"Lead {n}" for n in range(7)]


def test_aioamocrm_reads_the_custom_field_definitions(kommo):
    kommo.reset(meeting_status="select")

    async def work(amo):
        fields = [field async for field in amo.leads.custom_fields.iterate()]
        phone = await amo.contacts.custom_fields.get(771906)
        return fields, phone

    [link, status], phone = run(kommo, work)
    assert (link.id, link.type, link.entity_type) == (123456, "url", "leads")
    assert [option.value for option in status.enums] == ["scheduled", "completed", "no_show", "cancelled"]
    assert (phone.code, phone.enum_id("MOB")) == ("PHONE", 552480)


def test_aioamocrm_understands_the_refusals(kommo):
    async def refused(amo):
        with pytest.raises(ValidationError) as invalid:
            await amo.tasks.create([Task(text="Reunião")])
        return invalid.value

    error = run(kommo, refused)
    [issue] = error.errors
    assert (issue.request_id, issue.code, issue.path) == ("0", "FieldMissing", "complete_till")

    async def unauthorised(amo):
        with pytest.raises(AuthError) as wrong:
            await amo.account.get()
        return wrong.value

    assert run(kommo, unauthorised, token="another-token").status_code == 401

    async def forbidden(amo):
        with pytest.raises(ForbiddenError):
            await amo.request("DELETE", "tasks/1")

    run(kommo, forbidden)


def test_aioamocrm_refreshes_its_token_and_a_spent_one_is_refused(kommo):
    oauth = {"client_id": "id", "client_secret": "secret", "redirect_uri": "https://marcado.example/cb", "code": "code-1"}
    kommo.reset(oauth=oauth)
    auth = OAuth2("id", "secret", "https://marcado.example/cb", MemoryTokenStorage())

    async def work(amo):
        first = await amo.exchange_code("code-1")
        renewed = await auth.refresh(amo._endpoint)
        account = await amo.account.get()
        auth._tokens = TokenSet(access_token="x", refresh_token=first.refresh_token, expires_at=9e9)
        await auth.storage.save(auth._tokens)
        with pytest.raises(AuthError, match="Token has been revoked"):
            await auth.refresh(amo._endpoint)
        return first, renewed, account

    first, renewed, account = run(kommo, work, auth=auth)
    assert renewed.refresh_token != first.refresh_token
    assert account.id == 32720107


def test_aioamocrm_parses_the_webhooks_that_are_posted(kommo):
    receiver = Receiver()
    try:
        kommo.reset(meeting_status="select", webhooks=[{"destination": receiver.url, "settings": ["update_lead"]}])
        lead = kommo.control("/seller/lead/create", name="Telhado")
        kommo.control("/seller/lead/edit", lead_id=lead["id"], custom_fields={"meeting_status": "no_show"})
        [body] = receiver.wait(1)
    finally:
        receiver.close()
    hook = parse_webhook(body)
    [event] = hook.events
    assert (hook.account_id, hook.subdomain) == (32720107, "solclaro")
    assert (event.entity, event.action, event.id) == ("leads", "update", lead["id"])
    assert event.field_value(123457) == "no_show"


def test_amochka_does_the_same_rounds(kommo, tmp_path):
    amochka = pytest.importorskip("amochka", reason="amochka is not among the development tools")
    token_file = tmp_path / "token.json"
    token_file.write_text('{"access_token": "sandbox-kommo-token", "expires_at": "4102444800"}')
    amo = amochka.AmoCRMClient(
        "https://solclaro.kommo.com",
        token_file=str(token_file),
        cache_config=amochka.CacheConfig.disabled(),
        disable_logging=True,
        rate_limit=1000,
    )
    amo.base_url = kommo.url  # its constructor takes vendor addresses only
    assert amo.get_account(with_="task_types")["subdomain"] == "solclaro"
    assert [t["code"] for t in amo.get_task_types()] == ["FOLLOW_UP", "MEETING"]
    lead = amo.create_lead({"name": "Telhado"})
    contact = amo.create_contact({"name": "João"})
    assert amo.link_entity("lead", lead["id"], contact["id"], "contact", {"is_main": True})[0]["to_entity_id"] == contact["id"]
    assert amo.update_lead(lead["id"], {"price": 10}, tags_to_add=["whatsapp"])["id"] == lead["id"]
    note = amo.add_entity_note("lead", lead["id"], "common", {"text": "Olá"})
    assert amo.get_deal_note(lead["id"], note["id"])["params"] == {"text": "Olá"}
    task_id = kommo.add("tasks", text="Reunião", complete_till=1773255600, entity_id=lead["id"], entity_type="leads")
    assert [t["id"] for t in amo.fetch_tasks(entity_type="leads", entity_ids=[lead["id"]])] == [task_id]
    assert amo.get_task(task_id)["result"] == []
    assert [e["type"] for e in amo.fetch_events(entity="task", event_type=["task_added"])] == ["task_added"]
    assert {p["id"] for p in amo.fetch_pipelines()} == {8572511}
    deal = amo.get_deal_by_id(lead["id"])
    assert deal["price"] == 10
