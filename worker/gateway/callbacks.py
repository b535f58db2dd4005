"""What providers say by themselves: proven, sealed and put on the stream, answered at once.

What a callback says is not looked at here. A worker takes it for a hint, asks the provider, and
believes that answer only.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from redis.exceptions import RedisError

from worker.gateway.bodies import CALLBACK_BYTES, read_body
from worker.gateway.gate import gate_of
from worker.gateway.openapi import CALLBACK_ANSWERS, CALLBACK_BODY
from worker.gateway.proofs import Caller
from worker.gateway.refusals import not_found, unavailable
from worker.logs import get_logger
from worker.streams import put_callback

PREFIX: Final = "/callbacks/"

log = get_logger(__name__)
router = APIRouter(tags=["callbacks"])


@router.post(
    PREFIX + "{provider}/{name}",
    summary="A provider tells of an order",
    responses=CALLBACK_ANSWERS,
    openapi_extra=CALLBACK_BODY,
    response_class=Response,
    operation_id="callback",
)
async def take_callback(
    request: Request,
    provider: Annotated[str, Path(description="The provider's name.")],
    name: Annotated[
        str,
        Path(description="The order's token, or the account's name where that has a proof."),
    ],
) -> Response:
    """Take what a provider sends, whatever it is, at an order's own URL or at its account's.

    The order's own URL goes to the provider with the order. An account's URL is for providers that
    call back to one address only; it exists where the account has a proof configured.
    The body is kept encrypted until a worker has asked the provider about what it names.
    """
    gate = gate_of(request)
    caller = gate.callers.find(provider, name)
    if caller is None:
        raise not_found()
    if not caller.is_proven_by(_shown(request, caller)):
        log.warning("callback_unproven", provider=provider, account=caller.account)
        return _answer(caller.manners.unproven)
    body = await read_body(request, CALLBACK_BYTES)
    try:
        await put_callback(
            gate.redis,
            gate.vault,
            provider=provider,
            account=caller.account,
            body=body,
            order_id=caller.order_id,
        )
    except (RedisError, OSError) as error:
        log.warning("callback_not_kept", provider=provider, error=type(error).__name__)
        raise unavailable("The stream") from None
    return _answer(caller.manners.taken)


def _shown(request: Request, caller: Caller) -> list[bytes]:
    header = (caller.manners.proof_header or "").lower().encode()
    return [value for name, value in request.headers.raw if name == header]


def _answer(said: tuple[int, str]) -> Response:
    status, body = said
    return Response(body, status, media_type="application/json")
