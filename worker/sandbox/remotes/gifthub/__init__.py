"""A simulated Gifthub: gift cards in two phases, create freezes a price and confirm buys.

Written from the public copies of the Gifthub API documentation, e.g.
https://qaviation.gitbook.io/gifthub-api-doc. Where they are silent, the docstrings here say
what was assumed.
"""

from typing import Final

from worker.sandbox.remotes.gifthub.remote import Gifthub

REMOTE: Final = Gifthub
