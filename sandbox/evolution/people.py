"""What people do on WhatsApp: customers write, edit, read; the seller types on the phone; groups and statuses chatter."""

from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from sandbox.controls import control
from sandbox.evolution import content as contents
from sandbox.evolution.addressing import ADDRESSINGS, raw_jid, stored_key, webhook_key
from sandbox.evolution.content import ABSENT, KINDS, Content, Said, context
from sandbox.evolution.core import Core
from sandbox.evolution.messages import Upsert, delete_theirs, deliver, edit_theirs, report
from sandbox.evolution.numbers import GROUP_SUFFIX, STATUS_JID
from sandbox.evolution.state import Instance, Person, Row
from sandbox.evolution.wire import long

GROUP = "120363000000000001" + GROUP_SUFFIX
# How the seller's device shows: source, push name, id maker, status, contextInfo, whether the key has a participant.
_DEVICES = {
    "phone": ("android", "SERVER_ACK", ABSENT),
    "ios": ("ios", "SERVER_ACK", ABSENT),
    "web": ("web", "SERVER_ACK", None),
    "desktop": ("desktop", "SERVER_ACK", None),
    "call_reject": ("web", "PENDING", ABSENT),
}


class People:
    """The controls of everybody outside our own code."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def controls(self) -> list[BaseRoute]:
        return [
            control("/customer/say", self.say),
            control("/customer/edit", self.edit),
            control("/customer/delete", self.delete),
            control("/customer/react", self.react),
            control("/customer/read", self.read),
            control("/customer/typing", self.typing),
            control("/customer/timer", self.timer),
            control("/seller/type", self.seller_types),
            control("/group/say", self.group_says),
            control("/status/post", self.status_posts),
            control("/whatsapp/history", self.history),
        ]

    # --- customers ----------------------------------------------------------------------------------------------------

    def say(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer sends something; answers {id, phone, timestamp}.

        Args:
            data: phone, and: text; kind (one of `content.KINDS`, text unless given); name (push name, remembered);
                caption; transcript (what a voice note says); quoted_id; sent_at (ISO with offset or Unix seconds);
                lid_mode (one of `ADDRESSINGS`, remembered); id (to send the same stanza twice); source: ios; ad (true
                or parts of the ad); instance. Media: base64, size_bytes, seconds, mimetype, file_name, height, width,
                pages. Places: latitude, longitude, place, address. Cards: contact_name, contact_phone. Answers to
                buttons, lists and polls: choice_id, description, poll_id.
        """
        inst, person = self._who(data)
        kind = data.get("kind", "text")
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; use one of {', '.join(KINDS)}")
        said = self._said(data, data.get("id") or self._new_id(data))
        if kind in ("text", "ephemeral") and not said.text:
            raise ValueError("text is missing: say what the customer writes")
        if kind == "poll_vote":
            said.fields = {"chat_jid": raw_jid(person), **said.fields}
        content = KINDS[kind](said)
        self._quote(inst, data, content)
        self._keep_transcript(content, said)
        self._deliver_from(inst, person, person.key, kind, said, content)
        return {"id": said.message_id, "phone": person.key, "timestamp": said.timestamp}

    def edit(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer edits a text: {id, text}."""
        inst, row, person = self._theirs(data)
        if row.message_type not in ("conversation", "ephemeralMessage"):
            raise ValueError(f"id {data['id']} is a {row.kind}; only texts can be edited")
        edit_theirs(self.core, inst, row, person, str(data["text"]))
        return {"id": row.key["id"]}

    def delete(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer deletes a message for everyone: {id}."""
        inst, row, person = self._theirs(data)
        delete_theirs(self.core, inst, row, person)
        return {"id": row.key["id"]}

    def react(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer reacts: {id, emoji}; an empty emoji takes the reaction back."""
        inst = self.core.instance(data.get("instance"))
        target = self._row(inst, str(data["id"]))
        person = self.core.state.people[target.chat]
        said = self._said(data, self._new_id(data))
        key = {"remoteJid": raw_jid(person), "fromMe": target.key["fromMe"], "id": target.key["id"], "participant": ""}
        at = long(said.timestamp * 1000)
        body = {"key": key, "text": str(data["emoji"]), "senderTimestampMs": at}
        content = Content("reactionMessage", {"reactionMessage": body}, ABSENT, str(data["emoji"]))
        self._deliver_from(inst, person, person.key, "reaction", said, content)
        return {"id": said.message_id}

    def read(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer opens the chat: {phone, ids?}; everything of ours that was not read yet is now."""
        inst, person = self._who(data)
        wanted = data.get("ids")
        unread = [
            row
            for row in inst.rows
            if row.chat == person.key and row.key["fromMe"] and row.kind != "reaction"
            if row.status in ("PENDING", "SERVER_ACK", "DELIVERY_ACK") and (wanted is None or row.key["id"] in wanted)
        ]
        for row in unread:
            report(self.core, inst, row, "READ")
        return {"read": [row.key["id"] for row in unread]}

    def typing(self, data: dict[str, Any]) -> dict[str, Any]:
        """A customer types: {phone, state?: composing, recording, paused}. Seen only in chats we showed presence in."""
        inst, person = self._who(data)
        jids = (person.jid, person.lid)
        seen = inst.socket_up and any(presence["jid"] in jids for presence in inst.presences)
        if seen:
            jid = raw_jid(person)
            state = {"lastKnownPresence": data.get("state", "composing")}
            self.core.emit(inst, "presence.update", {"id": jid, "presences": {jid: state}})
        return {"seen": seen}

    def timer(self, data: dict[str, Any]) -> None:
        """A customer sets disappearing messages: {phone, seconds}. Comes as messages.edited without a key."""
        inst, _ = self._who(data)
        expiration = int(data.get("seconds", 604_800))
        self.core.emit(inst, "messages.edited", {"type": "EPHEMERAL_SETTING", "ephemeralExpiration": expiration})

    # --- the seller, groups, statuses, history ------------------------------------------------------------------------

    def seller_types(self, data: dict[str, Any]) -> dict[str, Any]:
        """Somebody of ours writes on a device: {phone, text, on?: phone, ios, web, desktop, call_reject}."""
        inst, person = self._who(data)
        device = data.get("on", "phone")
        if device not in _DEVICES:
            raise ValueError(f"on is {device!r}; use one of {', '.join(_DEVICES)}")
        source, status, context_info = _DEVICES[device]
        ids = self.core.ids
        make_id = {"android": ids.android, "ios": ids.ios}.get(source, ids.web)
        said = self._said(data, data.get("id") or make_id())
        key = webhook_key(person, said.message_id, from_me=True)
        if device == "call_reject":
            key = {"remoteJid": person.jid, "fromMe": True, "id": said.message_id}
        upsert = Upsert(
            chat=person.key,
            person=person,
            author="seller",
            via="phone" if source in ("android", "ios") else "web",
            kind="text",
            key=key,
            stored_key=key if device == "call_reject" else stored_key(person, said.message_id, from_me=True),
            push_name="Você" if device == "call_reject" else inst.profile_name,
            content=Content("conversation", {"conversation": str(data["text"])}, context_info, str(data["text"])),
            timestamp=said.timestamp,
            status=status,
            source=source,
        )
        deliver(self.core, inst, upsert)
        return {"id": said.message_id}

    def group_says(self, data: dict[str, Any]) -> dict[str, Any]:
        """Somebody writes in a group we are in: {phone, text, name?, group?, by_lid?}."""
        inst, person = self._who(data)
        group = str(data.get("group", GROUP))
        inst.groups.setdefault(group, str(data.get("group_name", "Grupo")))
        said = self._said(data, self._new_id(data))
        ids = {"remoteJid": group, "fromMe": False, "id": said.message_id}
        members = (person.lid, person.jid) if data.get("by_lid") else (person.jid, person.lid)
        mode = "lid" if data.get("by_lid") else "pn"
        key = {**ids, "participant": members[0], "participantAlt": members[1], "addressingMode": mode}
        self._deliver_from(inst, person, group, "text", said, contents.text(said), key)
        return {"id": said.message_id}

    def status_posts(self, data: dict[str, Any]) -> dict[str, Any]:
        """A contact posts a status: {phone, text?} or {phone, caption?} for a picture."""
        inst, person = self._who(data)
        said = self._said(data, self._new_id(data))
        kind = "text" if said.text else "image"
        content = contents.text(said) if said.text else contents.status_image(said)
        ids = {"remoteJid": STATUS_JID, "fromMe": False, "id": said.message_id}
        key = {**ids, "participant": person.jid, "addressingMode": "pn"}
        self._deliver_from(inst, person, STATUS_JID, kind, said, content, key)
        return {"id": said.message_id}

    def history(self, data: dict[str, Any]) -> None:
        """What the phone syncs after pairing: {phone, messages: [{text, from_me?, sent_at?}]}. Nothing is new in it."""
        inst, person = self._who(data)
        old = [self._old_message(inst, person, entry) for entry in data["messages"]]
        self.core.emit(inst, "messages.set", old, first={"isLatest": True, "progress": 100})

    def _old_message(self, inst: Instance, person: Person, entry: dict[str, Any]) -> dict[str, Any]:
        from_me = bool(entry.get("from_me", False))
        return {
            "key": {"remoteJid": person.jid, "fromMe": from_me, "id": self.core.ids.android()},
            "pushName": "Você" if from_me else person.name,
            "status": "DELIVERY_ACK",
            "message": {"conversation": entry["text"]},
            "messageType": "conversation",
            "messageTimestamp": self._time(entry.get("sent_at")),
            "instanceId": inst.id,
            "source": "unknown",
        }

    # --- common -------------------------------------------------------------------------------------------------------

    def _who(self, data: dict[str, Any]) -> tuple[Instance, Person]:
        """The instance and the person a control speaks of; name and addressing given with it are remembered."""
        inst, person = self.core.instance(data.get("instance")), self.core.person(str(data["phone"]))
        if data.get("name") is not None:
            person.name = str(data["name"])
        mode = data.get("lid_mode")
        if mode is not None:
            set_addressing(person, mode)
        return inst, person

    def _theirs(self, data: dict[str, Any]) -> tuple[Instance, Row, Person]:
        inst = self.core.instance(data.get("instance"))
        row = self._row(inst, str(data["id"]))
        if row.author != "customer" or row.chat not in self.core.state.people:
            raise ValueError(f"id {data['id']} is not a customer's message")
        return inst, row, self.core.state.people[row.chat]

    def _row(self, inst: Instance, message_id: str) -> Row:
        row = inst.row(message_id)
        if row is None:
            raise ValueError(f"id is {message_id!r}, which is no message of instance {inst.name}")
        return row

    def _said(self, data: dict[str, Any], message_id: str) -> Said:
        return Said(
            message_id=message_id,
            timestamp=self._time(data.get("sent_at")),
            text=data.get("text"),
            caption=data.get("caption"),
            transcript=data.get("transcript"),
            fields=data,
        )

    def _time(self, sent_at: Any) -> int:
        """Unix seconds of an ISO time with offset, or of now."""
        if sent_at is None:
            return self.core.timestamp()
        if isinstance(sent_at, int):
            return sent_at
        moment = datetime.fromisoformat(str(sent_at))
        if moment.tzinfo is None:
            raise ValueError(f"sent_at is {sent_at!r}, which has no UTC offset; write e.g. 2026-03-10T14:00:00-03:00")
        return int(moment.timestamp())

    def _new_id(self, data: dict[str, Any]) -> str:
        return self.core.ids.ios() if data.get("source") == "ios" else self.core.ids.android()

    def _quote(self, inst: Instance, data: dict[str, Any], content: Content) -> None:
        quoted = data.get("quoted_id")
        if quoted is None:
            return
        row = self._row(inst, str(quoted))
        author = inst.own_jid if row.key["fromMe"] else row.key["remoteJid"]
        message = {k: v for k, v in row.message.items() if k != "messageContextInfo"}
        content.context_info = context(stanzaId=row.key["id"], participant=author, quotedMessage=message)

    def _keep_transcript(self, content: Content, said: Said) -> None:
        if content.media is not None and said.transcript is not None:
            self.core.state.transcripts[contents.fingerprint(content.media)] = said.transcript

    def _deliver_from(
        self,
        inst: Instance,
        person: Person,
        chat: str,
        kind: str,
        said: Said,
        content: Content,
        key: dict[str, Any] | None = None,
    ) -> None:
        """A message of somebody else's, in their own chat unless a `key` says where."""
        source = "ios" if said.fields.get("source") == "ios" else "android"
        noisy = kind in ("text", "audio") and chat == person.key
        name = person.name if person.name or key is None else person.jid.split("@")[0]
        upsert = Upsert(
            chat=chat,
            person=person,
            author="customer",
            via=source,
            kind=kind,
            key=key or webhook_key(person, said.message_id, from_me=False),
            stored_key=key or stored_key(person, said.message_id, from_me=False),
            push_name=name,
            content=content,
            timestamp=said.timestamp,
            status="DELIVERY_ACK",
            source=source,
            noisy=noisy,
        )
        deliver(self.core, inst, upsert)


def set_addressing(person: Person, mode: Any) -> None:
    """Say how the person's chat shows from now on; "none" is the ordinary phone chat."""
    mode = "pn" if mode in ("none", False) else mode
    if mode not in ADDRESSINGS:
        raise ValueError(f"lid_mode is {mode!r}; use one of {', '.join(ADDRESSINGS)}")
    person.addressing = mode
