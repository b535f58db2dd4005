"""A simulated Threekit organisation: orders as records of configurations, found by their platform.

Written from the "Creates Order" page, https://developer.threekit.com/reference/rest-api and the
community's pages about listing orders. Where those are silent, the docstrings here say what was
assumed.
"""

from typing import Final

from worker.sandbox.remotes.threekit.remote import Threekit

REMOTE: Final = Threekit
