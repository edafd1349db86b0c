"""The e-mail address that a customer gave: where the calendar's invitation goes."""

import re

from email_validator import EmailNotValidError, validate_email

from meetings.tables import Customer

# Only finds where one may stand; the library judges it.
_CANDIDATE = re.compile(r"[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+")


def note_email(customer: Customer, text: str) -> None:
    """Keeps the last address in the customer's own message. What the model says about addresses does not count."""
    for candidate in reversed(_CANDIDATE.findall(text)):
        try:
            found = validate_email(candidate.rstrip(".!?"), check_deliverability=False)
        except EmailNotValidError:
            continue
        customer.email = found.normalized
        return
