"""Adobe VIP Marketplace: licences, ordered by the Commerce Partner API v3.

Facts are from https://developer.adobe.com/vipmp/docs (orders, idempotency, error handling).
"""

from typing import Final

from worker.providers.adobe_vipm.adapter import AdobeVipm

ADAPTER: Final = AdobeVipm
