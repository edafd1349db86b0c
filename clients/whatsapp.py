"""WhatsApp through Evolution API 2.3: send, look up what was sent, presence, read marks, media, webhook."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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

    async def send_text(self, to: str, text: str) -> SentMessage:
        """Sends a text.

        Args:
            to: A JID ("…@s.whatsapp.net", "…@lid") or an E.164 phone.

        Raises:
            NotOnWhatsAppError: The number has no WhatsApp in this spelling.
            OutcomeUnknownError: It may have been sent: look with `find_sent` before sending again.
            UnreachableError: Surely not sent; later it may work.
            RefusedError, LoginRefusedError: Sending again is useless.
        """
        answer = await self._call("send text", "POST", "/message/sendText", {"number": number_for(to), "text": text})
        body = answer.json()
        key = body.get("key") if isinstance(body, dict) else None
        # The Cloud API channel answers 201 with Meta's error and no key.
        if not isinstance(key, dict) or not key.get("id"):
            raise RefusedError(SERVICE, "send text", "accepted without a message id")
        return SentMessage(id=str(key["id"]), jid=str(key.get("remoteJid") or to))

    async def find_sent(
        self, jid: str, text: str, since: datetime, until: datetime, *, known: Collection[str] = ()
    ) -> SentMessage | None:
        """The message of ours with exactly this text in that chat and span (aware), the oldest one; None if there is none.

        A row exists only once WhatsApp accepted the send. Ids in `known` belong to other messages and are passed over.
        """
        where = {
            "key": {"remoteJid": jid, "remoteJidAlt": jid, "fromMe": True},
            "messageTimestamp": {"gte": _iso(since - timedelta(seconds=5)), "lte": _iso(until + timedelta(seconds=5))},
        }
        found: SentMessage | None = None
        page = 1
        while True:
            answer = await self._call(
                "find messages", "POST", "/chat/findMessages", {"where": where, "offset": 50, "page": page}, safe=True
            )
            messages = answer.json().get("messages") or {}
            for record in messages.get("records") or []:
                key = record.get("key", {})
                if key.get("fromMe") and _text_of(record) == text and key.get("id") not in known:
                    found = SentMessage(id=str(key["id"]), jid=str(key.get("remoteJid") or jid))
            if page >= int(messages.get("pages") or 1):
                return found
            page += 1

    async def connection_state(self) -> str:
        """open, connecting or close. "open" can be stale; "close" needs a person with the phone."""
        answer = await self._call("read connection", "GET", "/instance/connectionState")
        return str(answer.json().get("instance", {}).get("state", "close"))

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
        answer = await self._call("check numbers", "POST", "/chat/whatsappNumbers", {"numbers": list(digits)}, safe=True)
        return {
            digits[str(item["number"])]: str(item["jid"]) if item.get("exists") else None
            for item in answer.json()
            if str(item.get("number")) in digits
        }

    async def media(self, message_id: str) -> tuple[bytes, str]:
        """The bytes and MIME type of a media message.

        Raises:
            NotFoundError: The server has not stored it (yet), or the media is gone.
        """
        body = {"message": {"key": {"id": message_id}}, "convertToMp4": False}
        try:
            answer = await self._call("fetch media", "POST", "/chat/getBase64FromMediaMessage", body, safe=True)
        except RefusedError as error:
            raise NotFoundError(SERVICE, "fetch media", error.detail) from None
        content = answer.json()
        return base64.b64decode(content["base64"]), str(content.get("mimetype") or "application/octet-stream")

    async def get_webhook(self) -> dict[str, Any] | None:
        """The instance's webhook as stored (url, headers, enabled, events), None when there is none."""
        answer = await self._call("read webhook", "GET", "/webhook/find")
        body = answer.json()
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
    ) -> httpx.Response:
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


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


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
        return BusyError(SERVICE, operation, "status 429", retry_after_s(answer))
    reasons = _reasons(body)
    if "Connection Closed" in str(reasons):
        return UnreachableError(SERVICE, operation, "the WhatsApp session is not connected")
    if status >= 500:
        return server_trouble(SERVICE, operation, answer, is_safe)
    if any(isinstance(r, dict) and r.get("exists") is False for r in reasons):
        return NotOnWhatsAppError(SERVICE, operation, "no WhatsApp at this number")
    if any(isinstance(r, list) for r in reasons) or "Text is required" in reasons:
        return RefusedError(SERVICE, operation, f"status {status}, malformed request")
    if status == 400 and not is_safe:
        # Everything that breaks after the send is answered 400 as well: only a look can tell.
        return OutcomeUnknownError(SERVICE, operation, "status 400")
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
