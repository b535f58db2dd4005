"""Our exceptions. Expected results are returned (``worker.outcome``); these are the rest.

OrderlineError
├── SettingsError        a setting is missing or wrong; the user can mend it
├── IntentFault          an intent cannot become an order (in ``schemas.intents``)
├── UnknownProducer      a name that was never registered
├── NotFound             an id that names nothing
├── PulseUnreadable      a living worker's pulse (in ``worker.pulse``)
└── EmbeddedError        an embedded server could not be found, started or stopped
"""


class OrderlineError(Exception):
    """The root of everything Orderline raises on purpose."""


class SettingsError(OrderlineError):
    """A setting is missing or wrong. The message names the variable and what is allowed."""


class UnknownProducer(OrderlineError):
    """No producer of that name is registered."""


class NotFound(OrderlineError):
    """There is nothing with that id."""


class EmbeddedError(OrderlineError):
    """An embedded server could not be found, started or stopped."""
