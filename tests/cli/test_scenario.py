"""Scenario files: every mistake is named with file and key, and the judge sees every difference in the state left behind."""

from pathlib import Path
from typing import Any

import pytest

from cli.eval_judge import judge, our_calendars
from cli.people import People
from cli.scenario import play, say, staged
from cli.scenario_schema import Afterwards, Given, Said, ScenarioError, Step, load_scenario

ROOT = Path(__file__).parents[2]
BUSINESS = ROOT / "business.toml"
NOW = "2026-03-09T09:00:00-03:00"
SMALL = f"title: x\ngiven: {{now: {NOW}}}\ntalk:\n  - customer: Oi\nafterwards: {{replies: 0}}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "tale.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_small_scenario_is_read(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, SMALL))
    assert scenario.talk[0].customer == [Said(text="Oi")]
    assert scenario.afterwards.replies == 0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("title: x", "titel: x", r"titel: Extra inputs are not permitted"),
        ("title: x", "", r"title: Field required"),
        (f"{{now: {NOW}}}", "{now: 2026-03-09T09:00:00}", r"given\.now: .*timezone"),
        ("replies: 0", "", r"afterwards judges nothing"),
        ("replies: 0", "reply: 0", r"afterwards\.reply: Extra inputs"),
        ("replies: 0", 'facts_told: ["/(/"]', r"afterwards\.facts_told\.0: .*no regular expression"),
        ("replies: 0", 'facts_told: [""]', r"afterwards\.facts_told\.0: .*at least 1"),
        ("replies: 0", "others: [{phone: '1'}]", r"afterwards\.others\.0\.name: Field required"),
        ("customer: Oi", "model: [{say: x}]\n    costumer: Oi", r"talk\.0\.costumer: Extra inputs"),
        ("customer: Oi", "choose: 1", r"talk\.0: .*choose needs the words of the customer"),
        ("customer: Oi", "customer: Oi\n    choose: manhã", r"talk\.0\.choose"),
        ("customer: Oi", "customer: {kind: telepathy}", r"talk\.0\.customer\.0\.kind: Input should be 'text', 'audio'"),
        ("customer: Oi", "customer: {kind: text}", r"talk\.0\.customer\.0: .*a message of kind text needs a text"),
        ("customer: Oi", "customer: {text: Oi, transcript: oi}", r"talk\.0\.customer\.0: .*only audio has a transcript"),
        ("customer: Oi", "customer: {kind: sticker, edited_to: oi}", r"talk\.0\.customer\.0: .*only a text can be edited"),
        ("customer: Oi", "customer: {text: Oi, phone: '551'}", r"talk\.0\.customer\.0: .*another customer needs a name"),
        ("customer: Oi", "customer: {text: Oi, times: 0}", r"talk\.0\.customer\.0\.times: .*greater than or equal to 1"),
        ("customer: Oi", "customer: {text: Oi, tx: 1}", r"talk\.0\.customer\.0\.tx: Extra inputs"),
        ("customer: Oi", "customer: [Oi, {txt: 1}]", r"talk\.0\.customer\.1\.txt: Extra inputs"),
        ("title: x", "title: [", r"tale\.yaml is no YAML"),
        (f"{{now: {NOW}}}", "{}", r"given: .*give the time \(now\), or the scenario that came before"),
        (f"{{now: {NOW}}}", "{after: nowhere.yaml}", r"given\.after: .*there is no scenario nowhere\.yaml"),
        (f"{{now: {NOW}}}", f"{{now: {NOW}, after: tale.yaml}}", r"given: .*now is that of the scenario before"),
        ("customer: Oi", "seller: {}", r"talk\.0\.seller\.0: .*exactly one act"),
        ("customer: Oi", "seller: {result: faltou}", r"talk\.0\.seller\.0: .*exactly one act"),
        ("customer: Oi", "seller: {delete_task: true, set_status: x}", r"talk\.0\.seller\.0: .*exactly one act"),
        ("customer: Oi", "seller: {delete_task: false}", r"talk\.0\.seller\.0\.delete_task: .*True"),
        ("customer: Oi", "seller: [{delete_task: true}, {delete_lead: x}]", r"talk\.0\.seller\.1\.delete_lead: .*'silent'"),
        ("customer: Oi", "seller: {move_task: 2026-03-10T10:00:00}", r"talk\.0\.seller\.0\.move_task: .*timezone"),
        ("customer: Oi", "seller: {create_task: {}}", r"talk\.0\.seller\.0\.create_task\.deadline: Field required"),
        ("customer: Oi", "on_calendar: {event: 1}", r"talk\.0\.on_calendar\.0: .*exactly one act"),
        ("title: x", "title: x\nwebhooks: some", r"webhooks: Input should be 'any'"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in SMALL
    with pytest.raises(ScenarioError, match=complaint) as refusal:
        load_scenario(written(tmp_path, SMALL.replace(old, new)))
    assert "tale.yaml" in str(refusal.value)


def test_messages_may_be_texts_and_objects_in_one_burst() -> None:
    step = Step.model_validate({"customer": ["Oi", {"kind": "audio", "transcript": "quero marcar"}, {"kind": "sticker"}]})
    assert [said.kind for said in step.customer] == ["text", "audio", "sticker"]
    assert [said.shown for said in step.customer] == ["Oi", "quero marcar", "(sticker)"]


def test_a_seller_may_do_one_thing_or_several() -> None:
    one, several = {"seller": {"delete_task": True}}, {"seller": [{"complete_task": True, "result": "x"}, {"reopen_task": True}]}
    assert [act.act for act in Step.model_validate(one).seller] == ["delete_task"]
    assert [act.act for act in Step.model_validate(several).seller] == ["complete_task", "reopen_task"]
    assert Step.model_validate({}).seller == []


@pytest.mark.long
def test_a_scenario_may_begin_where_another_one_ended(tmp_path: Path) -> None:
    begun = tmp_path / "begun.yaml"
    begun.write_text(SMALL.replace("customer: Oi", "customer: Oi\n    model: [{say: Tchau}]"), encoding="utf-8")
    text = "title: y\ngiven: {after: begun.yaml}\ntalk:\n  - wait_s: 310\nafterwards: {told: [Tchau], replies: 1, leads: 1}\n"
    scenario = load_scenario(written(tmp_path, text))
    assert scenario.given.after == begun
    first, second = play(scenario, BUSINESS), play(scenario, BUSINESS)
    assert first.complaints == second.complaints == []
    assert [line["from"] for line in first.transcript] == ["customer", "agent"]


def test_what_came_before_must_end_as_its_script_says(tmp_path: Path) -> None:
    (tmp_path / "begun.yaml").write_text(SMALL, encoding="utf-8")  # the model is asked without a script
    text = "title: y\ngiven: {after: begun.yaml}\ntalk:\n  - wait_s: 310\nafterwards: {leads: 1}\n"
    with pytest.raises(ScenarioError, match=r"begun\.yaml can't be what came before:\nstep 1: the model was asked without"):
        play(load_scenario(written(tmp_path, text)), BUSINESS)


def test_sections_of_the_business_file_may_differ() -> None:
    given = Given.model_validate({"now": NOW, "business": {"sync": {"task_by_hand": "ignore"}, "meetings": {"length_min": 30}}})
    with staged(given, BUSINESS) as (stack, _):
        business = stack.service.business
        assert (business.sync.task_by_hand, business.sync.lead_lost, business.meetings.length_min) == ("ignore", "cancel", 30)


def test_a_seller_who_can_do_nothing_is_a_complaint(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, SMALL))
    for step, complaint in (
        ({"seller": {"delete_task": True}}, "step 1: there is no meeting task in Kommo yet"),
        ({"seller": {"set_status": "x"}}, "step 1: there is no lead in Kommo yet"),
        ({"on_calendar": {"delete_event": True}}, "step 1: there is no event of the customer yet"),
    ):
        verdict = play(scenario.model_copy(update={"talk": [Step.model_validate(step)]}), BUSINESS)
        assert verdict.complaints[0] == complaint


def test_an_exam_judges_all_but_the_scripted_words() -> None:
    wanted = Afterwards(
        events=[],
        tasks=[],
        meeting_status="",
        leads=1,
        told=["a"],
        told_once=["b"],
        never_told=["c"],
        replies=2,
        facts_told=["d"],
    )
    exam = wanted.as_exam()
    assert (exam.told, exam.told_once, exam.replies) == ([], [], None)
    kept = {"told", "told_once", "replies"}
    assert exam.model_dump(exclude=kept) == wanted.model_dump(exclude=kept)
    assert wanted.told == ["a"]


def test_every_scenario_of_the_project_can_be_read() -> None:
    paths = sorted((ROOT / "tests" / "conversations").glob("*.yaml"))
    assert len(paths) >= 45
    scenarios = [load_scenario(path) for path in paths]
    assert len({scenario.title for scenario in scenarios}) == len(paths)


# --- judging -------------------------------------------------------------------------------------------------------


class Remembered(People):
    """The people of a world that has ended."""

    def __init__(self, of: People) -> None:
        self.phone, self.name, self._state = of.phone, of.name, of.state()

    def state(self) -> dict[str, Any]:
        return self._state


@pytest.fixture(scope="module")
def booked() -> People:
    """A customer who has booked 10 March at 9:00 with the stand-in, and another who only said hello."""
    with staged(Given.model_validate({"now": NOW}), BUSINESS) as (stack, people):
        for text in ("Oi! Minha conta é de 800 reais, é uma casa e sou o dono. Quero marcar a visita", "Pode ser a 3"):
            say(Said(text=text), people, stack)
            stack.settle()
        say(Said(text="Oi", phone="5511912345678", name="João Pereira"), people, stack)
        stack.settle()
        return Remembered(people)


WANTED: dict[str, Any] = {
    "leads": 2,
    "events": [{"calendar": "ana@solclaro.example", "start": "2026-03-10T09:00:00-03:00"}],
    "tasks": [{"deadline": "2026-03-10T09:00:00-03:00"}],
    "facts_told": ["Terca-Feira, 10 de MARÇO", "/10 de marco de 2026, as 09:00/"],
    "told": ["Oi, Maria!", "✅ Marcado"],
    "told_once": ["✅ Marcado"],
    "never_told": ["cancelada"],
    "notes": [],
    "replies": 3,
    "follow_ups": [],
    "others": [{"phone": "5511912345678", "name": "João Pereira", "events": [], "facts_told": ["conta de luz"]}],
}


def test_a_state_that_is_as_wanted_has_no_complaints(booked: People) -> None:
    assert judge(Afterwards.model_validate(WANTED), booked, our_calendars(BUSINESS)) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"leads": 1}, "there are 2 leads, not 1"),
        ({"events": []}, "there are 1 events, not 0"),
        ({"events": [{"cancelled": True}]}, "event 1 is not cancelled"),
        ({"events": [{"start": "2026-03-10T10:00:00-03:00"}]}, "event 1 starts"),
        ({"events": [{"calendar": "bruno@solclaro.example"}]}, "event 1 is on ana@solclaro.example"),
        ({"tasks": []}, "of the meetings: there are 1 tasks, not 0"),
        ({"tasks": [{"completed": True}]}, "of the meetings: task 1 is open"),
        ({"tasks": [{"deadline": "2026-03-10T10:00:00-03:00"}]}, "of the meetings: task 1 has deadline"),
        ({"tasks": [{"result": "veio"}]}, "of the meetings: task 1 has result"),
        ({"tasks": [{"responsible": 10002}]}, "of the meetings: task 1 is with 10001, not 10002"),
        ({"tasks": [{"text": "Levar"}]}, "of the meetings: task 1 says"),
        ({"tasks": [{"duration_s": 60}]}, "of the meetings: task 1 takes 3600 s, not 60"),
        ({"events": [{"end": "2026-03-10T09:30:00-03:00"}]}, "event 1 ends"),
        ({"events": [{"summary": "Almoço"}]}, "event 1 is called"),
        ({"notes": ["cancelada"]}, "'cancelada' stands in 0 notes, not in one"),
        ({"meeting_status": "scheduled"}, "meeting_status on the lead is None"),  # the newest lead is the other customer's
        ({"link_saved": True}, "google_calendar_link on the lead is"),
        ({"facts_told": ["11 de março"]}, "the customer was not told '11 de março'"),
        ({"facts_told": ["/as 1[0-9]:00 .horario/"]}, "the customer was not told '/as 1"),
        ({"told": ["✅ Marcado", "Oi, Maria!"]}, "the customer was not told (in this order) 'Oi, Maria!'"),
        ({"told_once": ["Maria"]}, "'Maria' was told"),
        ({"never_told": ["✅"]}, "the customer was told '✅'"),
        ({"replies": 2}, "the customer got 3 messages, not 2"),
        ({"follow_ups": [{}]}, "of the questions: there are 0 tasks, not 1"),
        ({"handed_off": True}, "no seller was asked to take over"),
        (
            {"others": [{"phone": "5511912345678", "name": "João Pereira", "events": [{}]}]},
            "João Pereira: there are 0 events, not 1",
        ),
        (
            {"others": [{"phone": "5511912345678", "name": "João Pereira", "facts_told": ["09:00"]}]},
            "João Pereira: the customer was",
        ),
        (
            {"others": [{"phone": "5511912345678", "name": "João Pereira", "never_told": ["conta"]}]},
            "João Pereira: the customer was",
        ),
    ],
)
def test_each_difference_is_one_complaint(booked: People, wrong: dict[str, Any], complaint: str) -> None:
    complaints = judge(Afterwards.model_validate({**WANTED, **wrong}), booked, our_calendars(BUSINESS))
    assert len(complaints) == 1, complaints
    assert complaints[0].startswith(complaint)


@pytest.mark.long
@pytest.mark.parametrize(
    ("customer", "model", "complaint"),
    [
        ("Oi", [], "step 1: the model was asked without a script"),
        ("Oi", [{"say": "Oi, Maria!"}, {"say": "Tudo bem?"}], "step 1: the model was never asked for: [{'say': 'Tudo bem?'}]"),
        ({"text": "Oi", "deleted": True}, [{"say": "Oi!"}], "step 1: the model was never asked for: [{'say': 'Oi!'}]"),
    ],
)
def test_a_script_must_be_used_up_exactly(tmp_path: Path, customer: Any, model: list[Any], complaint: str) -> None:
    path = written(tmp_path, SMALL)
    scenario = load_scenario(path)
    step = Step.model_validate({"customer": customer, "model": model})
    verdict = play(scenario.model_copy(update={"talk": [step]}), BUSINESS)
    assert any(found.startswith(complaint) for found in verdict.complaints), verdict.complaints
