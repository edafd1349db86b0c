"""What the tests of the panel stand on: a served stack with a panel, scripted conversations on it, and an operator's client."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cli.people import People
from cli.scenario import Given, staged
from cli.stack import Stack
from cli.wiring import Service
from meetings.tables import Customer

ROOT = Path(__file__).parents[2]
PASSWORD = "uma senha bem comprida"
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)  # nine in the morning, a Monday in São Paulo
HELLO = "Oi, Maria! Aqui é a Clara, assistente virtual da Sol Claro Energia. Qual é o valor médio da sua conta de luz?"
TIMES = (
    "Tenho estes horários: 1) segunda-feira, 9 de março, 13:00; 2) segunda-feira, 9 de março, 14:00; "
    "3) terça-feira, 10 de março, 09:00; 4) terça-feira, 10 de março, 10:00. Qual prefere?"
)


@contextmanager
def panel_stack(**settings: Any) -> Iterator[tuple[Stack, People]]:
    """A sandbox and a service with the panel on, at `NOW`; the model says what the test has it say."""
    given = Given(now=NOW, settings={"PANEL_PASSWORD": PASSWORD, **settings})
    with staged(given, ROOT / "business.toml") as (stack, people):
        people.do("/model/mind", mind="script")
        yield stack, people


def talk(stack: Stack, people: People, text: str | None, *model: dict[str, Any], **fields: Any) -> None:
    """The customer writes, and everything comes to rest; the model's script must be used up."""
    people.do("/model/script", steps=list(model))
    if text is not None:
        people.customer_says(text, **fields)
    stack.settle()
    state = people.state()["openai"]
    assert (state["unexpected"], state["remaining"]) == ([], [])


def say(text: str) -> dict[str, Any]:
    return {"say": text}


def book(stack: Stack, people: People, option: int = 3) -> None:
    """From the first word to a meeting that stands on calendar and lead."""
    talk(stack, people, "Oi, quero saber de energia solar", say(HELLO))
    record = "record_qualification"
    talk(
        stack,
        people,
        "Minha conta é de 800 reais, é uma casa e sou o dono. Quero marcar a visita",
        {
            "calls": [
                {record: {"criterion": "bill", "value": "800", "quote": "800 reais"}},
                {record: {"criterion": "property", "value": "casa", "quote": "é uma casa"}},
                {record: {"criterion": "owner", "value": "sim", "quote": "sou o dono"}},
            ]
        },
        {"call": {"check_availability": {}}},
        say(TIMES),
    )
    talk(stack, people, f"Pode ser a {option}", {"call": {"create_meeting": {"option": option}}}, say("Combinado!"))


class Operator:
    """A browser without a screen: keeps cookies, reads the form's token, follows nothing by itself."""

    def __init__(self, url: str, *, address: str = "") -> None:
        transport = httpx.HTTPTransport(local_address=address) if address else None
        self.http = httpx.Client(base_url=f"{url}/panel", trust_env=False, timeout=30, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.http.close()

    def log_in(self, password: str = PASSWORD, **fields: str) -> httpx.Response:
        return self.http.post("/login", data={"password": password, **fields})

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.http.get(path, params=query or None)

    def page(self, path: str, **query: str | int) -> str:
        """The words of a page, without markup."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return words_of(answer.text)

    def token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.get("/conversations").text)
        assert found is not None, "the page has no form"
        return found[1]

    def post(self, path: str, **headers: str) -> httpx.Response:
        return self.http.post(path, data={"form_token": self.token()}, headers=headers)


@contextmanager
def operator(stack: Stack) -> Iterator[Operator]:
    """Somebody who has logged in."""
    with Operator(stack.url) as someone:
        assert someone.log_in().status_code == 303
        yield someone


def words_of(html: str) -> str:
    """What a person reads: text between tags, blanks as one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def in_database(stack: Stack, act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """What `act` returns, in a transaction of the running service."""

    async def inside(service: Service) -> Any:
        async with service.db.transaction() as session:
            return await act(session)

    return stack.call(inside)


def customer_named(stack: Stack, name: str = "Maria Souza") -> Customer:
    async def find(session: AsyncSession) -> Customer:
        return (await session.scalars(select(Customer).where(Customer.name == name))).one()

    found: Customer = in_database(stack, find)
    return found
