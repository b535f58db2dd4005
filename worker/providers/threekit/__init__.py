"""Threekit: a shop's order recorded with the configurations that were sold; nothing is paid.

Facts are from the "Creates Order" page, from https://developer.threekit.com/reference/rest-api
and the community's pages about orders and tokens, and from Threekit's public SDK.
"""

from typing import Final

from worker.providers.threekit.adapter import Threekit

ADAPTER: Final = Threekit
