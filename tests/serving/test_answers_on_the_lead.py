"""What customers answer reaches the lead: mapped fields, a note, a tag; and what stands there already is not asked."""

from pathlib import Path
from typing import Any

from cli.people import People
from cli.stack import Stack
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
BILL_FIELD = 700001


def business_file(folder: Path) -> Path:
    """The shipped file with the bill mapped to a lead field and a stage for those who are ruled out."""
    text = (ROOT / "business.toml").read_text(encoding="utf-8")
    text = text.replace('name = "bill"\n', f'name = "bill"\nkommo_field_id = {BILL_FIELD}\n')
    text = text.replace('lead_tag = "marcado"\n', 'lead_tag = "marcado"\nnot_qualified_status_id = 143\n')
    path = folder / "business.toml"
    path.write_text(text, encoding="utf-8")
    return path


def serve(folder: Path, sandbox: Sandbox) -> Stack:
    fields = [
        {"id": 123456, "name": "google_calendar_link", "type": "url"},
        {"id": 123457, "name": "meeting_status", "type": "text"},
        {"id": BILL_FIELD, "name": "conta de luz", "type": "text"},
    ]
    sandbox.world.reset({"kommo": {"lead_fields": fields}})
    return Stack(business_file=business_file(folder), sandbox=sandbox, overrides={"DEBOUNCE_SILENCE_S": 0})


def record(criterion: str, value: str, quote: str) -> dict[str, Any]:
    return {"record_qualification": {"criterion": criterion, "value": value, "quote": quote}}


def test_answers_go_into_the_mapped_field_and_the_rest_into_one_note(tmp_path: Path) -> None:
    with Sandbox() as sandbox, serve(tmp_path, sandbox) as stack:
        people = People(sandbox.control_url)
        calls = [record("bill", "800", "800 reais"), record("property", "casa", "casa"), record("owner", "sim", "sou o dono")]
        people.do("/model/script", steps=[{"calls": calls}, {"say": "Obrigada!"}])
        people.customer_says("conta de 800 reais, casa, sou o dono")
        stack.settle()
        state = people.state()
        assert people.lead(state)["fields"]["conta de luz"] == "R$ 800,00"
        notes = [note["text"] for note in state["kommo"]["notes"]]
        assert len(notes) == 1
        assert 'casa ("casa")' in notes[0]
        assert 'sim ("sou o dono")' in notes[0]
        assert "800" not in notes[0]
        people.do("/model/script", steps=[{"say": "De nada!"}])
        people.customer_says("obrigado")
        stack.settle()
        assert len(people.state()["kommo"]["notes"]) == 1
        people.close()


def test_whoever_is_ruled_out_is_tagged_and_moved(tmp_path: Path) -> None:
    with Sandbox() as sandbox, serve(tmp_path, sandbox) as stack:
        people = People(sandbox.control_url)
        people.do("/model/script", steps=[{"call": record("bill", "90", "90 reais")}, {"say": "Que pena, obrigada!"}])
        people.customer_says("pago 90 reais")
        stack.settle()
        lead = people.lead()
        assert "não qualificado" in lead["tags"]
        assert lead["status_id"] == 143
        people.close()


def test_what_stands_on_the_lead_already_is_not_asked(tmp_path: Path) -> None:
    with Sandbox() as sandbox, serve(tmp_path, sandbox) as stack:
        people = People(sandbox.control_url)
        contact = people.do("/seller/contact/create", name="Maria", phone="+55 11 98765-4321")
        people.do("/seller/lead/create", contact_id=contact["id"], custom_fields={str(BILL_FIELD): "R$ 1.200,00"})
        people.do("/model/script", steps=[{"say": "Oi!"}])
        people.customer_says("Oi")
        stack.settle()
        asked = sandbox.world.services["openai"].state.requests[-1]["messages"]
        facts = next(m["content"] for m in asked if str(m["content"]).startswith("<facts>"))
        assert "answered: bill | R$ 1.200,00" in facts
        assert "missing: bill" not in facts
        people.close()
