"""The live page without a browser: Streamlit's own protocol, as far as a viewer needs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import websockets.asyncio.client
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

#: Where a message of Streamlit's may be larger than the library's own limit.
_LARGEST: Final = 64 * 1024 * 1024

PATIENCE_S: Final = 60.0


class LivePage:
    """Opens the page, agrees to the notice, and holds the player's value.

    Args:
        address: host and port of the server.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._values: dict[str, WidgetState] = {}
        self._buttons: dict[str, str] = {}  # label -> id
        self._page_hash = ""
        self._player: tuple[str, dict[str, Any]] | None = None
        self._changed = asyncio.Condition()
        self._again: dict[str, asyncio.Task[None]] = {}  # fragments that run by themselves
        self.texts: dict[str, str] = {}

    async def open(self) -> None:
        """Connect, open the page and agree to the notice."""
        self._socket = await websockets.asyncio.client.connect(
            f"ws://{self._address}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=_LARGEST,
        )
        self._reader = asyncio.create_task(self._read())
        await self._run()
        await self._until(lambda: self._player is not None or "agrees" in str(self._buttons))
        if self._player is None:
            notice = next(key for label, key in self._buttons.items() if "agrees" in label)
            await self._run(WidgetState(id=notice, trigger_value=True))
            await self._until(lambda: self._player is not None)

    async def offer(self, sdp: str, kind: str) -> tuple[str, str]:
        """Hand an offer in; returns the answer, SDP and type."""
        offer = {"sdp": sdp, "type": kind}
        await self._set_player({"playing": False, "sdpOffer": offer, "iceCandidates": {}})
        await self._until(lambda: bool(self._arguments().get("sdp_answer_json")))
        answer = json.loads(self._arguments()["sdp_answer_json"])
        return answer["sdp"], answer["type"]

    async def play(self) -> None:
        """Tell that the connection has come about."""
        await self._set_player({"playing": True, "sdpOffer": "", "iceCandidates": {}})

    async def close(self) -> None:
        """Close the tab."""
        for task in (self._reader, *self._again.values()):
            task.cancel()
        await self._socket.close()

    def _arguments(self) -> dict[str, Any]:
        return {} if self._player is None else self._player[1]

    async def _set_player(self, value: dict[str, Any]) -> None:
        assert self._player is not None
        key = self._player[0]
        self._values[key] = WidgetState(id=key, json_value=json.dumps(value))
        await self._run()

    async def _run(self, *triggers: WidgetState, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_name = "" if self._page_hash else "live"
        message.rerun_script.page_script_hash = self._page_hash
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        message.rerun_script.widget_states.widgets.extend([*self._values.values(), *triggers])
        await self._socket.send(message.SerializeToString())

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError as exc:
            raise TimeoutError(f"The page got no further; it says: {self.texts}") from exc

    async def _read(self) -> None:
        async for data in self._socket:
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self._page_hash = message.new_session.page_script_hash
                self._stop_fragments()
            elif kind == "navigation":  # of the two, this is what a browser goes by
                self._page_hash = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                again = message.auto_rerun
                self._again[again.fragment_id] = asyncio.create_task(
                    self._repeat(again.fragment_id, again.interval)
                )
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._take(message.delta.new_element)
            async with self._changed:
                self._changed.notify_all()

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "component_instance":
            instance = element.component_instance
            self._player = (instance.id, json.loads(instance.json_args))
        elif kind == "button":
            self._buttons[element.button.label] = element.button.id
        elif kind in ("alert", "exception", "heading", "markdown"):
            part = getattr(element, kind)
            self.texts[kind] = getattr(part, "body", "") or part.message
        elif kind == "metric":
            self.texts[element.metric.label] = element.metric.body

    async def _repeat(self, fragment: str, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await self._run(fragment=fragment)

    def _stop_fragments(self) -> None:
        for task in self._again.values():
            task.cancel()
        self._again.clear()
