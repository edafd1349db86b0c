"""What the first message to a customer must say, whoever composed it: which company writes, and that it is no person."""

import re

from meetings.business import Company
from meetings.customers import language_of
from meetings.qualification import fold
from meetings.tables import Customer
from prompts.catalogue import Catalogue


class Introduction:
    """Knows the sentence, recognises one in other words, and puts it before a text that lacks it."""

    def __init__(self, company: Company, default_locale: str) -> None:
        """`default_locale`: for customers whose language is not known."""
        self.company, self.default_locale = company, default_locale

    def sentence(self, customer: Customer) -> str:
        """The introduction in the customer's language: greeting, name of assistant and company."""
        return self._words(customer).text(
            "introduction",
            name=_first_name(customer),
            assistant_name=self.company.assistant_name,
            company=self.company.name,
        )

    def is_in(self, text: str, customer: Customer) -> bool:
        """Whether the text names the company and says, in the customer's language, that a machine writes."""
        words = self._words(customer)
        return fold(self.company.name) in fold(text) and says_it_is_a_machine(text, words.locale)

    def before(self, text: str, customer: Customer) -> str:
        """The text with the sentence before it. A greeting at its start is left out, the sentence has one; a text that holds an
        introduction comes back as it is.
        """
        if self.is_in(text, customer):
            return text
        greetings = "|".join(sorted((re.escape(g) for g in self._words(customer).list("greetings")), key=len, reverse=True))
        name = f"(?:{re.escape(_first_name(customer))}(?!\\w))?" if customer.name else ""
        rest = re.sub(rf"^[\s¡]*(?:{greetings})(?!\w)[\s,]*{name}[\s,!.…]*", "", text, count=1, flags=re.IGNORECASE)
        sentence = self.sentence(customer)
        return f"{sentence}\n\n{rest[0].upper()}{rest[1:]}" if rest else sentence

    def _words(self, customer: Customer) -> Catalogue:
        return Catalogue.load("conversation", language_of(customer, self.default_locale))


def says_it_is_a_machine(text: str, locale: str) -> bool:
    """Whether the text says, in that language, that a virtual assistant writes."""
    said = fold(text)
    words = Catalogue.load("conversation", locale).list("assistant_words")
    return any(re.search(rf"(?<!\w){re.escape(fold(word))}(?!\w)", said) for word in words)


def _first_name(customer: Customer) -> str:
    return (customer.name or "").split(" ")[0]
