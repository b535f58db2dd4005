"""A simulated Adobe VIP Marketplace: orders of licences by the Commerce Partner API v3.

Written from its public documentation, https://developer.adobe.com/vipmp/docs. Where that is
silent, the docstrings here say what was assumed.
"""

from typing import Final

from worker.sandbox.remotes.adobe_vipm.remote import AdobeVipm

REMOTE: Final = AdobeVipm
