"""What every part of the imitated server shares: state, ids, the clock, and the posting of webhooks."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.delivery import RetryRule
from sandbox.evolution.numbers import default_jid, lid_of, person_key
from sandbox.evolution.state import Ids, Instance, Known, Person, State
from sandbox.world import World

PICTURE = "https://pps.whatsapp.net/v/example.jpg"
# Evolution's own defaults: 10 attempts, doubling from 5 s up to 300 s, give or take a fifth.
RETRY_WAITS_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0)
NOT_REPEATED = frozenset({400, 401, 403, 404, 422})
_KNOWN_FOR = timedelta(days=7)


@dataclass
class Config:
    """What a seed can set and a call cannot change.

    Attributes:
        api_key: The server's global key.
        instance: Name of the instance that controls act on unless told otherwise.
        own_number: The telephone an instance gets when it is paired.
        profile_name: The name of that account.
        timezone: The server's local time, which it writes into `date_time`.
        server_url: SERVER_URL of the server; None takes the address the sandbox is served on.
        version: What GET / says.
        real_delays: Wait as long as the real server does; otherwise at most `MAX_WAIT_S`.
        retry_waits_s: Seconds before the second, third, … attempt of a webhook.
        retry_jitter: By which share a wait varies.
        webhook_timeout_s: How long a webhook waits for its answer.
        expose_token: Whether webhooks carry the instance token as `apikey` (they do unless an operator said no).
    """

    api_key: str = "sandbox-evolution-key"
    instance: str = "marcado"
    own_number: str = "5511900000001"
    profile_name: str = "Sol Claro Energia"
    timezone: str = "America/Sao_Paulo"
    server_url: str | None = None
    version: str = "2.3.7"
    real_delays: bool = False
    retry_waits_s: tuple[float, ...] = RETRY_WAITS_S
    retry_jitter: float = 0.2
    webhook_timeout_s: float = 30.0
    expose_token: bool = True


MAX_WAIT_S = 0.05


class Core:
    """The server behind all routes and controls.

    Attributes:
        state: Replaced as a whole when a swallowed call is undone: read it anew after every await.
    """

    name = "evolution"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: State = State()
        self.config = Config()
        self.ids = Ids()

    @property
    def server_url(self) -> str:
        return self.config.server_url or self.world.base_urls.get(self.name, "http://localhost:8080")

    def now(self) -> datetime:
        return self.world.clock.now()

    def timestamp(self) -> int:
        return self.world.clock.timestamp()

    def local_time(self) -> str:
        """Local time written as if it were UTC: Evolution's own mistake, which receivers have to live with."""
        return iso(self.now().astimezone(ZoneInfo(self.config.timezone)))

    def wait_s(self, milliseconds: float) -> float:
        seconds = max(0.0, milliseconds / 1000)
        return seconds if self.config.real_delays else min(seconds, MAX_WAIT_S)

    def instance(self, name: str | None = None) -> Instance:
        """An instance by name, the scene's own when None. Raises ValueError for an unknown name (controls only)."""
        name = name or self.config.instance
        if name not in self.state.instances:
            raise ValueError(f"instance is {name!r}, which does not exist; there are {', '.join(self.state.instances)}")
        return self.state.instances[name]

    # --- people -------------------------------------------------------------------------------------------------------

    def person(self, phone: str) -> Person:
        """Who has this telephone; made up on first mention. Raises ValueError when it is no telephone number."""
        key = person_key(phone)
        if key not in self.state.people:
            self.state.people[key] = Person(key, lid_of(key), default_jid(key))
        return self.state.people[key]

    def person_with_lid(self, lid: str) -> Person | None:
        return next((person for person in self.state.people.values() if person.lid == lid), None)

    def known(self, inst: Instance, jid: str) -> Known | None:
        """What the server remembers of a phone JID or LID from the last seven days, whichever spelling it was."""
        key = inst.lids_known.get(jid) if jid.endswith("@lid") else _key_or_none(jid)
        known = inst.numbers_known.get(key) if key else None
        return known if known and self.now() - known.at < _KNOWN_FOR else None

    # --- webhooks -----------------------------------------------------------------------------------------------------

    def emit(self, inst: Instance, event: str, data: Any, *, first: dict[str, Any] | None = None) -> None:
        """Post one event to the instance's webhook, if it is subscribed to it.

        Args:
            inst: Whose event.
            event: Evolution's dotted name, e.g. "messages.upsert".
            data: The event's own part.
            first: Fields that stand before the envelope's own (messages.set has two).
        """
        hook = inst.webhook
        name = event.replace(".", "_").replace("-", "_").upper()
        if not hook or not hook["enabled"] or name not in hook["events"] or not hook["url"].startswith("http"):
            return
        body = {**(first or {}), "event": event, "instance": inst.name, "data": data, "destination": hook["url"]}
        body["date_time"] = self.local_time()
        if inst.own_jid:
            body["sender"] = inst.own_jid
        body["server_url"] = self.server_url
        body["apikey"] = inst.token if self.config.expose_token else None
        url = f"{hook['url']}/{name.replace('_', '-').lower()}" if hook["webhookByEvents"] else hook["url"]
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.world.deliveries.send(self.name, event, url, raw, self._headers(hook), self._retry_rule())

    def _headers(self, hook: dict[str, Any]) -> dict[str, str]:
        own = {str(k): str(v) for k, v in (hook["headers"] or {}).items()}
        if "jwt_key" in own:
            own["Authorization"] = f"Bearer {self._jwt(own.pop('jwt_key'))}"
        return {
            "accept": "application/json, text/plain, */*",
            "content-type": "application/json",
            "user-agent": "axios/1.12.2",
            **own,
        }

    def _jwt(self, key: str) -> str:
        """Signed once per event, before the retries: a late retry carries an expired token."""
        claims = {"iat": self.timestamp(), "exp": self.timestamp() + 600, "app": "evolution", "action": "webhook"}
        head = {"alg": "HS256", "typ": "JWT"}
        signed = ".".join(_unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        return f"{signed}.{_unpadded(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"

    def _retry_rule(self) -> RetryRule:
        waits = self.config.retry_waits_s
        jittered = [max(waits[0], wait * self.ids.jitter(self.config.retry_jitter)) for wait in waits]
        return RetryRule(
            timeout_s=self.config.webhook_timeout_s,
            waits_s=jittered,
            accepted=lambda status: 200 <= status < 300,
            gives_up=lambda _attempts, status: status in NOT_REPEATED,
        )


def iso(moment: datetime) -> str:
    """Milliseconds and a Z, whatever the moment's offset."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _key_or_none(jid: str) -> str | None:
    try:
        return person_key(jid)
    except ValueError:
        return None
