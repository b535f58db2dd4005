"""Speaking HTTP to a provider so that we always know whether our request may have left.

Lives here: one connection pool per provider account, the moment a request is let onto the
wire, and what a call without an answer came to. May not: what an answer *means* (adapters),
whether to try again (steps), delivering webhooks to producers (they have other guards).

``Channel`` is what adapters use. ``AiohttpTransport`` also serves a whole
``httpx.AsyncClient``, for whoever needs redirects, cookies or uploads.
"""

from worker.http.channel import Channel
from worker.http.deadline import Deadline
from worker.http.reply import Reply, Unreadable
from worker.http.transport import AiohttpTransport

__all__ = ["AiohttpTransport", "Channel", "Deadline", "Reply", "Unreadable"]
