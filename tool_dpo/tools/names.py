"""What follows from a parameter's name: its words, and a Faker provider if the schema does not describe the value."""

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_PROVIDERS = {
    "ascii_safe_email": "email mail recipient sender cc bcc",
    "user_name": "username login user owner author assignee actor member reviewer handle",
    "name": "person contact customer guest patient employee",
    "first_name": "first given",
    "last_name": "last surname family",
    "domain_word": "name slug repo repository project namespace branch bucket key org organization tag topic label",
    "company": "company vendor employer supplier",
    "city": "city town location place",
    "country": "country",
    "state_abbr": "state province",
    "street_address": "address street line1",
    "postcode": "zip postal postcode zipcode",
    "phone_number": "phone mobile telephone fax tel",
    "url": "url uri link href website webhook homepage callback endpoint avatar image",
    "domain_name": "domain host hostname server",
    "ipv4_public": "ip ipv4 ipaddress",
    "catch_phrase": "title subject headline heading caption summary",
    "sentence": "description body comment message text content note notes reason prompt details instructions bio",
    "currency_code": "currency",
    "language_code": "language lang locale",
    "color_name": "color colour",
    "file_name": "file filename attachment document",
    "file_path": "path directory folder",
    "sha1": "sha hash commit digest checksum etag fingerprint",
    "uuid4": "uuid guid",
    "ean8": "id ids number code no serial",
    "password": "token secret password passphrase",
    "timezone": "timezone tz",
    "job": "job role position profession",
}
_PROVIDER_OF = {word: provider for provider, words in _PROVIDERS.items() for word in words.split()}
_MOMENTS = {"date", "day", "since", "until", "before", "after", "at", "deadline", "birthday", "expires", "from", "to"}


def split_words(name: str) -> list[str]:
    """The words of a name, in lower case: `due_date` and `dueDate` give due and date."""
    return [word.lower() for word in _WORDS.findall(name)]


def words(name: str) -> str:
    """The name in words: "due date" for `due_date`."""
    return " ".join(split_words(name)) or "value"


def word_set(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


def is_date(name: str) -> bool:
    """Whether the name is that of a date."""
    return words(name).split()[-1] in _MOMENTS


def provider(name: str) -> str:
    """The Faker provider for a text with this name. The last known word of the name decides."""
    parts = words(name).split()
    if parts[0] in ("first", "last", "given", "family") and parts[-1] == "name":
        return _PROVIDER_OF[parts[0]]
    for word in reversed(parts):
        for form in (word, word.removesuffix("s")):
            if form in _PROVIDER_OF:
                return _PROVIDER_OF[form]
    return "word"
