"""The panel in a real browser: Chromium against a running service, with a conversation that really took place on the sandbox."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cli.people import People
from cli.stack import Stack
from tests.panel.panel_scene import PASSWORD, book, customer_named, panel_stack, say, talk

pytestmark = pytest.mark.browser
SCRIPT = "<script>window.broken = true; alert(1)</script><img src=x onerror='window.broken = true'>"
DESK, PHONE, SMALL_PHONE = (1280, 800), (390, 844), (320, 640)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", mac)
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("There is no Chromium or Chrome on this machine. On Debian: apt-get install -y chromium", pytrace=False)
    with sync_playwright() as playwright:
        # The sandbox of the browser does not work for root, which CI is; it sees our own pages only.
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[Stack, People]]:
    """Maria booked, then a seller wrote to her and she asked something; João sent a script and waits for a person."""
    with panel_stack() as (stack, people):
        book(stack, people)
        joao = {"phone": "5521998765432", "name": "João <b>Pereira</b>"}
        hand_off = {"call": {"hand_off_to_seller": {"reason": "pediu uma pessoa"}}}
        talk(stack, people, "Quero uma pessoa", hand_off, say("Claro! Um vendedor da nossa equipe vai continuar."), **joao)
        talk(stack, people, f"vejam https://example.com/?a=1&b=2 {SCRIPT}", **joao)
        people.seller_types("Oi Maria, aqui é a Ana. O medidor eu levo!")
        stack.settle()
        talk(stack, people, "Que bom! Preciso separar a última conta?")
        yield stack, people


class Window:
    """A page, and what went wrong on it: dialogs, console messages, requests to anywhere else."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._request)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}/panel{path}")

    def log_in(self) -> None:
        self.open("/")
        self.page.get_by_label("Senha").fill(PASSWORD)
        self.page.get_by_role("button", name="Entrar").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Visão geral")

    def _console(self, message: Any) -> None:
        if not message.text.startswith("Autofocus processing was blocked"):  # whoever is fast has clicked into the field before
            self.complaints.append(f"console: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith(f"{self.url}/panel"):
            self.complaints.append(f"request: {request.url}")


def context(browser: Browser, size: tuple[int, int] = DESK, scheme: Any = "light") -> BrowserContext:
    return browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="pt-BR")


@pytest.fixture
def window(browser: Browser, scene: tuple[Stack, People]) -> Iterator[Window]:
    """A fresh browser window; nothing may have gone wrong in it by the end."""
    opened = context(browser)
    window = Window(opened.new_page(), scene[0].url)
    yield window
    opened.close()
    assert window.complaints == []


def every_page(stack: Stack) -> list[str]:
    ids = [customer_named(stack, name).id for name in ("Maria Souza", "João b Pereira /b")]
    return ["/", "/conversations", "/conversations?q=ninguém", *(f"/conversations/{id_}" for id_ in ids), "/meetings", "/nothing"]


# --- what an operator does --------------------------------------------------------------------------------------------


def test_the_operator_reads_a_conversation_and_resumes_the_agent_who_then_answers(
    window: Window, scene: tuple[Stack, People]
) -> None:
    (stack, people), page = scene, window.page
    window.log_in()
    page.get_by_role("link", name="Conversas").click()
    page.get_by_role("searchbox", name="Nome ou telefone").fill("maria")
    page.keyboard.press("Enter")
    row = page.get_by_role("listitem").filter(has_text="Maria Souza")
    expect(row).to_contain_text("um vendedor escreveu")
    expect(row).to_contain_text("1 sem resposta")
    page.get_by_role("link", name="Maria Souza").click()
    expect(page.get_by_text("Oi Maria, aqui é a Ana. O medidor eu levo!")).to_be_visible()
    expect(page.get_by_text("está em silêncio até")).to_be_visible()
    expect(page.get_by_text("1 mensagem do cliente está sem resposta")).to_be_visible()
    receipts = page.get_by_role("list", name="Confirmações").get_by_role("listitem")
    expect(receipts).to_contain_text(
        ["Está na agenda", "Link e status conferidos no lead", "Tarefa no lead", "Aviso entregue ao cliente"]
    )
    page.get_by_text("Histórico").click()
    expect(page.get_by_text("Marcada pelo cliente, na conversa")).to_be_visible()

    people.do("/model/script", steps=[say("Precisa sim, Maria: a mais recente.")])
    page.get_by_role("button", name="Retomar o agente").click()
    expect(page.get_by_role("status")).to_have_text("Agente retomado. Ele responde agora ao que estava sem resposta.")
    expect(page.get_by_text("Clara responde a este cliente.")).to_be_visible()
    stack.settle()
    page.reload()
    expect(page.get_by_text("Precisa sim, Maria: a mais recente.")).to_be_visible()
    assert people.told()[-1] == "Precisa sim, Maria: a mais recente."

    page.get_by_role("button", name="Pausar por 6 h").click()
    expect(page.get_by_role("status")).to_have_text("Agente em pausa.")
    expect(page.get_by_text("porque alguém fez uma pausa no painel")).to_be_visible()


def test_a_wrong_password_is_said_and_the_right_one_leads_to_the_wanted_page(window: Window, scene: tuple[Stack, People]) -> None:
    page = window.page
    window.open("/meetings")
    page.get_by_label("Senha").fill("não é esta")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("A senha não confere.")
    assert window.complaints[0].startswith("console: Failed to load resource: the server responded with a status of 401")
    window.complaints.clear()
    page.get_by_label("Senha").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reuniões")


def test_after_logging_out_nothing_is_left_in_the_browser(window: Window) -> None:
    page = window.page
    window.log_in()
    window.open("/conversations")
    expect(page.get_by_text("Maria Souza")).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sair").click()
    expect(page.get_by_role("status")).to_have_text("Você saiu do painel.")
    page.go_back()
    expect(page.get_by_text("Maria Souza")).to_have_count(0)
    assert page.context.cookies() == []


def test_what_a_customer_sends_is_never_run(window: Window, scene: tuple[Stack, People]) -> None:
    page = window.page
    window.log_in()
    for path in every_page(scene[0])[:-1]:
        window.open(path)
        assert page.evaluate("[document.scripts.length, window.broken === undefined]") == [0, True], path
    window.open(f"/conversations/{customer_named(scene[0], 'João b Pereira /b').id}")
    expect(page.get_by_text("<script>window.broken = true; alert(1)</script>")).to_be_visible()
    link = page.get_by_role("link", name="https://example.com/?a=1&b=2")
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("https://example.com/?a=1&b=2", "_blank")
    assert set((link.get_attribute("rel") or "").split()) >= {"noopener", "noreferrer", "nofollow"}


# --- how it looks and reads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_is_accessible(browser: Browser, scene: tuple[Stack, People], size: tuple[int, int], scheme: str) -> None:
    stack, axe = scene[0], Axe()
    with context(browser, size, scheme) as opened:
        window = Window(opened.new_page(), stack.url)
        window.open("/login")
        found = {"/login": [violation["id"] for violation in axe.run(window.page).response["violations"]]}
        window.log_in()
        for path in every_page(stack):
            window.open(path)
            window.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            found[path] = [violation["id"] for violation in axe.run(window.page).response["violations"]]
    assert {path: ids for path, ids in found.items() if ids} == {}


@pytest.mark.parametrize("size", [DESK, PHONE, SMALL_PHONE], ids=["desk", "phone", "small phone"])
def test_no_page_is_wider_than_the_screen(browser: Browser, scene: tuple[Stack, People], size: tuple[int, int]) -> None:
    with context(browser, size) as opened:
        window = Window(opened.new_page(), scene[0].url)
        window.log_in()
        for path in every_page(scene[0]):
            window.open(path)
            window.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            assert window.page.evaluate("document.documentElement.scrollWidth") <= size[0], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_device(browser: Browser, scene: tuple[Stack, People], scheme: str) -> None:
    with context(browser, scheme=scheme) as opened:
        window = Window(opened.new_page(), scene[0].url)
        window.open("/login")
        ground = window.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(","))
        assert (brightness > 600) == (scheme == "light")


def test_the_keyboard_alone_is_enough(window: Window) -> None:
    page = window.page
    window.log_in()
    window.open("/conversations")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ir para o conteúdo")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("/panel/conversations/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Conversa", exact=True)).to_be_visible()
