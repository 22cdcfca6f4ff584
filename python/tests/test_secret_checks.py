"""The same secrets are refused as by the core, in the same words."""

from __future__ import annotations

import random

from tables import core
from verdict import judge

SEED = 20260701
MIXTURES = 20_000

PIECES = (
    *("whsec_", "x", "é", " ", "\n", "\0", "\ufeff", "\xa0", "\u200b", "\u2003", "'", '"', "`"),
    *("“", "”", "\\", "b'", "undefined", "NULL", "[object Object]", "nan", "\u212aelvin", "1"),
    *("$", "${", "}", "$(", ")", "{{", "}}", "<", ">", "%", "NAME", "_", "VTRYON_WEBHOOK_SECRET"),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-16", "utf-16-le", "latin-1")


def compare(secrets: list[bytes]) -> None:
    questions = [
        {"secrets": [secret.hex()], "signatures": ["0" * 64], "body": "7b7d"} for secret in secrets
    ]
    for question, should in zip(questions, core(questions=questions)):
        assert judge(question) == should, question


def test_every_kind_of_character() -> None:
    """Each code point but most of what is a letter, and the halves of surrogate pairs."""
    ranges = (
        (0, 0x3200),
        (0xF800, 0x10000),
        (0x1BC00, 0x1BD00),
        (0x1D100, 0x1D200),
        (0xE0000, 0xE1100),
    )
    points = [point for start, end in ranges for point in range(start, end)]
    compare([f"a{chr(point)}bc".encode() for point in [*points, *range(0x3200, 0xD800, 97)]])


def test_mixtures() -> None:
    dice = random.Random(SEED)
    secrets = ["".join(dice.choices(PIECES, k=dice.randint(0, 4))) for _ in range(MIXTURES)]
    compare([secret.encode(dice.choice(ENCODINGS), "replace") for secret in secrets])
