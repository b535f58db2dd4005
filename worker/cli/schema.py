"""``orderline schema``."""

from enum import StrEnum
from typing import Annotated

import typer

from schemas import intents, notifications
from worker.cli.output import print_json


class Message(StrEnum):
    """What has a schema."""

    INTENT = "intent"
    NOTIFICATION = "notification"


def schema(
    message: Annotated[Message, typer.Argument(help="Which message.")] = Message.INTENT,
) -> None:
    """Print the JSON Schema of what a producer says (intent) or is told (notification).

    Example: orderline schema notification > notification.schema.json
    """
    match message:
        case Message.INTENT:
            print_json(intents.json_schema())
        case Message.NOTIFICATION:
            print_json(notifications.json_schema())
