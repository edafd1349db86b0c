"""WhatsApp through Evolution API 2.3: send, look up what was sent, presence, read marks, media, webhook."""

import base64
import re
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from clients.errors import (
    BusyError,
    LoginRefusedError,
    NotFoundError,
    NotOnWhatsAppError,
    OutcomeUnknownError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from clients.transport import RetryPolicy, Transport, retry_after_s, server_trouble

SERVICE = "WhatsApp"
_DELIVERIES = {"read": {"READ", "PLAYED"}, "delivered": {"DELIVERY_ACK"}, "failed": {"ERROR"}}
# A mobile number that exists with and without the ninth digit. Where the other eight start with 2 to 5, it never did.
_BRAZILIAN_MOBILE = re.compile(r"(55[1-9][1-9])9?([6-9]\d{7})")


@dataclass(frozen=True)
class SentMessage:
    """Handed to WhatsApp (not yet delivered). `jid` is where it really went, which may be another spelling."""

    id: str
    jid: str


class WhatsAppClient:
    """One Evolution instance, i.e. one WhatsApp number."""

    def __init__(self, base_url: str, api_key: str, instance: str, *, retry: RetryPolicy | None = None) -> None:
        self.instance = instance
        self._name = quote(instance, safe="")
        self._http = Transport(SERVICE, base_url, {"apikey": api_key}, error_of=_error_of, timeout_s=20.0, retry=retry)

    async def close(self) -> None:
        await self._http.close()

    async def send_text(self, to: str, text: str, *, delay_ms: int = 0) -> SentMessage:
        """Sends a text.

        Args:
            to: A JID ("…@s.whatsapp.net", "…@lid") or an E.164 phone.
            delay_ms: How long "typing…" is shown before it goes out; the call lasts that much longer.

        Raises:
            NotOnWhatsAppError: The number has no WhatsApp in this spelling.
            OutcomeUnknownError: It may have been sent: look with `find_sent` before sending again.
            UnreachableError: Surely not sent; later it may work.
            RefusedError, LoginRefusedError: Sending again is useless.
            NotFoundError: The server has no such instance.
        """
        wanted: dict[str, Any] = {"number": number_for(to), "text": text}
        if delay_ms:
            wanted["delay"] = delay_ms
        timeout_s = 20 + delay_ms / 1000
        body = await self._call("send text", "POST", "/message/sendText", wanted, timeout_s=timeout_s)
        if body is None:
            raise OutcomeUnknownError(SERVICE, "send text", "a success without a body")
        key = body.get("key") if isinstance(body, dict) else None
        # The Cloud API channel answers 201 with Meta's error and no key.
        if not isinstance(key, dict) or not key.get("id"):
            raise RefusedError(SERVICE, "send text", "accepted without a message id")
        return SentMessage(id=str(key["id"]), jid=str(key.get("remoteJid") or to))

    async def find_sent(
        self,
        jid: str,
        text: str,
        since: datetime,
        until: datetime,
        *,
        known: Collection[str] = (),
        also: Collection[str] = (),
    ) -> SentMessage | None:
        """The message of ours with exactly this text in that chat and span (aware), the oldest one; None if there is none.

        A row exists only once WhatsApp accepted the send. It bears the JID that the message really went to: a LID that the server
        knows the phone of becomes the phone, a Brazilian number may lose or get its ninth digit (both are looked for).

        Args:
            jid: A JID or an E.164 phone, as for `send_text`.
            known: Ids that belong to other messages; they are passed over.
            also: Further addresses of the same person that may have been sent to.
        """
        chats = dict.fromkeys(chat for address in (jid, *also) for chat in _chats(address))
        ours = await self._ours(chats, since, until)
        return next((sent for sent, said in ours if said == text and sent.id not in known), None)

    async def sent_texts(self, jid: str, since: datetime, until: datetime) -> list[str]:
        """The texts we sent to that chat in that span (aware), oldest first."""
        return [said or "" for _, said in await self._ours(_chats(jid), since, until)]

    async def _ours(self, chats: Iterable[str], since: datetime, until: datetime) -> list[tuple[SentMessage, str | None]]:
        """Messages of ours with their texts, oldest first."""
        found: dict[str, tuple[int, SentMessage, str | None]] = {}
        for chat in chats:
            async for record in self._records(chat, since, until):
                key = record.get("key") or {}
                if key.get("fromMe") and key.get("id"):
                    sent = SentMessage(id=str(key["id"]), jid=str(key.get("remoteJid") or chat))
                    found[sent.id] = (int(record.get("messageTimestamp") or 0), sent, _text_of(record))
        # They come newest first and seconds are coarse: of equal ones the last is the oldest.
        rows = list(found.values())[::-1]
        return [(sent, said) for _, sent, said in sorted(rows, key=lambda row: row[0])]

    async def _records(self, chat: str, since: datetime, until: datetime) -> AsyncIterator[dict[str, Any]]:
        where = {
            "key": {"remoteJid": chat, "remoteJidAlt": chat, "fromMe": True},
            "messageTimestamp": {"gte": _iso(since - timedelta(seconds=5)), "lte": _iso(until + timedelta(seconds=5))},
        }
        page = pages = 1
        while page <= pages:
            wanted = {"where": where, "offset": 50, "page": page}
            messages = _part(await self._call("find messages", "POST", "/chat/findMessages", wanted, safe=True), "messages")
            for record in messages.get("records") or []:
                yield record
            pages, page = int(messages.get("pages") or 1), page + 1

    async def delivery_of(self, message_id: str) -> str | None:
        """How far Evolution knows a message of ours to have come: read, delivered, failed, or None when it can't say more
        than that WhatsApp took it.
        """
        rows = await self._call("find status", "POST", "/chat/findStatusMessage", {"where": {"id": message_id}}, safe=True)
        found = {str(row.get("status")) for row in rows or [] if isinstance(row, dict)}
        return next((state for state, marks in _DELIVERIES.items() if found & marks), None)

    async def connection_state(self) -> str:
        """open, connecting or close. "open" can be stale; "close" needs a person with the phone."""
        body = await self._call("read connection", "GET", "/instance/connectionState")
        return str(_part(body, "instance").get("state", "close"))

    async def show_typing(self, to: str, duration_ms: int) -> None:
        """Shows "typing…" for that long. The call lasts as long: run it beside the work."""
        body = {"number": number_for(to), "presence": "composing", "delay": duration_ms}
        await self._call("show typing", "POST", "/chat/sendPresence", body, timeout_s=duration_ms / 1000 + 15)

    async def mark_read(self, jid: str, message_ids: Sequence[str]) -> None:
        """Blue ticks for messages of the customer. Chats known by LID only are skipped by the server in silence."""
        marks = [{"id": message_id, "remoteJid": jid, "fromMe": False} for message_id in message_ids]
        await self._call("mark read", "POST", "/chat/markMessageAsRead", {"readMessages": marks}, safe=True)

    async def numbers(self, phones: Sequence[str]) -> dict[str, str | None]:
        """E.164 phone → the JID WhatsApp knows it by, None when it has no WhatsApp. For a few numbers, never in bulk."""
        digits = {phone.removeprefix("+"): phone for phone in phones}
        items = await self._call("check numbers", "POST", "/chat/whatsappNumbers", {"numbers": list(digits)}, safe=True)
        return {
            digits[str(item["number"])]: str(item["jid"]) if item.get("exists") else None
            for item in items or []
            if str(item.get("number")) in digits
        }

    async def media(self, message_id: str) -> tuple[bytes, str]:
        """The bytes and MIME type of a media message.

        Raises:
            NotFoundError: The server has not stored it (yet), or the media is gone.
        """
        body = {"message": {"key": {"id": message_id}}, "convertToMp4": False}
        try:
            content = await self._call("fetch media", "POST", "/chat/getBase64FromMediaMessage", body, safe=True)
            data = base64.b64decode(content["base64"])
        except RefusedError as error:
            raise NotFoundError(SERVICE, "fetch media", error.detail) from None
        except (LookupError, TypeError, ValueError):
            raise NotFoundError(SERVICE, "fetch media", "a success without media") from None
        return data, str(content.get("mimetype") or "application/octet-stream")

    async def get_webhook(self) -> dict[str, Any] | None:
        """The instance's webhook as stored (url, headers, enabled, events), None when there is none."""
        body = await self._call("read webhook", "GET", "/webhook/find")
        return body if isinstance(body, dict) else None

    async def set_webhook(self, url: str, headers: dict[str, str], events: Sequence[str]) -> None:
        """Sets the instance's one webhook. Safe to repeat."""
        setting = {"enabled": True, "url": url, "byEvents": False, "base64": False, "headers": headers, "events": list(events)}
        await self._call("set webhook", "POST", "/webhook/set", {"webhook": setting}, safe=True)

    async def _call(
        self,
        operation: str,
        method: str,
        route: str,
        body: Any = None,
        *,
        safe: bool | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        return await self._http.call(
            operation,
            method,
            f"{route}/{self._name}",
            template=f"{route}/{{instance}}",
            json=body,
            safe=safe,
            timeout_s=timeout_s,
        )


def number_for(to: str) -> str:
    """What Evolution wants in `number`: bare digits for phones (formatted ones miss its ninth-digit rule), LIDs whole."""
    return to.removesuffix("@s.whatsapp.net").removeprefix("+")


def _chats(address: str) -> list[str]:
    """The JIDs under which a message sent to this address may be stored."""
    if "@" in address and not address.endswith("@s.whatsapp.net"):
        return [address]
    digits = number_for(address)
    mobile = _BRAZILIAN_MOBILE.fullmatch(digits)
    spelled = [digits, f"{mobile[1]}9{mobile[2]}", f"{mobile[1]}{mobile[2]}"] if mobile else [digits]
    return [f"{number}@s.whatsapp.net" for number in dict.fromkeys(spelled)]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _part(body: Any, name: str) -> dict[str, Any]:
    part = body.get(name) if isinstance(body, dict) else None
    return part if isinstance(part, dict) else {}


def _text_of(record: dict[str, Any]) -> str | None:
    message = record.get("message") or {}
    text = message.get("conversation") or (message.get("extendedTextMessage") or {}).get("text")
    return str(text) if text is not None else None


def _error_of(answer: httpx.Response, operation: str, is_safe: bool) -> ServiceError:
    status = answer.status_code
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("code") == "LICENSE_REQUIRED":
        return LoginRefusedError(SERVICE, operation, "the Evolution server is not activated (LICENSE_REQUIRED)")
    if status in (401, 403):
        return LoginRefusedError(SERVICE, operation, f"status {status}")
    if status == 404:
        return NotFoundError(SERVICE, operation, "status 404: is EVOLUTION_INSTANCE right?")
    if status == 429:
        return BusyError(SERVICE, operation, "status 429", retry_after_s(answer.headers.get("retry-after")))
    reasons = _reasons(body)
    if "Connection Closed" in str(reasons):
        return UnreachableError(SERVICE, operation, "the WhatsApp session is not connected")
    if status >= 500 or status == 408:
        return server_trouble(SERVICE, operation, status, is_safe)
    if any(isinstance(r, dict) and r.get("exists") is False for r in reasons):
        return NotOnWhatsAppError(SERVICE, operation, "no WhatsApp at this number")
    if any(isinstance(r, list) for r in reasons) or "Text is required" in reasons:
        return RefusedError(SERVICE, operation, f"status {status}, malformed request")
    if status == 400 and not is_safe:
        # Everything that breaks after the send is answered 400 as well: only a look can tell.
        return OutcomeUnknownError(SERVICE, operation, "status 400")
    if "Timed Out" in str(reasons):
        return UnreachableError(SERVICE, operation, "WhatsApp did not answer in time")
    return RefusedError(SERVICE, operation, f"status {status}")


def _reasons(body: Any) -> list[Any]:
    """The error's reasons, whichever of Evolution's shapes it came in."""
    if not isinstance(body, dict):
        return []
    if body.get("isBoom"):
        return ["Connection Closed"] if (body.get("output") or {}).get("statusCode") == 428 else [body.get("message")]
    response = body.get("response")
    message = response.get("message") if isinstance(response, dict) else body.get("message")
    return message if isinstance(message, list) else [message]
