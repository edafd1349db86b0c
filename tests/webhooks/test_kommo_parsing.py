"""Kommo's webhook bodies, recorded, documented and odd."""

import re
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meetings.events import HintEntity, KommoHint, KommoWebhook, LeadShown
from webhooks.forms import FormError
from webhooks.kommo import parse_kommo

FIXTURES = Path(__file__).parents[1] / "fixtures" / "kommo-webhooks"
ACCOUNT = 32720107


def task(task_id, action, lead_id=None, task_type=None):
    return KommoHint(HintEntity.TASK, task_id, action, lead_id, task_type)


def lead(lead_id, action):
    return KommoHint(HintEntity.LEAD, lead_id, action)


RECORDED = {
    "task-add": KommoWebhook(ACCOUNT, (task(1564671, "add", 15320411, 2),)),
    "task-update-text": KommoWebhook(ACCOUNT, (task(1502517, "update", 14791277, 1),)),
    "task-complete": KommoWebhook(ACCOUNT, (task(1564845, "update", 15320411, 1),)),
    "task-complete-with-result": KommoWebhook(ACCOUNT, (task(1564835, "update", task_type=2),)),  # a company's task
    "task-responsible": KommoWebhook(ACCOUNT, (task(1564917, "update", 15320411, 1),)),
    "task-delete": KommoWebhook(ACCOUNT, (task(1564885, "delete"),)),
    "lead-update": KommoWebhook(ACCOUNT, (lead(15318175, "update"),)),
    "lead-status": KommoWebhook(ACCOUNT, (lead(15318175, "status"),)),
    "lead-delete": KommoWebhook(ACCOUNT, (lead(12345678, "delete"),)),
    "message-add-whatsapp": KommoWebhook(ACCOUNT, (), ("message[add]",)),
}


def parse(text):
    """A body written with bare brackets and pairs split by blanks, for readable tests."""
    return parse_kommo("&".join(text.split()).encode())


def test_every_recorded_body_has_its_expected_hints_here():
    assert {path.stem for path in FIXTURES.glob("*.txt")} == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_body_names_its_task_or_lead(name):
    assert parse_kommo((FIXTURES / f"{name}.txt").read_bytes()) == RECORDED[name]


@pytest.mark.parametrize("action", ["add", "update", "delete", "status", "responsible", "restore", "call_in"])
def test_every_action_on_a_lead_is_a_hint(action):
    assert parse(f"leads[{action}][0][id]=5").hints == (lead(5, action),)


@pytest.mark.parametrize("action", ["add", "update", "delete", "responsible"])
@pytest.mark.parametrize("name", ["task", "tasks"])
def test_every_action_on_a_task_is_a_hint(name, action):
    assert parse(f"{name}[{action}][0][id]=5").hints == (task(5, action),)


def test_all_entries_of_all_blocks_count_whatever_their_indexes():
    body = """account[id]=9
        task[update][0][id]=1 task[update][1][id]=2 task[update][7][id]=3 task[delete][3][id]=4
        leads[status][0][id]=5 leads[update][2][id]=5"""

    assert parse(body) == KommoWebhook(
        account_id=9,
        hints=(
            task(1, "update"),
            task(2, "update"),
            task(3, "update"),
            task(4, "delete"),
            lead(5, "status"),
            lead(5, "update"),
        ),
    )


def test_the_account_block_may_come_last():
    assert parse("task[add][0][id]=1 account[id]=9 account[subdomain]=x") == KommoWebhook(9, (task(1, "add"),))


def test_the_same_hint_twice_counts_once():
    assert parse("leads[update][0][id]=5 leads[update][1][id]=5").hints == (lead(5, "update"),)


def test_a_lead_is_shown_as_the_body_has_it():
    (hint,) = parse_kommo((FIXTURES / "lead-update.txt").read_bytes()).hints

    fields = {1118164: "1000", 1246483: "Text", 1246485: "123", 1246487: "1", 1246489: "2", 1246491: "1729717200", 1246493: "200"}
    assert hint.shows == LeadShown(fields, 67548615, 11087123, ("whatsapp",))


@pytest.mark.parametrize("fixture", ["lead-delete", "task-add", "task-delete"])
def test_a_body_without_a_whole_lead_shows_none(fixture):
    (hint,) = parse_kommo((FIXTURES / f"{fixture}.txt").read_bytes()).hints
    assert hint.shows is None


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ("", {}),
        ("custom_fields=", {}),
        ("custom_fields[0][id]=7", {}),
        ("custom_fields[0][id]=7 custom_fields[0][values]=", {}),
        ("custom_fields[0][id]=x custom_fields[0][values][0][value]=a", {}),
        ("custom_fields[0][id]=7 custom_fields[0][values][0][enum]=1", {}),
        ("custom_fields[0][id]=7 custom_fields[0][values][0]=a", {7: "a"}),
        ("custom_fields[0][id]=7 custom_fields[0][values][0][value]=a", {7: "a"}),
        ("custom_fields[3][id]=7 custom_fields[3][values][0][value]=a custom_fields[3][values][1][value]=b", {7: "a"}),
    ],
)
def test_fields_of_any_form_are_read_or_left_out(fields, shown):
    pairs = " ".join(re.sub(r"^custom_fields", "leads[update][0][custom_fields]", field) for field in fields.split())
    (hint,) = parse(f"leads[update][0][id]=5 leads[update][0][status_id]=1 leads[update][0][responsible_user_id]=2 {pairs}").hints
    assert hint.shows == LeadShown(shown, 1, 2, ())


def test_two_states_of_a_lead_in_one_body_show_none():
    body = "leads[update][{0}][id]=5 leads[update][{0}][responsible_user_id]=2 leads[update][{0}][status_id]={1}"
    same, other = " ".join([body.format(0, 1), body.format(1, 1)]), " ".join([body.format(0, 1), body.format(1, 143)])
    assert [hint.shows for hint in parse(same).hints] == [LeadShown({}, 1, 2, ())]
    assert [hint.shows for hint in parse(other).hints] == [None]


def test_a_note_points_to_its_lead_and_not_to_itself():
    body = "leads[note][0][note][id]=77 leads[note][0][note][element_type]=2 leads[note][0][note][element_id]=5"

    assert parse(body) == KommoWebhook(None, (lead(5, "note"),))


def test_a_note_without_element_type_is_about_a_lead_and_one_about_a_contact_is_ignored():
    assert parse("leads[note][0][note][element_id]=5").hints == (lead(5, "note"),)
    assert parse("leads[note][0][note][element_id]=5 leads[note][0][note][element_type]=1") == KommoWebhook(
        None, (), ("leads[note]",)
    )


def test_an_entry_without_an_index_is_understood():
    assert parse("task[update][id]=1").hints == (task(1, "update"),)
    assert parse("leads[note][note][element_id]=5").hints == (lead(5, "note"),)


@pytest.mark.parametrize(
    ("fields", "lead_id"),
    [
        ("element_type=2 element_id=5", 5),
        ("entity_type=leads entity_id=5", 5),
        ("entity_type=lead element_id=5", 5),
        ("element_type=1 element_id=5", None),
        ("element_type=3 element_id=5", None),
        ("element_type=12 element_id=5", None),
        ("element_id=5", None),
        ("element_type=2 element_id=", None),
        ("element_type=2 element_id=0", None),
    ],
)
def test_a_task_belongs_to_a_lead_only_when_its_element_is_one(fields, lead_id):
    pairs = " ".join("task[update][0][{}]={}".format(*field.split("=")) for field in fields.split())

    assert parse(f"task[update][0][id]=1 {pairs}").hints == (task(1, "update", lead_id),)


@pytest.mark.parametrize("name", ["contacts", "companies", "talk", "message", "unsorted", "catalogs", "customers"])
def test_other_entities_are_reported_once_as_ignored(name):
    assert parse(f"{name}[update][0][id]=5 {name}[update][1][id]=6 {name}[add][0][id]=7") == KommoWebhook(
        None, (), (f"{name}[update]", f"{name}[add]")
    )


@pytest.mark.parametrize("bad", ["", "abc", "-5", "0", "5.0", "1e3", "٣", "9" * 30, "5x", "0x5"])
def test_an_entry_without_a_numeric_id_is_left_out_and_the_others_count(bad):
    body = f"task[update][0][id]={quote_plus(bad)} task[update][1][id]=2"

    assert parse(body) == KommoWebhook(None, (task(2, "update"),), ("task[update]",))


@pytest.mark.parametrize(
    ("body", "ignored"),
    [
        ("task=1", ("task",)),
        ("leads[add]=1", ("leads[add]",)),
        ("leads[0][id]=1", ("leads",)),
        ("task[add][0]=1", ("task[add]",)),
        ("task[add][0][id][0]=1", ("task[add]",)),
        ("leads[note][0][note]=1", ("leads[note]",)),
        ("leads[note][0]=1", ("leads[note]",)),
        ("account=1", ()),
        ("account[id][x]=1", ()),
        ("account[id]=abc", ()),
    ],
)
def test_odd_shapes_name_nothing(body, ignored):
    assert parse(body) == KommoWebhook(None, (), ignored)


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (b'{"text":"meu segredo"}', "(unreadable key)"),
        (b"meu+segredo[update][0][id]=5", "(unreadable key)"),
        (b"leads[meu+segredo][0][id]=5", "leads[(unreadable key)]"),
    ],
)
def test_a_key_that_is_none_of_kommos_is_not_repeated(body, label):
    assert parse_kommo(body) == KommoWebhook(None, (), (label,))


def test_an_empty_body_names_nothing():
    assert parse_kommo(b"") == KommoWebhook(None, ())


def test_only_limits_are_an_error():
    with pytest.raises(FormError):
        parse_kommo(b"task[add][0]" + b"[x]" * 20 + b"=1")
    with pytest.raises(FormError):
        parse_kommo(b"a=1&" * 20_001)


segments = st.sampled_from(["add", "update", "note", "0", "1", "9", "", "id", "element_id", "element_type", "entity_type"])
keys = st.builds(
    lambda head, tail: head + "".join(f"[{part}]" for part in tail),
    st.sampled_from(["task", "leads", "account", "contacts", "x"]),
    st.lists(segments, max_size=5),
)
values = st.sampled_from(["", "0", "1", "2", "5", "leads", "é", "-1"])


@given(st.lists(st.builds("{}={}".format, keys, values), max_size=12))
@settings(deadline=None, max_examples=500)
def test_any_arrangement_of_kommos_keys_gives_hints_with_real_ids(pairs):
    webhook = parse_kommo("&".join(pairs).encode())

    assert len(set(webhook.hints)) == len(webhook.hints)
    assert all(hint.id > 0 and (hint.lead_id is None or hint.lead_id > 0) for hint in webhook.hints)
    assert all(hint.lead_id is None for hint in webhook.hints if hint.entity is HintEntity.LEAD)
    assert not {"account", "account[id]"} & set(webhook.ignored)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_a_webhook(body):
    assert isinstance(parse_kommo(body), KommoWebhook)
