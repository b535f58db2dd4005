"""A simulated Hyperteknoloji tenant: e-pins and top-ups, one call to buy, status per line.

Written from https://api.hyperteknoloji.com.tr/documentation/api/reseller and the pages beside
it. Where those are silent, the docstrings here say what was assumed.
"""

from typing import Final

from worker.sandbox.remotes.hyperteknoloji.remote import Hyperteknoloji

REMOTE: Final = Hyperteknoloji
