"""What every receiver does: believe only what is signed, take each change once, say so by 200."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

ENDS = {"delivered", "refused", "failed", "cancelled", "expired"}


class Receiver(HTTPServer):
    """Listens at a port of this machine for notifications signed with a producer's secret."""

    def __init__(self, port: int, secret: str) -> None:
        super().__init__(("127.0.0.1", port), Hook)
        self.webhook = Webhook(secret)
        self.heard: set[str] = set()  # a shop keeps these, in the commit that acts on the news
        self.news: list[dict[str, Any]] = []

    def until_ended(self, intent_id: str) -> Iterator[dict[str, Any]]:
        """Each change of an intent with one line, up to its last."""
        state = None
        while state not in ENDS:
            self.handle_request()
            while self.news:
                message = self.news.pop(0)
                if message["data"].get("intent_id") == intent_id:
                    yield message
                    # What was set aside has no state; nothing more will be heard by itself.
                    state = message["data"].get("state", "refused")


class Hook(BaseHTTPRequestHandler):
    """One webhook."""

    server: Receiver

    def do_POST(self) -> None:
        """Verify the raw body: parsed and written again it would have another signature."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            message = self.server.webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        if self.headers["webhook-id"] not in self.server.heard:
            self.server.heard.add(self.headers["webhook-id"])
            self.server.news.append(message)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
