"""Google's push messages: headers only, no body. Each says "this calendar changed, come and look", and nothing more."""

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from meetings.push_channels import PATH, PushChannels

_MAX_BODY = 1024  # bytes; Google sends none
log = structlog.get_logger("webhooks")


def mount_google(app: FastAPI, push: PushChannels, count: Callable[[str], None]) -> None:
    """Adds the route. `count` is told what came of each message."""

    @app.post(PATH)
    async def google(
        request: Request,
        x_goog_channel_id: Annotated[str, Header()] = "",
        x_goog_channel_token: Annotated[str, Header()] = "",
        x_goog_resource_id: Annotated[str, Header()] = "",
        x_goog_resource_state: Annotated[str, Header()] = "",
    ) -> JSONResponse:
        """A push message. Google repeats it after a 5xx and drops it after anything else that is no success."""
        if await _is_too_large(request):
            count("google too large")
            return JSONResponse({"error": f"body larger than {_MAX_BODY} bytes"}, 413)
        try:
            is_ours = await push.notified(x_goog_channel_id, x_goog_channel_token, x_goog_resource_id, x_goog_resource_state)
        except Exception as error:
            # Whatever it is, it is ours: the sender must try again.
            log.error("push message not stored", problem=type(error).__name__)
            count("not stored")
            return JSONResponse({"error": "not stored, try again"}, 503, headers={"retry-after": "5"})
        if not is_ours:
            count("google unknown channel")
            return JSONResponse({"error": "unknown channel"}, 404)
        count("google channel opened" if x_goog_resource_state == "sync" else "google stored")
        return JSONResponse({"stored": int(x_goog_resource_state != "sync")})


async def _is_too_large(request: Request) -> bool:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_BODY:
            return True
    return False
