"""What the pages show of real conversations and meetings, read over HTTP from a running service."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from markupsafe import Markup
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cli.stack import Stack
from meetings.tables import Customer, Meeting, Message, MessageState
from panel.conversation import WINDOW
from panel.customers import PAGE, _fits
from panel.forms import number, page_of_ours
from panel.pages import length_of, linked, safe_url
from prompts.catalogue import LOCALES, Catalogue
from tests.meetings.meeting_scene import add_customer, add_message
from tests.panel.panel_scene import (
    HELLO,
    NOW,
    Operator,
    book,
    customer_named,
    in_database,
    operator,
    panel_stack,
    say,
    talk,
    words_of,
)

JOAO = {"phone": "5521998765432", "name": "João Pereira"}
SCRIPT = "<script>document.title='aberto'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Maria booked; João was ruled out; Ana waits for a person; somebody sent a script; nobody wrote to Zé."""
    with panel_stack() as (served, people):
        book(served, people)
        record = {"record_qualification": {"criterion": "bill", "value": "90", "quote": "90 reais"}}
        talk(served, people, f"uns 90 reais {SCRIPT}", {"call": record}, say("Que pena, João!"), **JOAO)
        hand_off = {"call": {"hand_off_to_seller": {"reason": "pediu uma pessoa"}}}
        ana = {"phone": "5531988887777", "name": "Ana Luíza"}
        talk(served, people, "Quero falar com uma pessoa", hand_off, say("Claro! Já chamo alguém."), **ana)
        talk(served, people, f"ok, aguardo {SCRIPT}", **ana)
        talk(served, people, "parar", phone="5541977776666", name="Rui Lima")
        yield served


@pytest.fixture
def op(stack: Stack) -> Iterator[Operator]:
    with operator(stack) as someone:
        yield someone


def customer_id(stack: Stack, name: str) -> int:
    return customer_named(stack, name).id


def rows_of(html: str) -> list[str]:
    """The words of each line of the list of conversations."""
    return [words_of(row) for row in re.findall(r'<li class="card person">(.*?)</li>', html, re.DOTALL)]


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_says_who_wrote_last_and_how_it_stands(op: Operator) -> None:
    rui, ana, joao, maria = rows_of(op.get("/conversations").text)
    assert "Rui Lima (41) 97777-6666" in rui
    assert "Pediu para parar" in rui
    assert "Agente ativo" in rui
    assert "Em pausa até 15:00 passou a uma pessoa" in ana
    assert "1 sem resposta" in ana
    assert "ok, aguardo" in ana
    assert "Agente ativo Não qualificado" in joao
    assert "Reunião em 10/03 09:00" in maria
    assert re.search(r"09:00 [1-9][\d.]* tokens$", maria)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("maria", ["Maria Souza"]),
        ("JOAO", ["João Pereira"]),
        ("luiza", ["Ana Luíza"]),
        ("(11) 98765-4321", ["Maria Souza"]),
        ("11 8765-4321", ["Maria Souza"]),  # as it was before the ninth digit
        ("+55 21 99876-5432", ["João Pereira"]),
        ("7777", ["Rui Lima", "Ana Luíza"]),
        ("  ", ["Rui Lima", "Ana Luíza", "João Pereira", "Maria Souza"]),
        ("ninguém", []),
        ("%", []),
        ("'; DROP TABLE customer; --", []),
        ("<b>", []),
    ],
)
def test_a_search_finds_names_and_phones_however_they_are_written(op: Operator, search: str, found: list[str]) -> None:
    page = op.get("/conversations", q=search).text
    names = [words_of(name) for name in re.findall(r"<h2><a [^>]+>(.*?)</a></h2>", page)]
    assert names == found
    if not found:
        assert "Ninguém com esse nome ou telefone" in words_of(page)
    assert "<b>" not in page


def test_a_name_with_digits_is_not_taken_for_a_phone() -> None:
    assert _fits("maria 2", "Maria 2", "+5511987654321")
    assert not _fits("maria 9", "Joana", "+5511987654321")
    assert not _fits("x", None, None)


def test_a_long_list_has_pages() -> None:
    with panel_stack() as (stack, _), operator(stack) as op:
        assert "Ainda ninguém escreveu" in op.page("/conversations")

        async def fill(session: AsyncSession) -> None:
            session.add_all(Customer(jid=f"{n}@lid", name=f"Cliente {n:02}", created_at=NOW) for n in range(PAGE * 2 + 1))

        in_database(stack, fill)
        sizes = [len(rows_of(op.get("/conversations", page=n).text)) for n in (1, 2, 3)]
        assert sizes == [PAGE, PAGE, 1]
        assert "Página 3 de 3" in op.page("/conversations", page=99)
        assert len(rows_of(op.get("/conversations", page=2, q="cliente").text)) == PAGE
        assert "q=cliente&amp;page=3" in op.get("/conversations", page=2, q="cliente").text
        for odd in ("0", "-1", "x", "9" * 40, "1e3"):
            assert op.get("/conversations", page=odd).status_code == 200


# --- one conversation -------------------------------------------------------------------------------------------------


def test_a_conversation_shows_both_sides_with_author_time_and_delivery(stack: Stack, op: Operator) -> None:
    page = op.get(f"/conversations/{customer_id(stack, 'Maria Souza')}").text
    bubbles = [words_of(b) for b in re.findall(r'<li id="m\d+" class="bubble.*?</li>', page, re.DOTALL)]
    assert bubbles[0] == "Maria Souza cliente Oi, quero saber de energia solar 09:00 respondida"
    assert bubbles[1] == f"Clara agente {HELLO} 09:00 ✓✓ entregue"
    assert any(b.startswith("Sol Claro Energia aviso automático ✅ Marcado, Maria!") for b in bubbles)
    assert "segunda-feira, 9 de março" in words_of(page)


def test_answers_stand_with_the_words_that_prove_them(stack: Stack, op: Operator) -> None:
    maria = op.get(f"/conversations/{customer_id(stack, 'Maria Souza')}").text
    words = words_of(maria)
    assert "Qual é o valor médio da sua conta de luz? R$ 800,00 atende no Kommo Palavras do cliente: “800 reais”" in words
    assert "Ainda falta" not in words
    shown = re.search(r'href="\?before=(\d+)#m(\d+)">Ver a mensagem', maria)
    assert shown is not None
    there = op.get(f"/conversations/{customer_id(stack, 'Maria Souza')}", before=shown[1]).text
    assert f'id="m{shown[2]}"' in there
    assert "Minha conta é de 800 reais" in there
    assert "R$ 90,00 não atende" in op.page(f"/conversations/{customer_id(stack, 'João Pereira')}")


def test_a_customer_s_markup_is_text(stack: Stack, op: Operator) -> None:
    for path in ("/conversations", f"/conversations/{customer_id(stack, 'Ana Luíza')}"):
        page = op.get(path).text
        assert "&lt;script&gt;document.title" in page
        assert "<script" not in page
        assert "<img src=x" not in page


def test_a_long_conversation_has_earlier_parts(stack: Stack, op: Operator) -> None:
    async def fill(service: Any) -> int:
        made = await add_customer(service.db, NOW, phone="+5551999990000", name="Zé")
        for n in range(WINDOW + 5):
            await add_message(service.db, made, f"mensagem {n:03}.", NOW, state=MessageState.ANSWERED)
        return made

    ze = stack.call(fill)
    newest = op.get(f"/conversations/{ze}").text
    assert "mensagem 064." in newest
    assert "mensagem 004." not in newest
    older = re.search(r'href="\?before=(\d+)">↑ Mensagens anteriores', newest)
    assert older is not None
    earlier = op.get(f"/conversations/{ze}", before=older[1]).text
    assert "mensagem 004." in earlier
    assert "mensagem 005." not in earlier
    assert "Mensagens anteriores" not in earlier
    assert "Voltar às mais recentes" in earlier


@pytest.mark.parametrize(
    "path", ["/conversations/9999", "/conversations/0", "/conversations/x", f"/conversations/{'9' * 30}", "/x"]
)
def test_what_is_not_there_is_answered_404(op: Operator, path: str) -> None:
    answer = op.get(path)
    assert answer.status_code == 404
    assert "Não há nada nesta página" in words_of(answer.text)


def test_no_page_shows_a_secret(stack: Stack, op: Operator) -> None:
    settings = stack.service.settings
    secrets = [
        settings.KOMMO_ACCESS_TOKEN.get_secret_value(),
        settings.EVOLUTION_API_KEY.get_secret_value(),
        settings.OPENAI_API_KEY.get_secret_value(),
        settings.WEBHOOK_TOKEN.get_secret_value(),
        settings.PANEL_PASSWORD.get_secret_value() if settings.PANEL_PASSWORD else "",
        settings.DATABASE_URL,
    ]
    for path in ("/", "/conversations", "/conversations/1", "/meetings"):
        page = op.get(path).text
        assert [secret for secret in secrets if secret in page] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_the_panel_speaks_the_operator_s_language(locale: str) -> None:
    with panel_stack(LOCALE=locale) as (stack, people), operator(stack) as op:
        talk(stack, people, "Oi", say(HELLO))
        for key, path in (("overview", "/"), ("conversations", "/conversations"), ("meetings", "/meetings")):
            answer = op.get(path)
            assert f'<html lang="{locale}">' in answer.text
            assert Catalogue.load("panel", locale).text(f"nav_{key}") in words_of(answer.text)
        assert op.get("/conversations/1").status_code == 200


# --- meetings ---------------------------------------------------------------------------------------------------------


def part(page: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    assert found is not None
    return words_of(found[1])


def test_a_meeting_stands_with_its_receipts_and_its_history(op: Operator) -> None:
    page = op.get("/meetings").text
    upcoming = part(page, "upcoming")
    assert "terça-feira, 10 de março de 2026, 09:00 Agendada Maria Souza · com Ana Ribeiro" in upcoming
    for receipt in ("Está na agenda", "Link e status conferidos no lead", "Tarefa no lead", "Aviso entregue ao cliente"):
        assert f"{receipt} (feito)" in upcoming
    assert "09/03/2026 09:00 Marcada pelo cliente, na conversa" in upcoming
    assert "Nenhuma: agenda, Kommo e clientes dizem o mesmo" in part(page, "unsettled")
    assert 'href="https://www.google.com/calendar/event?eid=' in page
    for link in re.findall(r"<a [^>]*target=\"_blank\"[^>]*>", page):
        assert "noopener noreferrer" in link


def test_meetings_are_filtered_by_status(op: Operator) -> None:
    assert "Maria Souza" in part(op.get("/meetings", status="scheduled").text, "upcoming")
    assert "Maria Souza" not in part(op.get("/meetings", status="cancelled").text, "upcoming")
    assert "Maria Souza" in part(op.get("/meetings", status="nonsense").text, "upcoming")


def test_what_a_seller_did_is_told_with_its_reason() -> None:
    with panel_stack() as (stack, people), operator(stack) as op:
        book(stack, people)
        people.seller_deletes_task()
        stack.settle()
        over = part(op.get("/meetings").text, "over")
        assert "Cancelada Maria Souza" in over
        assert "Cancelada pelo vendedor, na tarefa do Kommo a tarefa da reunião foi apagada" in over
        for receipt in ("Saiu da agenda", "Status gravado no lead", "Tarefa encerrada", "Aviso entregue ao cliente"):
            assert f"{receipt} (feito)" in over


def test_a_meeting_that_kommo_does_not_show_comes_first_with_the_problem() -> None:
    with panel_stack() as (stack, people), operator(stack) as op:
        people.do("/faults", service="kommo", status=400, times=-1, path="/api/v4/tasks")
        book(stack, people)
        unsettled = part(op.get("/meetings").text, "unsettled")
        assert "Maria Souza" in unsettled
        assert "Tarefa ainda não acertada (pendente)" in unsettled
        assert "Está na agenda (feito)" in unsettled
        assert "Último problema: Kommo" in unsettled
        assert "Algo precisa de você" in op.page("/")


def test_a_notice_that_whatsapp_refused_keeps_the_meeting_among_the_unsettled(stack: Stack, op: Operator) -> None:
    async def refuse(session: AsyncSession) -> tuple[int, str]:
        notice = (await session.scalars(select(Message).where(Message.meeting_id.is_not(None)))).one()
        before = str(notice.state)
        notice.state, notice.problem = MessageState.FAILED, "no WhatsApp at this number"
        return notice.id, before

    notice_id, before = in_database(stack, refuse)
    try:
        unsettled = part(op.get("/meetings").text, "unsettled")
        assert "Aviso não entregue ao cliente (falhou)" in unsettled
        maria = op.page(f"/conversations/{customer_id(stack, 'Maria Souza')}")
        assert "✕ não entregue no WhatsApp at this number" in maria
    finally:
        restored = update(Message).where(Message.id == notice_id).values(state=before, problem=None)
        in_database(stack, lambda session: session.execute(restored))


def test_past_meetings_have_pages(stack: Stack, op: Operator) -> None:
    async def fill(session: AsyncSession) -> None:
        first = (await session.scalars(select(Meeting))).one()
        for n in range(30):
            values = {c.name: getattr(first, c.name) for c in Meeting.__table__.columns if c.name != "id"}
            session.add(Meeting(**{**values, "event_id": f"e{n}", "status": "completed"}))

    in_database(stack, fill)
    page = op.get("/meetings").text
    assert part(page, "over").count("Realizada") == 25
    assert part(op.get("/meetings", page=2).text, "over").count("Realizada") == 5
    assert "status=completed&amp;page=2" in op.get("/meetings", status="completed").text


# --- small things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("veja https://a.example/x?y=1&z=2.", ["https://a.example/x?y=1&amp;z=2"]),
        ("(https://a.example) e http://b.example!", ["https://a.example", "http://b.example"]),
        ('https://a.example/"onclick="alert(1)', ["https://a.example/"]),
        ("javascript:alert(1) data:text/html,x //c.example www.d.example", []),
        ("<a href='https://a.example'>x</a>", ["https://a.example"]),
    ],
)
def test_only_web_addresses_become_links_and_everything_is_escaped(text: str, links: list[str]) -> None:
    html = linked(text)
    assert isinstance(html, Markup)
    assert re.findall(r'<a href="([^"]*)" rel="noopener noreferrer nofollow ugc" target="_blank">', html) == links
    assert html.striptags() == " ".join(Markup.escape(text).unescape().split())
    assert re.sub(r"</?a\b[^>]*>", "", html).count("<") == 0


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [("https://a.example", True), ("javascript:alert(1)", False), ("//a.example", False), ("http://[::1", False), (None, False)],
)
def test_only_links_to_the_web_are_offered(url: str | None, is_safe: bool) -> None:
    assert (safe_url(url) is not None) == is_safe


@pytest.mark.parametrize(("minutes", "shown"), [(5, "5 min"), (60, "1 h"), (90, "1 h 30 min"), (360, "6 h")])
def test_lengths_are_written_as_people_say_them(minutes: int, shown: str) -> None:
    assert length_of(minutes) == shown


@pytest.mark.parametrize(
    ("text", "read"), [("7", 7), ("0", 1), ("", 1), (None, 1), ("-3", 1), ("7.5", 1), ("٣", 1), ("2000000", 1)]
)
def test_numbers_in_addresses_are_read_with_care(text: str | None, read: int) -> None:
    assert number(text, 1) == read


def test_paths_after_the_login_are_ours() -> None:
    assert page_of_ours("/conversations/12") == "/conversations/12"
    assert page_of_ours("/conversations/12\n") == "/"
