"""What must not stand in a log: credentials, cookies, card numbers, e-mail addresses.

By the name of a field first, then by what a text looks like. The expressions are dear (38 µs a line, run naively), so
each waits behind a look that costs next to nothing: an ``@``, a word, a run of digits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

# A name that contains one of these, or is one of those, hides its value.
WITHIN = ("authorization", "authorisation", "cookie", "password", "passwd", "secret", "api_key", "apikey", "credential",
          "card_number", "cardnumber", "access_key", "private_key", "session_id", "sessionid", "signature")  # fmt: skip
EXACTLY = frozenset({"token", "card", "pan", "cvv", "cvc", "email", "mail", "auth", "bearer", "csrf"})
ENDING = ("_token", "_email", "_card", "_cvv", "_cvc", "_pan")

WORDS = ("authoriz", "authoris", "bearer", "cookie", "password", "passwd", "secret", "api_key", "api-key", "apikey",
         "token")  # fmt: skip
CREDENTIAL = re.compile(
    r"""(?ix) (?P<name> \b (?:proxy-)?authori[sz]ation | \b (?:set-)?cookie )
        (?P<sep> ["']? \s* [:=] \s* ["']? ) [^\r\n"']+
      | (?P<scheme> \b bearer \s+ ) [A-Za-z0-9+/._~=-]{8,}
      | (?P<key> (?: password | passwd | secret | api[_-]?key | token ) [\w-]{0,24} )
        (?P<is> ["']? \s* [:=] \s* ["']? ) [^\s"'&,;]+
    """
)
LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
LOCAL_LENGTH = 64
DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
# 13 to 19 digits, grouped or not, that begin as cards do (ISO/IEC 7812): no part of a longer number or of a hex id.
CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?\d){12,18}(?![\w-])")
# Whatever stands around it: in JSON that is not what stood around it in the text.
DIGITS = re.compile(r"\d(?:[ -]?\d){12}")
LEAST_DIGITS = 13
DEPTH = 8


def text(value: str) -> str:
    """The text without what must not be in it."""
    if "@" in value:
        value = _without_addresses(value)
    if len(value) >= LEAST_DIGITS:
        value = CARD.sub(_card, value)
    low = value.lower()
    for word in WORDS:
        if word in low:
            return CREDENTIAL.sub(_credential, value)
    return value


def clean(value: str) -> bool:
    """Whether ``text`` leaves all of an ASCII text as it is. Looks less closely: False says only that it may not."""
    if "@" in value or DIGITS.search(value):
        return False
    low = value.lower()
    for word in WORDS:  # noqa: SIM110 - a generator would cost thrice as much
        if word in low:
            return False
    return True


def value(key: str, held: Any) -> Any:
    """A field's value as it may be told."""
    if hides(key):
        return REDACTED
    kind = held.__class__
    if kind is str:
        return text(held)
    if kind is int:
        return REDACTED if held >= 10**12 and _is_card(str(held)) else held
    return nested(held, DEPTH) if kind in (dict, list, tuple) else held


def nested(held: Any, depth: int) -> Any:
    """The same for what is in dicts and lists, as deep as ``depth``; what is deeper is not told."""
    if depth == 0:
        return REDACTED
    if isinstance(held, dict):
        return {
            key: REDACTED if isinstance(key, str) and hides(key) else nested(inner, depth - 1)
            for key, inner in held.items()
        }
    if isinstance(held, (list, tuple)):
        return [nested(inner, depth - 1) for inner in held]
    return value("", held)


@lru_cache(maxsize=1024)
def hides(key: str) -> bool:
    """Whether a field of that name is never told."""
    low = key.lower().replace("-", "_")
    return low in EXACTLY or low.endswith(ENDING) or any(word in low for word in WITHIN)


def _without_addresses(value: str) -> str:
    """From each ``@`` outwards: an expression that looked for the part before it would take a square of the length."""
    told, done = "", 0
    at = value.find("@")
    while at >= 0:
        domain = DOMAIN.match(value, at + 1)
        start = at
        while start > max(done, at - LOCAL_LENGTH) and value[start - 1] in LOCAL:
            start -= 1
        if domain is not None and start < at:
            told += value[done:start] + REDACTED
            done = domain.end()
        at = value.find("@", max(at + 1, done))
    return told + value[done:]


def _credential(match: re.Match[str]) -> str:
    head = match["scheme"] or (match["name"] or match["key"]) + (match["sep"] or match["is"])
    return head + REDACTED


def _card(match: re.Match[str]) -> str:
    return REDACTED if _is_card(match[0].replace(" ", "").replace("-", "")) else match[0]


def _is_card(digits: str) -> bool:
    """A number that a card may have: known first digits, and right by Luhn's formula (ISO/IEC 7812-1, Annex B)."""
    if not LEAST_DIGITS <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    if (digits[0] == "2" and not "22" <= digits[:2] <= "27") or (len(digits) == LEAST_DIGITS and digits[0] != "4"):
        return False
    total = sum(map(int, digits[-1::-2])) + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0
