"""Receives events in FastAPI, which is Starlette underneath."""

from vtryon_webhooks.starlette import WebhookEndpoint, receiver

__all__ = ["WebhookEndpoint", "receiver"]
