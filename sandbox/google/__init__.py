"""Google Calendar v3 and its token endpoint, imitated at the wire."""
