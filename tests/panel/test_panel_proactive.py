"""WhatsApp refuses everything when a reminder is due: the rest is kept back, the panel says so, and a person lets it go on."""

from datetime import datetime

from tests.panel.panel_scene import book, operator, panel_stack

BEFORE = datetime.fromisoformat("2026-03-10T08:00:00-03:00")  # an hour before the meeting


def test_reminders_are_kept_back_until_a_person_resumes_them() -> None:
    with panel_stack() as (stack, people), operator(stack) as op:
        book(stack, people)  # Tuesday at nine
        assert "Lembretes, convites e perguntas estão saindo." in op.page("/")
        told = len(people.told())
        people.do("/whatsapp/license", required=True)
        stack.sandbox.world.clock.set(BEFORE)
        stack.settle(horizon_s=1)
        stack.sandbox.world.clock.advance(30)
        stack.settle(horizon_s=1)
        assert op.log_in().status_code == 303  # a day later
        assert "o WhatsApp recusou" in op.page("/")
        assert op.http.get(f"{stack.url}/readyz").json()["waiting"]["proactive"] == "stopped"

        people.do("/whatsapp/license", required=False)
        stack.sandbox.world.clock.advance(600)
        stack.settle(horizon_s=1)
        assert len(people.told()) == told  # the licence is back, but nobody has let it go on

        assert op.post("/proactive/resume").status_code == 303
        stack.settle(horizon_s=1)
        (reminder,) = people.told()[told:]
        assert reminder.startswith("⏰")
        assert op.http.get(f"{stack.url}/readyz").json()["waiting"]["proactive"] == "ok"


def test_a_person_holds_them_back_by_hand() -> None:
    with panel_stack() as (stack, _), operator(stack) as op:
        assert op.post("/proactive/stop").status_code == 303
        assert "Paradas por alguém desde" in op.page("/")
        assert op.post("/proactive/resume").status_code == 303
        assert "Lembretes, convites e perguntas estão saindo." in op.page("/")


def test_nothing_is_switched_without_our_own_form() -> None:
    with panel_stack() as (stack, _), operator(stack) as op:
        assert op.http.post("/proactive/stop", data={"form_token": "guessed"}).status_code in (400, 403)
        assert "Lembretes, convites e perguntas estão saindo." in op.page("/")
