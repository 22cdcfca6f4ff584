"""Asks PyPI's `standardwebhooks` for its verdict on deliveries.

Reads `{"secret": …, "headers": {…}, "body": base64}` from standard input, one a line, and answers
each with a line: `verified`, or the name of the exception. The body is JSON, which the library
parses after its check.
"""

from __future__ import annotations

import base64
import json
import sys

from standardwebhooks.webhooks import Webhook

for line in sys.stdin:
    delivery = json.loads(line)
    body = base64.b64decode(delivery["body"])
    try:
        Webhook(delivery["secret"]).verify(body, delivery["headers"])
        print("verified")
    except Exception as refusal:
        print(type(refusal).__name__)
