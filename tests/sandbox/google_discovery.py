"""What the discovery document said when the sandbox was written: the guard against silent changes compares with it."""
# ruff: noqa: SIM905 (columns of quoted words are harder to read and to compare)

REVISION = "20261030"

METHODS = set(
    """
    acl.delete acl.get acl.insert acl.list acl.patch acl.update acl.watch calendarList.delete calendarList.get
    calendarList.insert calendarList.list calendarList.patch calendarList.update calendarList.watch
    calendars.clear calendars.delete calendars.get calendars.insert calendars.patch calendars.transferOwnership
    calendars.update channels.stop colors.get events.delete events.get events.import events.insert
    events.instances events.list events.move events.patch events.quickAdd events.update events.watch
    freebusy.query settings.get settings.list settings.watch
    """.split()
)

EVENT_PROPERTIES = set(
    """
    anyoneCanAddSelf attachments attendees attendeesOmitted birthdayProperties colorId conferenceData created
    creator description end endTimeUnspecified etag eventLabelId eventType extendedProperties
    focusTimeProperties gadget guestsCanInviteOthers guestsCanModify guestsCanSeeOtherGuests hangoutLink
    htmlLink iCalUID id kind location locked organizer originalStartTime outOfOfficeProperties privateCopy
    recurrence recurringEventId reminders sequence source start status summary transparency updated visibility
    workingLocationProperties
    """.split()
)

# Of the methods that Marcado calls.
PARAMETERS = {
    "events.insert": set(
        """
        calendarId conferenceDataVersion eventLabelVersion maxAttendees sendNotifications sendUpdates
        supportsAttachments
        """.split()
    ),
    "events.patch": set(
        """
        alwaysIncludeEmail calendarId conferenceDataVersion eventId eventLabelVersion maxAttendees
        sendNotifications sendUpdates supportsAttachments
        """.split()
    ),
    "events.delete": set("calendarId eventId sendNotifications sendUpdates".split()),
    "events.move": set("calendarId destination eventId sendNotifications sendUpdates".split()),
    "events.get": set("alwaysIncludeEmail calendarId eventId maxAttendees timeZone".split()),
    "events.list": set(
        """
        alwaysIncludeEmail calendarId eventTypes iCalUID maxAttendees maxResults orderBy pageToken
        privateExtendedProperty q sharedExtendedProperty showDeleted showHiddenInvitations singleEvents
        syncToken timeMax timeMin timeZone updatedMin
        """.split()
    ),
    "events.watch": set(
        """
        alwaysIncludeEmail calendarId eventTypes iCalUID maxAttendees maxResults orderBy pageToken
        privateExtendedProperty q sharedExtendedProperty showDeleted showHiddenInvitations singleEvents
        syncToken timeMax timeMin timeZone updatedMin
        """.split()
    ),
    "freebusy.query": set(),
    "channels.stop": set(),
}
