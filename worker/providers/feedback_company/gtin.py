"""GTINs: the provider takes valid GTIN-13s only, and an order is not lost for one that is none."""

from typing import Final

_UPC: Final = 12


def gtin_13(digits: str) -> str | None:
    """A GTIN-13 or UPC-12 as a GTIN-13; ``None`` where its check digit is wrong (GS1, mod 10)."""
    whole = f"0{digits}" if len(digits) == _UPC else digits
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(whole))
    return None if weighed % 10 else whole
