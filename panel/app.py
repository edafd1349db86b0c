"""The operator's page, served below /panel: who is talking with whom, what was agreed, and whether anything is wrong.

Nothing is shown to anybody who has not logged in, whatever the address; nothing is changed by a form that is not ours.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from meetings import breaker
from meetings.business import Business
from meetings.customers import HeldByTagError, pause, resume
from meetings.database import Database
from meetings.tables import Customer, MeetingStatus
from panel.agenda import see_agenda
from panel.conversation import see_conversation
from panel.customers import list_customers
from panel.forms import UnreadableFormError, is_from_our_pages, number, page_of_ours, read_form
from panel.login import SESSION_H, Guesses, Logouts, Session, Sessions
from panel.overview import COST_DAYS, Connection, see_overview
from panel.pages import STATIC, Pages

log = structlog.get_logger("panel")
AT = "/panel"
COOKIE = "marcado_panel"
_MOST_ID = 2**31 - 1
_HEADERS = {
    # No script at all, nothing from elsewhere, nobody may frame us. `referrer-policy`: with no-referrer browsers would not say
    # on which site a form stood.
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}
_DONE = ("resumed", "resumed_answers", "paused", "held_by_tag")
_SHOWN_UNASKED = ("/login", "/static/")  # the only paths that need no session

CustomerId = Annotated[int, Path(ge=1, le=_MOST_ID)]


@dataclass(frozen=True)
class PanelServices:
    """What the panel works with.

    Attributes:
        locale: The operator's language.
        pause_min: Minutes of a pause begun here.
        answer_within: How long an answer may take when all is well.
        lead_url: The page of a lead in Kommo.
        wake: Called when something became due.
        since_tick_s: Real seconds since the dispatcher last looked.
        late_s: After so many it hangs.
        public_url: The address browsers use, when it is known.
    """

    db: Database
    business: Business
    locale: str
    now: Callable[[], datetime]
    sessions: Sessions
    connection: Connection
    pause_min: int
    answer_within: timedelta
    lead_url: Callable[[int], str]
    wake: Callable[[], None]
    since_tick_s: Callable[[], float]
    late_s: float
    public_url: str | None


def mount_panel(app: FastAPI, services: PanelServices) -> None:
    """Serves the panel below `AT`."""

    @app.get(AT, include_in_schema=False)
    async def without_slash() -> Response:
        # By a path alone: the framework's own redirect names a scheme and a host, which a proxy may have changed.
        return _see("/")

    app.mount(AT, _make(services))


def _make(services: PanelServices) -> FastAPI:
    app = FastAPI(title="Marcado", docs_url=None, redoc_url=None, openapi_url=None)
    panel = _Panel(services)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await panel.guarded(request, go_on)
        answer.headers.update(_HEADERS)
        is_file = answer.status_code == 200 and _path(request).startswith("/static/")
        answer.headers["cache-control"] = "public, max-age=86400" if is_file else "no-store"
        return answer

    app.add_exception_handler(HTTPException, panel.not_found)
    app.add_exception_handler(RequestValidationError, panel.not_found)
    app.add_api_route("/login", panel.login_page, methods=["GET"])
    app.add_api_route("/login", panel.log_in, methods=["POST"])
    app.add_api_route("/logout", panel.log_out, methods=["POST"])
    app.add_api_route("/", panel.overview, methods=["GET"])
    app.add_api_route("/proactive/resume", panel.resume_proactive, methods=["POST"])
    app.add_api_route("/proactive/stop", panel.stop_proactive, methods=["POST"])
    app.add_api_route("/conversations", panel.conversations, methods=["GET"])
    app.add_api_route("/conversations/{customer_id}", panel.conversation, methods=["GET"])
    app.add_api_route("/conversations/{customer_id}/resume", panel.resume_agent, methods=["POST"])
    app.add_api_route("/conversations/{customer_id}/pause", panel.pause_agent, methods=["POST"])
    app.add_api_route("/meetings", panel.meetings, methods=["GET"])
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


class _Panel:
    """The routes. Each reads in one look at the database and renders."""

    def __init__(self, services: PanelServices) -> None:
        self.s = services
        self.pages = Pages(services.business, services.locale)
        self.guesses = Guesses(services.now)
        self.logouts = Logouts(services.db, services.now)
        self.sellers = {seller.kommo_user_id: seller.name for seller in services.business.sellers}
        self.is_https = (services.public_url or "").startswith("https://")

    # Before and around every route

    async def guarded(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Lets through who is logged in, forms that are ours, and the few paths that everybody may see."""
        session = request.state.session = None
        try:
            session = request.state.session = await self._session(request)
            if request.method not in ("GET", "HEAD") and not is_from_our_pages(request, self.s.public_url):
                return self._error(session, "error_foreign_form", 403)
            if session is None and not _path(request).startswith(_SHOWN_UNASKED):
                return self._to_login(request)
            if session is not None and request.method == "POST" and _path(request) != "/login":
                given = (await read_form(request)).get("form_token", "")
                if not hmac.compare_digest(given.encode(), session.form_token.encode()):
                    return self._error(session, "error_foreign_form", 403)
            return await go_on(request)
        except UnreadableFormError:
            return self._error(session, "error_foreign_form", 400)
        except Exception as error:
            # Logged by kind: a traceback could hold customers' words.
            log.error("page failed", method=request.method, problem=type(error).__name__)
            return self._error(session, "error_broken", 500)

    async def _session(self, request: Request) -> Session | None:
        """Whose request it is; None when nobody's. Files are anybody's: they cost no look at the database."""
        session = self.s.sessions.read(request.cookies.get(COOKIE))
        if session is None or _path(request).startswith("/static/"):
            return session
        return None if await self.logouts.has(session) else session

    async def not_found(self, request: Request, error: Exception) -> Response:
        """For whatever is not there, or not there in that way."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._error(request.state.session, "error_not_found", status)

    # Login

    async def login_page(self, request: Request) -> Response:
        if request.state.session is not None:
            return _see(page_of_ours(request.query_params.get("next")))
        note = {"bye": "login_bye", "again": "login_again"}.get(request.query_params.get("note", ""))
        return self._login(page_of_ours(request.query_params.get("next")), note=self.pages.words.text(note) if note else None)

    async def log_in(self, request: Request) -> Response:
        form = await read_form(request)
        wanted = page_of_ours(form.get("next"))
        address = request.client.host if request.client else ""
        wait_min = self.guesses.wait_min(address)
        if wait_min:
            log.warning("login refused: too many tries")
            answer = self._login(wanted, 429, self.pages.words.text("login_wait", count=wait_min))
            answer.headers["retry-after"] = str(wait_min * 60)
            return answer
        if not self.s.sessions.knows(form.get("password", "")):
            self.guesses.was_wrong(address)
            log.warning("login refused: wrong password")
            return self._login(wanted, 401, self.pages.words.text("login_wrong"))
        self.guesses.was_right(address)
        answer = _see(wanted)
        answer.set_cookie(
            COOKIE,
            self.s.sessions.begin(),
            max_age=SESSION_H * 3600,
            path=AT,
            secure=self.is_https,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def log_out(self, request: Request) -> Response:
        await self.logouts.note(request.state.session)
        answer = _see("/login?note=bye")
        answer.delete_cookie(COOKIE, path=AT, secure=self.is_https, httponly=True, samesite="strict")
        return answer

    # What is seen

    async def overview(self, request: Request) -> Response:
        connection = await self.s.connection.state()
        now = self.s.now()
        async with self.s.db.reading() as session:
            seen = await see_overview(
                session,
                self.s.business,
                now,
                since_tick_s=self.s.since_tick_s(),
                late_s=self.s.late_s,
                connection=connection,
                answer_within=self.s.answer_within,
            )
        return self._page(request, "overview", "overview.html", seen=seen, now=now, cost_days=COST_DAYS)

    async def conversations(self, request: Request) -> Response:
        search, now = request.query_params.get("q", "").strip()[:80], self.s.now()
        async with self.s.db.reading() as session:
            page = await list_customers(session, self.s.business, now, search, number(request.query_params.get("page"), 1))
        address = f"{AT}/conversations?" + (urlencode({"q": search}) + "&" if search else "")
        return self._page(request, "conversations", "conversations.html", page=page, search=search, now=now, address=address)

    async def conversation(self, request: Request, customer_id: CustomerId) -> Response:
        now = self.s.now()
        before = number(request.query_params.get("before"), 0, _MOST_ID)
        async with self.s.db.reading() as session:
            seen = await see_conversation(
                session,
                self.s.business,
                now,
                customer_id,
                older_than=before or None,
                locale=self.s.locale,
                lead_url=self.s.lead_url,
            )
        if seen is None:
            raise HTTPException(404)
        lead_id, done = seen.person.customer.kommo_lead_id, request.query_params.get("done")
        return self._page(
            request,
            "conversations",
            "conversation.html",
            seen=seen,
            now=now,
            done=self.pages.words.text(f"done_{done}") if done in _DONE else None,
            lead_url=self.s.lead_url(lead_id) if lead_id else None,
            pause_tag=self.s.business.kommo.pause_tag,
            pause_min=self.s.pause_min,
            sellers=self.sellers,
        )

    async def meetings(self, request: Request) -> Response:
        now, chosen = self.s.now(), request.query_params.get("status", "")
        status = MeetingStatus(chosen) if chosen in list(MeetingStatus) else None
        async with self.s.db.reading() as session:
            agenda = await see_agenda(session, now, status, number(request.query_params.get("page"), 1), self.s.lead_url)
        return self._page(
            request,
            "meetings",
            "meetings.html",
            agenda=agenda,
            now=now,
            statuses=[str(s) for s in MeetingStatus],
            chosen=str(status) if status else "",
            sellers=self.sellers,
            address=f"{AT}/meetings?" + (urlencode({"status": status}) + "&" if status else ""),
        )

    # What is done

    async def resume_agent(self, customer_id: CustomerId) -> Response:
        try:
            async with self.s.db.transaction() as session:
                count = await resume(session, await _customer(session, customer_id), self.s.now())
        except HeldByTagError:
            return _see(f"/conversations/{customer_id}?done=held_by_tag")
        log.info("agent resumed", customer=customer_id, to_answer=count)
        self.s.wake()
        return _see(f"/conversations/{customer_id}?done={'resumed_answers' if count else 'resumed'}")

    async def pause_agent(self, customer_id: CustomerId) -> Response:
        async with self.s.db.transaction() as session:
            pause(await _customer(session, customer_id), self.s.now() + timedelta(minutes=self.s.pause_min))
        log.info("agent paused", customer=customer_id)
        return _see(f"/conversations/{customer_id}?done=paused")

    async def resume_proactive(self) -> Response:
        async with self.s.db.transaction() as session:
            await breaker.resume(session, self.s.now())
        log.info("messages unasked resumed")
        self.s.wake()
        return _see("/")

    async def stop_proactive(self) -> Response:
        async with self.s.db.transaction() as session:
            await breaker.stop(session, self.s.now())
        log.info("messages unasked stopped")
        return _see("/")

    # Answers

    def _page(self, request: Request, here: str, template: str, **values: object) -> Response:
        return HTMLResponse(self.pages.render(template, here=here, session=request.state.session, **values))

    def _login(self, wanted: str, status: int = 200, problem: str | None = None, *, note: str | None = None) -> Response:
        return HTMLResponse(self.pages.render("login.html", next=wanted, problem=problem, note=note), status)

    def _error(self, session: Session | None, what: str, status: int) -> Response:
        page = self.pages.render("error.html", here="", session=session, problem=self.pages.words.text(what))
        return HTMLResponse(page, status)

    def _to_login(self, request: Request) -> Response:
        wanted = page_of_ours(_path(request))
        query = {**({"next": wanted} if wanted != "/" else {}), **({"note": "again"} if COOKIE in request.cookies else {})}
        return _see("/login" + (f"?{urlencode(query)}" if query else ""))


async def _customer(session: AsyncSession, customer_id: int) -> Customer:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise HTTPException(404)
    return customer


def _see(path: str) -> Response:
    """Another page of the panel, fetched anew."""
    return RedirectResponse(AT + path, 303)


def _path(request: Request) -> str:
    """The path below the place where the panel is mounted."""
    return str(request.scope["path"]).removeprefix(str(request.scope.get("root_path", "")))
