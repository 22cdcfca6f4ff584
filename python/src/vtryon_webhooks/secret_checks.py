"""Refuses secrets that were pasted with extra characters, or templates nobody filled in.

A secret counts as text if it is UTF-8 and at most half of its characters are control characters.
Any other secret is a binary key; it is refused only for whitespace at its ends, if it is zero bytes
alone, or if it is ASCII in UTF-16 with a byte order mark.
"""

from __future__ import annotations

import re

from vtryon_webhooks.errors import WebhookError

_WHITESPACE = b"\t\n\v\f\r "

_CONTROLS = "\0-\x1f\x7f-\x9f"

# Invisible characters and their messages: control characters, separators, and those that Unicode
# lists as ignorable.
_INVISIBLE = (
    (f"[{_CONTROLS}]", "the secret holds a control character"),
    ("[\xa0\u202f]", "the secret holds a no-break space"),
    ("[\u200b-\u200d\u2060\ufeff]", "the secret holds a zero-width character"),
    (
        "[\xad\u034f\u061c\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202e"
        "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
        "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]",
        "the secret holds a character that can't be seen",
    ),
)
_ANY_INVISIBLE = re.compile("|".join(f"({pattern})" for pattern, _ in _INVISIBLE))

# A byte order mark and ASCII in UTF-16, of either byte order.
_UTF16 = re.compile(rb"\xff\xfe(?:[\x00-\x7f]\x00)*|\xfe\xff(?:\x00[\x00-\x7f])*", re.DOTALL)

# Also as JSON escapes quotes, and as Python shows bytes.
_QUOTE = "[\"'`\xab\xb4\xbb\u2018-\u201f\u2039-\u203a\uff02\uff07]"
_QUOTED = re.compile(rf"[\\b]?{_QUOTE}.*{_QUOTE}", re.DOTALL)

_NO_VALUES = {
    "undefined": "the secret is the word undefined",
    "null": "the secret is the word null",
    "none": "the secret is the word none",
    "nil": "the secret is the word nil",
    "nan": "the secret is the word nan",
    "false": "the secret is the word false",
    "[object object]": "the secret is the text [object Object]",
}

# ASCII alone, as the core does: other letters have no case here.
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

_TEMPLATE = re.compile(
    r"\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>|\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%",
    re.DOTALL,
)

# The name of the variable: a secret that begins with it is a whole line of an environment file.
_VARIABLE = "VTRYON_WEBHOOK_SECRET"


def check_secret(secret: bytes) -> None:
    """Refuses secrets that look like common mistakes in configuration.

    Raises `secret_empty`, `secret_whitespace`, `secret_invisible`, `secret_quoted` or
    `secret_placeholder`; never with the secret in it.
    """
    if not secret:
        raise WebhookError("secret_empty")
    check_key(secret)
    if secret[0] in _WHITESPACE or secret[-1] in _WHITESPACE:
        raise WebhookError("secret_whitespace")
    if _UTF16.fullmatch(secret):
        raise WebhookError(
            "secret_invisible", "the secret is UTF-16 and begins with a byte order mark"
        )
    text = _text_of(secret)
    if text is not None:
        _check_text(text)


def check_key(key: bytes) -> None:
    """Refuses a key of zero bytes alone, or of no bytes.

    HMAC pads a key with zeros to 64 bytes, so up to 64 zeros are the empty key, with which anyone
    can sign.
    """
    if not any(key):
        raise WebhookError(
            "secret_empty", "the secret holds only zero bytes, which are as good as none"
        )


def _text_of(secret: bytes) -> str | None:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return None
    return text if len(re.findall(f"[{_CONTROLS}]", text)) * 2 <= len(text) else None


def _check_text(text: str) -> None:
    if text.startswith("\ufeff"):
        raise WebhookError("secret_invisible", "the secret begins with a byte order mark (U+FEFF)")
    found = _ANY_INVISIBLE.search(text)
    if found is not None:
        _, what = _INVISIBLE[(found.lastindex or 1) - 1]
        raise WebhookError("secret_invisible", what)
    if _QUOTED.fullmatch(text):
        raise WebhookError("secret_quoted")
    name = text[6:] if text.startswith("whsec_") else text
    if not name:
        raise WebhookError("secret_empty", "the secret is empty after whsec_")
    word = _NO_VALUES.get(name.translate(_LOWER))
    if word is not None:
        raise WebhookError("secret_placeholder", word)
    if _TEMPLATE.fullmatch(name):
        raise WebhookError(
            "secret_placeholder", "the secret is a template such as ${NAME} that was not filled in"
        )
    if text.startswith(_VARIABLE):
        raise WebhookError(
            "secret_placeholder", f"the secret begins with the name of its variable, {_VARIABLE}"
        )
