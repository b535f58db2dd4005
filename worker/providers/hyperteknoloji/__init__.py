"""Hyperteknoloji: e-pins and game top-ups, bought in one call from a prepaid balance.

Facts are from the "Create Order" page and https://api.hyperteknoloji.com.tr/documentation/.
One software runs many tenants, each with its own host, catalogue and language.
"""

from typing import Final

from worker.providers.hyperteknoloji.adapter import Hyperteknoloji

ADAPTER: Final = Hyperteknoloji
