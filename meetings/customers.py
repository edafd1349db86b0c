"""Who we talk to: one customer per person, whatever spelling their number comes in, and their lead in Kommo."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import structlog
from babel import Locale, UnknownLocaleError
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from clients.errors import ServiceError
from clients.kommo import KommoClient, KommoContact, KommoLead
from meetings.business import Business
from meetings.database import Database
from meetings.events import ChatIdentity
from meetings.phones import match_key, region_of, same_person, spellings, to_e164
from meetings.qualification import adopt_from_lead, answers_of
from meetings.tables import Author, Customer, Meeting, Message, MessageState, Offer, Turn
from prompts.catalogue import Catalogue, closest_locale

ERASED_JID = "erased:"  # begins the chat of a row that is kept empty after marcado privacy erase
log = structlog.get_logger("customers")
UNTIL_TAKEN_OFF = datetime(9999, 1, 1, tzinfo=UTC)  # the end of a pause that a tag holds


class HeldByTagError(Exception):
    """The agent can't be resumed: the tag on the lead silences it."""


async def customer_of(session: AsyncSession, chat: ChatIdentity, name: str | None, now: datetime) -> Customer:
    """The customer of a chat, made if new.

    Found by phone (with and without Brazil's ninth digit), by hidden id, or by chat id. What the chat reveals for the first time
    (phone, hidden id, name) is added; what we know is never blanked. The hidden id stays with somebody who takes a new number:
    then the new one counts, and the one before is kept until Kommo knows.
    """
    customer = await find_customer(session, chat)
    if customer is None:
        customer = Customer(jid=chat.jid, created_at=now)
        session.add(customer)
    elif chat.lid and customer.lid is None:
        await _merge_hidden(session, customer, chat.lid)
    if chat.phone and match_key(chat.phone) != customer.match_key:
        customer.former_phone = customer.phone or customer.former_phone
        customer.phone, customer.match_key = chat.phone, match_key(chat.phone)
    if chat.lid and not customer.lid:
        customer.lid = chat.lid
    if chat.jid != customer.jid and not (chat.jid.endswith("@lid") and customer.phone):
        customer.jid = chat.jid  # a phone's own id is the better address; a hidden one replaces it only if we have no phone
    if name and not customer.name:
        customer.name = plain_name(name)
    await session.flush()
    return customer


def plain_name(name: str) -> str | None:
    """A name as it may stand in facts, texts and CRM: one line, without marks that could be taken for structure. None if empty.

    People choose their WhatsApp name themselves; some write orders to the agent into it.
    """
    kept = "".join(c if c.isprintable() and c not in "<>|{}[]" else " " for c in name)
    return " ".join(kept.split())[:60].strip() or None


async def _merge_hidden(session: AsyncSession, customer: Customer, lid: str) -> None:
    """Joins the record of somebody who first wrote under a hidden id, or from another phone with it, now that this shows."""
    hidden = await session.scalar(
        select(Customer).where(or_(Customer.lid == lid, Customer.jid == lid), Customer.id != customer.id)
    )
    if hidden is None:
        return
    if await session.scalar(select(Meeting.id).where(Meeting.customer_id == hidden.id).limit(1)) is not None:
        _take_lead(customer, hidden)
    known = select(Message.vendor_id).where(Message.customer_id == customer.id)
    twice = update(Message).where(Message.customer_id == hidden.id, Message.vendor_id.in_(known))
    await session.execute(twice.values(vendor_id=None))  # told under both names: kept, but as one id
    for table in (Message, Meeting, Turn):
        await session.execute(update(table).where(table.customer_id == hidden.id).values(customer_id=customer.id))
    answered = {answer.criterion for answer in await answers_of(session, customer)}
    for answer in await answers_of(session, hidden):
        if answer.criterion in answered:
            await session.delete(answer)
        else:
            answer.customer_id = customer.id
    await session.execute(delete(Offer).where(Offer.customer_id == hidden.id))  # offered again in the next turn
    if customer.kommo_lead_id is None:
        _take_lead(customer, hidden)
    kept = (
        *("name", "locale", "introduced_at", "opted_out_at", "not_qualified_at"),
        *("handed_off_at", "handoff_reason", "handoff_task_id"),
    )
    if hidden.paused_until and (customer.paused_until is None or customer.paused_until < hidden.paused_until):
        customer.paused_until, customer.pause_source = hidden.paused_until, hidden.pause_source
    for name in kept:
        if getattr(customer, name) is None:
            setattr(customer, name, getattr(hidden, name))
    await session.flush()
    await session.delete(hidden)
    await session.flush()


async def customer_by_phone(session: AsyncSession, phone: str) -> Customer | None:
    """The customer with that phone (E.164), with or without the ninth digit; None when nobody with it has written."""
    return await session.scalar(select(Customer).where(Customer.match_key == match_key(phone)))


def _take_lead(customer: Customer, other: Customer) -> None:
    """The other record's lead becomes the customer's; its contact will get the customer's phone."""
    if other.kommo_lead_id is None:
        return
    customer.kommo_contact_id, customer.kommo_lead_id = other.kommo_contact_id, other.kommo_lead_id
    customer.kommo_user_id, customer.former_phone = other.kommo_user_id, other.phone or other.former_phone
    customer.lead_made_with = other.lead_made_with


async def find_customer(session: AsyncSession, chat: ChatIdentity) -> Customer | None:
    """The customer of a chat, None when unknown. A phone says more than a hidden id."""
    if chat.phone:
        found = await customer_by_phone(session, chat.phone)
        if found:
            return found
    conditions = [Customer.jid == chat.jid]
    if chat.lid:
        conditions.append(Customer.lid == chat.lid)
    elif chat.jid.endswith("@lid"):
        conditions.append(Customer.lid == chat.jid)
    return await session.scalar(select(Customer).where(or_(*conditions)).order_by(Customer.id).limit(1))


def language_of(customer: Customer, default: str) -> str:
    """The catalogue for texts to this customer: the language we know, else that of the phone's country, else the default."""
    if customer.locale:
        return closest_locale(customer.locale)
    region = region_of(customer.phone) if customer.phone else None
    if region is None:
        return default
    try:
        language = Locale.parse(f"und_{region}").language  # CLDR's likely language of that country
    except (UnknownLocaleError, ValueError):
        return default
    return closest_locale(language) if language in ("pt", "es", "en") else default


def heed_lead(customer: Customer, lead: KommoLead, business: Business) -> None:
    """Takes over what a lead says about its customer: whose lead it is, and the tag that silences the agent.

    The responsible user decides whose calendar is offered, when that user is one of our sellers.
    """
    if lead.id == customer.kommo_lead_id and lead.responsible_user_id != customer.lead_made_with:
        customer.lead_made_with = None  # somebody has chosen
    customer.kommo_user_id = responsible_seller(customer, lead.responsible_user_id, business)
    if business.kommo.pause_tag and business.kommo.pause_tag in lead.tags:
        customer.paused_until, customer.pause_source = UNTIL_TAKEN_OFF, "tag"
    elif customer.pause_source == "tag":
        customer.paused_until, customer.pause_source = None, None


def responsible_seller(customer: Customer, user_id: int | None, business: Business) -> int | None:
    """The Kommo user id of the seller whose lead it is; None for somebody else's, or when nobody has chosen yet.

    A lead that we made has the user of our token, who may well be a seller: that is Kommo's doing.
    """
    return user_id if user_id is not None and user_id != customer.lead_made_with and business.seller(user_id) else None


def is_paused(customer: Customer, now: datetime) -> bool:
    """Whether the agent is silent for this customer now."""
    return customer.paused_until is not None and customer.paused_until > now


def is_alerted(customer: Customer, now: datetime, within: timedelta = timedelta(days=1)) -> bool:
    """Whether a seller was given a task about this customer a short while ago, and the agent goes on talking."""
    at, until = customer.handed_off_at, customer.paused_until
    return at is not None and now < at + within and (until is None or until <= at)


def is_held_by_tag(customer: Customer, now: datetime) -> bool:
    """Whether it is the tag on the lead that silences the agent. Only taking it off ends that."""
    return customer.pause_source == "tag" and is_paused(customer, now)


def pause(customer: Customer, until: datetime, source: str = "operator") -> None:
    """Somebody silences the agent. A longer pause that is on already stays; so does one that a tag holds.

    Args:
        source: person (typed by hand), hand-off or operator.
    """
    if customer.paused_until is None or customer.paused_until < until:
        customer.paused_until, customer.pause_source = until, source


async def resume(session: AsyncSession, customer: Customer, now: datetime) -> int:
    """Ends a pause, and gives what the customer wrote since anybody last answered back to the agent, to be answered at once.

    Also without a pause: a pause that ended by itself leaves what came meanwhile to the person who had taken over.

    Returns:
        How many messages will be answered now.

    Raises:
        HeldByTagError: The next look at the lead would silence the agent again.
    """
    if is_held_by_tag(customer, now):
        raise HeldByTagError
    if is_paused(customer, now):
        if customer.pause_source == "hand-off" and customer.handoff_task_id is not None:
            customer.handed_off_at = customer.handoff_reason = customer.handoff_task_id = None  # no person has it any more
        customer.paused_until, customer.pause_source = None, None
    waiting = await unanswered(session, [customer.id])
    left = [message for message in waiting if message.state != MessageState.NEW]
    for message in left:
        message.state = MessageState.NEW
    if left:
        customer.resumed += 1
        customer.turn_attempts, customer.next_turn_at = 0, None
    return len(waiting)


async def unanswered(session: AsyncSession, customer_ids: Collection[int] | None = None) -> list[Message]:
    """What customers wrote since the agent or a seller last got a word through to them, oldest first.

    State new: the agent will answer. Any other: it was written during a pause and left to a person.

    Args:
        customer_ids: Whose messages; everybody's when None.
    """
    said = aliased(Message)
    last_word = (
        select(func.coalesce(func.max(said.id), 0))
        .where(
            said.customer_id == Message.customer_id,
            said.author.in_([Author.AGENT, Author.SELLER]),  # a notice answers nothing
            said.state.in_([MessageState.SENT, MessageState.DELIVERED, MessageState.READ]),
        )
        .scalar_subquery()
    )
    # A turn that found the tag on the lead only when it had begun ends with "paused", too.
    in_vain = (Message.state == MessageState.ANSWERED) & (Turn.outcome == "paused")
    wanted = (
        select(Message)
        .outerjoin(Turn, Turn.id == Message.turn_id)
        .where(
            Message.author == Author.CUSTOMER,
            or_(Message.state.in_([MessageState.NEW, MessageState.SEEN]), in_vain),
            Message.problem.is_(None),  # not taken back
            Message.id > last_word,
        )
        .order_by(Message.id)
    )
    if customer_ids is not None:
        wanted = wanted.where(Message.customer_id.in_(customer_ids))
    return list(await session.scalars(wanted))


class Leads:
    """Finds or makes a customer's contact and lead in Kommo."""

    def __init__(self, db: Database, kommo: KommoClient, business: Business, locale: str, now: Callable[[], datetime]) -> None:
        self.db, self.kommo, self.business, self.locale, self.now = db, kommo, business, locale, now

    async def ensure(self, customer_id: int) -> int | None:
        """The id of the customer's lead: the one we know, else the newest open lead of a contact with that phone, else a new
        one. None while the customer's phone is hidden.

        Safe to repeat: it looks before it makes, so a lost answer makes no second contact.

        Raises:
            ServiceError: Kommo can't be asked.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            phone, name, former = customer.phone, customer.name, customer.former_phone
            known_lead_id, contact_id = customer.kommo_lead_id, customer.kommo_contact_id
        if phone and former:
            await self._tell_new_number(customer_id, contact_id, phone, former)
        if known_lead_id or not phone:
            return known_lead_id
        contact = await self.find_contact(phone) or (await self.find_contact(former) if former else None)
        lead = await self._open_lead(contact) if contact else None
        if lead:
            await self._save(customer_id, lead.id, contact.id if contact else None, lead)
            return lead.id
        return await self._create(customer_id, phone, name or phone, contact)

    async def refresh(self, customer_id: int) -> int | None:
        """As `ensure`, but a lead that was closed or deleted since is not kept: a new meeting belongs on a lead that sellers see.

        Raises:
            ServiceError: Kommo can't be asked.
        """
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            lead_id = customer.kommo_lead_id
        if lead_id is not None:
            lead = await self.kommo.get_lead(lead_id)
            is_open = lead is not None and lead.is_open
            async with self.db.transaction() as session:
                customer = await session.get_one(Customer, customer_id)
                customer.kommo_lead_id = lead_id if is_open else None
                if lead is not None and is_open:
                    heed_lead(customer, lead, self.business)
        return await self.ensure(customer_id)

    async def find_contact(self, phone: str) -> KommoContact | None:
        """The contact with that phone (E.164), however somebody typed it; None when there is none.

        Raises:
            ServiceError: Kommo can't be asked.
        """
        # Kommo searches by substring over what somebody typed: try each spelling, then compare the numbers ourselves.
        for query in (*spellings(phone), *spellings(phone, national=True)):
            for contact in await self.kommo.find_contacts(query):
                known = [to_e164(text) for text in contact.phones]
                if any(number and same_person(number, phone) for number in known):
                    return contact
        return None

    async def _tell_new_number(self, customer_id: int, contact_id: int | None, phone: str, former: str) -> None:
        """Adds the customer's new number to their contact, which keeps the one before. Kommo's trouble with it is no reason to
        stop: the next turn tries again.
        """
        try:
            if contact_id is None:
                found = await self.find_contact(former)
                contact_id = found.id if found else None
            contact = await self.kommo.get_contact(contact_id) if contact_id else None
            if contact and not any(same_person(known, phone) for known in contact.phones):
                await self.kommo.add_phone(contact.id, phone)
        except ServiceError as error:
            log.warning("new number not on the contact yet", customer=customer_id, problem=str(error))
            return
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            if customer.phone == phone:  # else it has changed once more
                customer.former_phone = None

    async def _open_lead(self, contact: KommoContact) -> KommoLead | None:
        leads = await self.kommo.list_leads(contact.lead_ids)
        return next((lead for lead in leads if lead.is_open), None)

    async def _create(self, customer_id: int, phone: str, name: str, contact: KommoContact | None) -> int:
        rules = self.business.kommo
        title = Catalogue.load("crm", self.locale).text("lead_name", name=name)
        place = {"pipeline_id": rules.pipeline_id, "status_id": rules.new_lead_status_id}
        if contact:
            lead_id, contact_id = (
                await self.kommo.create_lead(title, contact_id=contact.id, tags=[rules.lead_tag], **place),
                contact.id,
            )
        else:
            lead_id, contact_id = await self.kommo.create_lead_with_contact(
                title, contact_name=name, phone=phone, tags=[rules.lead_tag], **place
            )
        lead = await self.kommo.get_lead(lead_id)
        await self._save(customer_id, lead_id, contact_id, lead, made_with=lead.responsible_user_id if lead else None)
        return lead_id

    async def _save(
        self, customer_id: int, lead_id: int, contact_id: int | None, lead: KommoLead | None, made_with: int | None = None
    ) -> None:
        """`made_with`: the responsible user that Kommo gave a lead which we have just made."""
        async with self.db.transaction() as session:
            customer = await session.get_one(Customer, customer_id)
            customer.kommo_lead_id, customer.lead_made_with = lead_id, made_with
            customer.kommo_contact_id = contact_id or customer.kommo_contact_id
            if lead is not None:
                heed_lead(customer, lead, self.business)
                await adopt_from_lead(session, customer, self.business, lead.fields, self.now())
