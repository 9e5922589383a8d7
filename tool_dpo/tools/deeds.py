"""What a tool does, as people ask for it: a command from its description or name, and other words for the same."""

import re
from dataclasses import dataclass
from html import unescape
from itertools import takewhile
from typing import Any

from tool_dpo.tools.names import word_set, words

_LONGEST = 14
"""Words of a sentence that is used as a command."""
VERBS = word_set(
    """
    accept activate add analyze apply approve archive assign associate attach authorize block book build buy
    calculate call cancel capture change check clear clone close compare complete compute confirm connect convert
    copy count create deactivate decline delete deploy destroy detach disable disconnect dismiss download draft
    edit enable enqueue estimate evaluate execute expire export fetch fill find finalize follow force generate get
    give grant hide import include install invite issue join leave link list load lock login logout look make manage
    mark merge migrate modify monitor move notify open order pause pay perform ping pin place post preview process
    provide publish push put query read rebuild receive record redeliver redeem refresh refund register reject
    release remove rename render reopen reorder replace reply report request require rerun reschedule reserve reset
    resolve restart restore resume retrieve retry return revert review revoke rotate run save scan schedule search
    select send set share show skip sort star start stop store submit subscribe summarize suspend sync synchronize
    tag test track transfer translate trigger unassign unblock unfollow unlink unlock unpin unstar unsubscribe
    update upgrade upload use validate verify view vote void wait watch write
    """
)
READING = word_set("check fetch find get list load look query read retrieve return search select show view")
MAKING = word_set("add build create draft generate make open place post register schedule start write")
_OTHERS = {
    READING - word_set("check look"): ("show me", "I'm looking for", "get me"),
    MAKING: ("I need", "set up", "we want"),
    word_set("cancel delete destroy remove"): ("get rid of", "I no longer need", "please remove"),
    word_set("change edit modify replace set update"): ("I want to change", "make a change to", "adjust"),
}
"""Other words for some verbs. A thing follows them."""
_NO_THING = word_set("for to in from at on of with by into as if up out all whether that which how")
_DETERMINED = word_set("a an the all any some one this that these those every each information details")
_DANGLING = re.compile(r"(?<=\w)(?: (?:with|to|for|of|from|by))+$")
EXAMPLE = re.compile(
    r"[(,]?\s*\b(?:e\.? ?g\b|i\.? ?e\b|for (?:example|instance)\b|such as\b|examples?:)", re.IGNORECASE
)
"""The start of an example in a description."""
_KIND = r"(?:(?:this|the|an?|our) (?:[\w-]+ ){0,2}?|(?:api|mcp) )?"
_TOOL = rf"{_KIND}(?:tool|function|endpoint|method|operation|command|action|api|utility)"
_USERS = r"(?:you|users?|the user|agents?|the agent|the model|the caller|clients?|one)"
_PREAMBLE = re.compile(
    rf"(?:please )?(?:(?:use )?{_TOOL},? |(?:this|it) )?"
    rf"(?:(?:that|which|it) )?(?:(?:can|will|may|should) (?!be ))?"
    rf"(?:(?:allow|let|enable|help)s? {_USERS} (?:to )?|(?:(?:is|can be|should be|may be|to be) )?used (?:to|for) "
    rf"|provides? (?:{_USERS} )?(?:the ability|a way|a means|access) to |(?:to|for) )?",
    re.IGNORECASE,
)
"""Words before the command in descriptions such as "This tool allows you to search the web"."""
_NOUNS = word_set(
    """
    block book build call change charge copy draft issue link list load lock monitor order pin place post process
    record release report request return review schedule set share sort star start stop store tag test track transfer
    view void vote watch
    """
)
"""Verbs that are as often nouns in descriptions: "Order details", "Set of tools"."""
_AFTER_VERBS = word_set(
    "a an the all any some one this that these those every each your my our their its up out off down back whether if"
)
"""Words after such a verb, but not after a noun."""
_TAGS = re.compile(r"<[^>]*>")
_MARKUP = re.compile(r"[\[\]{}|?`*\"]")
_ASIDE = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Deed:
    """What a tool does. `text` is a command, `others` say the same in other words, if there are any."""

    text: str
    others: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        return self.text.partition(" ")[0]


def deed_of(name: str, description: str) -> Deed:
    """What a tool with this name and this description does."""
    text = _DANGLING.sub("", _command(name, description))
    verb, _, thing = text.partition(" ")
    if not thing or thing.split()[0].lower() in _NO_THING:
        return Deed(text)
    first = thing.split()[0].lower()
    determined = first in _DETERMINED or thing.split()[-1].endswith("s") or thing[0].isupper()
    some = thing if determined else f"the {thing}"
    others = next((forms for verbs, forms in _OTHERS.items() if verb in verbs), ())
    return Deed(text, tuple(f"{form} {some}" for form in others))


def _command(name: str, description: str) -> str:
    parts = words(name).split()
    named = next((index for index, one in enumerate(parts) if base_form(one)), None)
    text = EXAMPLE.split(_ASIDE.sub(" ", clean(description)))[0]
    sentence = _PREAMBLE.sub("", re.split(r"[;:!(]|\.(?!\w)", text)[0], count=1).split()
    if 1 < len(sentence) <= _LONGEST and (verb := _verb(sentence, base_form(parts[0]))):
        return " ".join([verb, *_plain_case(sentence[1:])]).rstrip(",")
    if named is not None:
        return " ".join([base_form(parts[named]), *parts[:named], *parts[named + 1 :]])
    return f"use {' '.join(parts)}"


def _verb(sentence: list[str], named: str) -> str:
    """The verb that a sentence starts with, "" if it starts with a noun. `named` is that of the tool's name."""
    first, second = sentence[0].lower(), sentence[1].lower()
    verb = base_form(first) or _base_of_gerund(first)
    if verb not in _NOUNS or second in _AFTER_VERBS:
        return verb
    if second in _NO_THING:
        return ""
    return verb if first != verb or verb == named or _lists_several(verb, sentence) else ""


def _lists_several(verb: str, sentence: list[str]) -> bool:
    """Whether it is "list" with a plural: "List open orders of a shop", but not "List price of an item"."""
    thing = list(takewhile(lambda one: one.lower() not in _NO_THING, sentence[1:]))
    return verb == "list" and thing[-1].rstrip(",").endswith("s")


def _base_of_gerund(word: str) -> str:
    """The base form of a verb ("create" for "creating"), "" for any other word."""
    stem = word.removesuffix("ing")
    forms = (stem, f"{stem}e", stem[:-1]) if stem != word else ()
    return next((form for form in forms if form in VERBS), "")


def base_form(first: str) -> str:
    """The base form of a verb ("create" for "Creates"), "" for any other word."""
    low = first.lower()
    forms = (low, low.removesuffix("s"), low.removesuffix("es"), f"{low.removesuffix('ies')}y")
    return next((form for form in forms if form in VERBS), "")


def _plain_case(rest: list[str]) -> list[str]:
    """Words as in a sentence if they are written As In A Heading."""
    titled = [one for one in rest if len(one) > 3]
    if titled and all(one[0].isupper() for one in titled):
        return [one.lower() if one[1:].islower() or len(one) == 1 else one for one in rest]
    return rest


def clean(text: Any) -> str:
    """A description without markup, on one line."""
    return " ".join(_MARKUP.sub(" ", unescape(_TAGS.sub(" ", str(text or "")))).split())
