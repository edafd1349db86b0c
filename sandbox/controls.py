"""The shared controls under /_sandbox: state, reset, clock, faults, webhooks under way. Served on every port."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.delivery import DeliveryFault
from sandbox.faults import Fault
from sandbox.world import World

Handler = Callable[[dict[str, Any]], Any]


def control(path: str, handler: Handler, methods: tuple[str, ...] = ("POST",)) -> Route:
    """A control route: JSON object in (query parameters for GET), JSON out, ValueError and KeyError become 400.

    Args:
        path: Below /_sandbox, e.g. "/seller/task/delete".
        handler: Gets the body's fields as a dict; what it returns is answered as JSON.
        methods: HTTP methods.
    """

    async def endpoint(request: Request) -> Response:
        if request.method == "GET":
            data: dict[str, Any] = dict(request.query_params)
        else:
            raw = await request.body()
            data = await request.json() if raw else {}
        try:
            result = handler(data)
            if isinstance(result, Awaitable):
                result = await result
        except (ValueError, KeyError, TypeError) as error:
            what = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            return JSONResponse({"error": what, "control": path}, 400)
        return JSONResponse(result if result is not None else {"ok": True})

    return Route("/_sandbox" + path, endpoint, methods=list(methods))


def control_routes(world: World) -> list[BaseRoute]:
    """All controls: the shared ones and those of every service."""

    def clock(data: dict[str, Any]) -> dict[str, Any]:
        if "advance_s" in data:
            world.clock.advance(float(data["advance_s"]))
        elif "now" in data:
            moment = datetime.fromisoformat(data["now"]) if data["now"] else None
            if moment and moment.tzinfo is None:
                raise ValueError(f"now is {data['now']!r}, which has no UTC offset; write e.g. 2026-03-10T14:00:00-03:00")
            world.clock.set(moment)
        return {"now": world.clock.now().isoformat(), "fixed": world.clock.is_fixed}

    def add_fault(data: dict[str, Any]) -> dict[str, Any]:
        if data.get("service") not in world.services:
            raise ValueError(f"service is {data.get('service')!r}; use one of {', '.join(world.services)}")
        return world.faults.add(Fault(**data)).describe()

    def weather(data: dict[str, Any]) -> dict[str, Any]:
        if (strength := float(data.get("strength", 1.0))) < 0:
            raise ValueError(f"strength is {strength:g}; use 0 or more")
        brewed = world.brew(int(data["seed"]), strength=strength, late_s=float(data.get("late_s", 2.5)))
        return {"seed": brewed.seed, "strength": brewed.strength}

    def calm_down(_: dict[str, Any]) -> dict[str, Any]:
        brewed = world.faults.weather
        world.calm_down()
        came = sorted(brewed.came.items()) if brewed else []
        return {"came": [{"service": service, "what": what, "times": times} for (service, what), times in came]}

    def add_delivery_fault(data: dict[str, Any]) -> None:
        world.deliveries.faults.append(DeliveryFault(**data))

    def requests(data: dict[str, Any]) -> list[dict[str, Any]]:
        service = data.get("service")
        return [entry for entry in world.requests if service in (None, entry["service"])]

    def release(data: dict[str, Any]) -> dict[str, Any]:
        world.faults.planned = [f for f in world.faults.planned if not f.hold]
        return {"ok": True}

    shared = [
        control("/state", lambda _: world.snapshot(), ("GET",)),
        control("/reset", world.reset),
        control("/clock", clock, ("GET", "POST")),
        control("/idle", lambda _: {"idle": world.deliveries.idle}, ("GET",)),
        control("/requests", requests, ("GET",)),
        control("/faults", lambda _: [f.describe() for f in world.faults.planned], ("GET",)),
        control("/faults", add_fault),
        control("/faults", lambda _: world.faults.clear(), ("DELETE",)),
        control("/faults/release", release),
        control("/weather", weather),
        control("/weather", calm_down, ("DELETE",)),
        control("/deliveries", lambda _: [d.describe() for d in world.deliveries.log], ("GET",)),
        control("/deliveries/faults", add_delivery_fault),
        control(
            "/deliveries/release",
            lambda data: {"released": world.deliveries.release(newest_first=bool(data.get("newest_first")))},
        ),
    ]
    return [*shared, *(route for service in world.services.values() for route in service.controls())]
