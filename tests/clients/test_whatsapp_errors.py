"""WhatsAppClient on bad days: Evolution's many error shapes, lost answers, and what may be sent again."""

from datetime import UTC, datetime

import pytest
from outside_world import QUICK, OutsideWorld, closed_port, failure

from clients.errors import (
    BusyError,
    LoginRefusedError,
    NoAnswerError,
    NotFoundError,
    NotOnWhatsAppError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
)

JOANA, JOANA_JID = "+5511987654321", "5511987654321@s.whatsapp.net"
SECRET_TEXT = "Confirmado: terça às 14h"
SAFE = {
    "find_sent": lambda w: w.find_sent("222333444555666@lid", "Olá", datetime.now(UTC), datetime.now(UTC)),
    "connection_state": lambda w: w.connection_state(),
    "mark_read": lambda w: w.mark_read(JOANA_JID, ["3A00"]),
    "numbers": lambda w: w.numbers([JOANA]),
    "media": lambda w: w.media("3A00"),
    "get_webhook": lambda w: w.get_webhook(),
    "set_webhook": lambda w: w.set_webhook("https://marcado.example/hook", {}, ["MESSAGES_UPSERT"]),
}


def send(whatsapp):
    return whatsapp.send_text(JOANA, SECRET_TEXT)


def error_of(world: OutsideWorld, call=send, **more):
    return world.whatsapp(lambda whatsapp: failure(call(whatsapp)), **more)


def sent(world: OutsideWorld) -> int:
    return len(world.state("evolution")["chat"].get(JOANA, []))


def tries(world: OutsideWorld) -> int:
    return len(world.requests("evolution"))


def envelope(status: int, message: object) -> dict[str, object]:
    return {"status": status, "error": "Bad Request", "response": {"message": message}}


# What Evolution itself answers


def test_a_number_without_whatsapp(world):
    world.control("/whatsapp/number", phone=JOANA, exists=False)
    assert type(error_of(world)) is NotOnWhatsAppError
    assert tries(world) == 1


def test_a_blank_text_is_refused(world):
    assert type(error_of(world, lambda whatsapp: whatsapp.send_text(JOANA, "  "))) is RefusedError
    assert (tries(world), sent(world)) == (1, 0)


def test_a_body_that_fails_the_schema_is_refused(world):
    error = error_of(world, lambda whatsapp: whatsapp.send_text(JOANA, None))
    assert (type(error), error.detail) == (RefusedError, "status 400, malformed request")
    assert tries(world) == 1


@pytest.mark.parametrize(("outcome", "reached"), [("no", 0), ("yes", 1), ("unrecorded", 1)])
def test_a_time_out_towards_whatsapp_has_an_unknown_outcome_and_is_not_repeated(world, outcome, reached):
    world.control("/whatsapp/timeout", sent=outcome)
    assert type(error_of(world)) is OutcomeUnknownError
    assert (tries(world), sent(world)) == (1, reached)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_socket_that_is_down_sends_nothing_and_is_tried_again(world, is_known):
    if is_known:  # then the answer is 400 "Error: Connection Closed", else 500 "Connection Closed"
        world.whatsapp(lambda whatsapp: whatsapp.numbers([JOANA]))
    world.control("/whatsapp/connection", state="zombie")
    error = error_of(world)
    assert (type(error), error.detail) == (UnreachableError, "the WhatsApp session is not connected")
    statuses = {entry["status"] for entry in world.requests("evolution", "/sendText")}
    assert statuses == ({400} if is_known else {500})
    assert (len(world.requests("evolution", "/sendText")), sent(world)) == (QUICK.attempts, 0)


@pytest.mark.parametrize(
    "call", [SAFE["numbers"], SAFE["mark_read"], lambda w: w.show_typing(JOANA, 100)], ids=["numbers", "mark_read", "typing"]
)
def test_other_routes_say_it_in_other_shapes(world, call):
    world.control("/whatsapp/connection", state="zombie")
    assert type(error_of(world, call)) is UnreachableError
    assert tries(world) == QUICK.attempts


@pytest.mark.parametrize("call", [send, *SAFE.values()], ids=["send_text", *SAFE])
def test_an_unknown_instance(world, call):
    error = error_of(world, call, instance="vendas")
    assert type(error) is NotFoundError
    assert "EVOLUTION_INSTANCE" in str(error)
    assert tries(world) == 1


@pytest.mark.parametrize("call", [send, *SAFE.values()], ids=["send_text", *SAFE])
def test_a_wrong_key_needs_a_person(world, call):
    error = error_of(world, call, api_key="wrong")
    assert (type(error), error.detail) == (LoginRefusedError, "status 401")
    assert tries(world) == 1


@pytest.mark.parametrize("call", [send, *SAFE.values()], ids=["send_text", *SAFE])
def test_a_server_that_is_not_activated_needs_a_person(world, call):
    world.control("/whatsapp/license", required=True)
    error = error_of(world, call)
    assert type(error) is LoginRefusedError
    assert "LICENSE_REQUIRED" in str(error)
    assert tries(world) == 1


# What else comes over the wire


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "body": envelope(400, ["Error: Timed Out"])}, OutcomeUnknownError),
        ({"status": 400, "body": envelope(400, ["PrismaClientKnownRequestError: …"])}, OutcomeUnknownError),
        ({"status": 400, "body": envelope(400, "[object Object]")}, OutcomeUnknownError),
        ({"status": 400, "body": {"status": 400, "error": "Bad Request", "message": ["Error: Timed Out"]}}, OutcomeUnknownError),
        ({"status": 400, "body": "not even JSON"}, OutcomeUnknownError),
        ({"status": 400, "body": ["a list"]}, OutcomeUnknownError),
        ({"status": 400, "body": envelope(400, [["Invalid format"]])}, RefusedError),
        ({"status": 400, "body": envelope(400, ["Text is required"])}, RefusedError),
        ({"status": 400, "body": envelope(400, [{"jid": "x", "exists": False, "number": "1"}])}, NotOnWhatsAppError),
        ({"status": 403}, LoginRefusedError),
        ({"status": 413, "body": "too large"}, RefusedError),
        ({"status": 408, "body": ""}, OutcomeUnknownError),
        ({"status": 500, "body": envelope(500, "Cannot read properties of undefined")}, OutcomeUnknownError),
        ({"status": 502, "body": "<html>Bad Gateway</html>"}, OutcomeUnknownError),
        ({"status": 503, "body": "<html>Service Unavailable</html>"}, OutcomeUnknownError),
        ({"status": 504, "body": ""}, OutcomeUnknownError),
        ({"status": 201, "body": "<html>welcome</html>"}, OutcomeUnknownError),
        ({"status": 201, "body": ""}, OutcomeUnknownError),
        ({"status": 302, "body": "", "headers": {"location": "/"}}, RefusedError),
    ],
)
def test_a_send_is_tried_once_and_its_error_says_whether_it_may_have_gone_out(world, answer, kind):
    world.fault("evolution", times=-1, **answer)
    error = error_of(world)
    assert type(error) is kind
    assert SECRET_TEXT not in str(error)
    assert tries(world) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "(#131030) Recipient phone number not in allowed list", "code": 131030}},
        {"key": None},
        {"key": {"remoteJid": JOANA_JID}},
        {"key": "3EB0"},
        [],
    ],
)
def test_a_success_without_a_message_id_was_refused_by_the_cloud_api(world, body):
    world.fault("evolution", status=201, body=body, times=-1)
    error = error_of(world)
    assert (type(error), error.detail) == (RefusedError, "accepted without a message id")
    assert tries(world) == 1


def test_a_busy_server_is_waited_for_and_the_send_made_once(world):
    world.fault("evolution", status=429, body="", headers={"retry-after": "0"})
    world.whatsapp(send)
    assert (tries(world), sent(world)) == (2, 1)


def test_a_server_that_wants_a_long_wait_is_left_alone(world):
    world.fault("evolution", status=429, body="", headers={"retry-after": "60"}, times=-1)
    error = error_of(world)
    assert (type(error), error.retry_after_s, tries(world)) == (BusyError, 60.0, 1)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": envelope(500, "x")},
        {"status": 502, "body": "<html></html>"},
        {"status": 400, "body": envelope(400, ["Error: Timed Out"])},
        {"status": 400, "body": {"status": 400, "error": "Bad Request", "message": ["Error: Timed Out"]}},
        {"status": 400, "body": {"isBoom": True, "output": {"statusCode": 428}}},
        {"status": 200, "body": "<html></html>"},
        {"drop": "before"},
        {"drop": "after"},
    ],
)
@pytest.mark.parametrize("name", SAFE)
def test_what_may_be_repeated_is_repeated_and_ends_unreachable(world, name, answer):
    world.fault("evolution", times=-1, **answer)
    assert type(error_of(world, SAFE[name])) is UnreachableError
    assert tries(world) == QUICK.attempts


@pytest.mark.parametrize("name", [name for name in SAFE if name != "media"])
def test_another_400_on_a_call_that_changes_nothing_is_a_refusal(world, name):
    world.fault("evolution", status=400, body=envelope(400, ["no"]), times=-1)
    assert (type(error_of(world, SAFE[name])), tries(world)) == (RefusedError, 1)


def test_a_boom_of_another_kind_is_not_a_closed_connection(world):
    world.fault("evolution", status=400, body={"isBoom": True, "output": {"statusCode": 403}, "message": None}, times=-1)
    assert type(error_of(world, SAFE["numbers"])) is RefusedError


def test_a_server_that_is_not_there_got_nothing(world):
    error = error_of(world, base_url=f"http://127.0.0.1:{closed_port()}")
    assert (type(error), error.service, error.operation) == (UnreachableError, "WhatsApp", "send text")


# Lost answers, and the look that follows


@pytest.mark.parametrize(("drop", "reached"), [("before", 0), ("after", 1)])
def test_a_send_whose_answer_is_lost_is_not_repeated_and_a_look_tells(world, drop, reached):
    world.fault("evolution", path="/sendText", drop=drop)
    started = datetime.now(UTC)

    async def work(whatsapp):
        error = await failure(send(whatsapp))
        return error, await whatsapp.find_sent(JOANA_JID, SECRET_TEXT, started, datetime.now(UTC))

    error, found = world.whatsapp(work)
    assert type(error) is NoAnswerError
    assert (len(world.requests("evolution", "/sendText")), sent(world)) == (1, reached)
    assert (found is not None) is bool(reached)


@pytest.mark.parametrize("status", [400, 500, 502])
def test_an_error_after_the_send_is_found_out_by_a_look(world, status):
    world.fault("evolution", path="/sendText", status=status, after_write=True, body=envelope(status, ["Error: saving failed"]))
    started = datetime.now(UTC)

    async def work(whatsapp):
        error = await failure(send(whatsapp))
        return error, await whatsapp.find_sent(JOANA_JID, SECRET_TEXT, started, datetime.now(UTC))

    error, found = world.whatsapp(work)
    assert type(error) is OutcomeUnknownError
    assert found.id == world.state("evolution")["chat"][JOANA][0]["id"]


def test_a_look_is_repeated_when_its_own_answer_is_lost(world):
    async def work(whatsapp):
        message = await send(whatsapp)
        world.fault("evolution", path="/findMessages", drop="after")
        return message, await whatsapp.find_sent(JOANA_JID, SECRET_TEXT, datetime.now(UTC), datetime.now(UTC))

    message, found = world.whatsapp(work)
    assert found == message
