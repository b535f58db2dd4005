"""``orderline new-key``."""

import typer

from worker.crypto import Vault


def new_key() -> None:
    """Print a fresh key for ORDERLINE_ENCRYPTION_KEYS. Needs no settings.

    To change keys put the new one first and keep the old ones behind it, comma separated: they
    still open what they sealed.

    Example: export ORDERLINE_ENCRYPTION_KEYS=$(orderline new-key)
    """
    typer.echo(Vault.new_key())
