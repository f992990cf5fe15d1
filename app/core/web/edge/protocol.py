"""Uvicorn's HTTP protocol with limits on what a client may send, and on how long it may take."""

import asyncio
from collections import deque
from typing import Any, Final, cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.core.ids import new_id
from app.core.limits.callers import KNOWN
from app.core.limits.streams import DRAIN
from app.core.problems import BadRequest, Problem, RequestTimeout, Unavailable
from app.core.text.messages import Message, _, verbatim
from app.core.web.edge.connections import ConnectionLimits, Guard
from app.core.web.edge.heads import asks_in_vain, fault, without_upgrade
from app.core.web.edge.phases import OVER, Phase
from app.core.web.edge.refusals import head_too_large, refusal
from app.core.web.edge.slow_reader import SlowReader
from app.core.web.edge.transports import GentleTransport, JoiningTransport
from app.core.web.edge.watched import Lag, Use

_SLICE: Final = 2**14
"""Bytes that the parser gets at once: so much may come beyond a limit before it is seen."""
_CHUNKS: Final = 1024
_CHUNK: Final = 32
"""So many chunks of a body may be smaller than this, on an average: each costs as much as a large one."""
_LEFT_OVER: Final = 2**20
"""Bytes of a body that are read and thrown away after its request was answered."""
_PIPELINED: Final = 16
"""Requests that may wait behind one that is not answered yet."""
_QUIET: Final = 1.0
"""Seconds without a byte after which an answer that stays open ends, where its client sends no more."""
_LINGER: Final = 2.0
"""Seconds for which what a refused client still sends is read and thrown away: else it might not see the answer."""
_FAREWELL: Final = 3.0
"""How long a reader may take for the end of an answer that stayed open: one that reads no more holds up nobody."""
_log = structlog.get_logger("heliodesk.http")


class Connections:
    """Makes the protocol of each connection of a process; uvicorn calls it as it would call a protocol's class."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._guard = Guard(limits)

    def __call__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> "Connection":
        """The protocol of one connection."""
        return Connection(self._guard, config, server_state, app_state)


class Connection(HttpToolsProtocol):
    """One client's connection.

    What is too large or takes too long is refused with a problem document, behind the answers to the requests before
    it, and the connection is closed; where its own answer has begun already, it is dropped. A client that closes its
    side is answered all that it has asked completely. Whoever does not read an answer is dropped, and a request that
    was sent ahead begins only when most of the answers before it have been taken: until then it holds no place among
    those in progress.
    """

    def __init__(
        self, guard: Guard, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard, self._limits = guard, guard.limits
        self.host, self._phase, self._since, self._served = "", Phase.REQUEST, 0.0, 0
        self._size = self._silent = self._body = self._chunks = 0
        self._refusal = self._last_word = cast("Problem | None", None)
        self._unanswered: deque[RequestResponseCycle] = deque()
        self._is_held = self._sends_no_more = False
        self._waiting: list[bytes] = []
        self._again = b""

    def connection_made(self, transport: Any) -> None:
        """Take the connection, or refuse it where there are too many."""
        self._joining = JoiningTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._joining))
        self._gentle = GentleTransport(self, self._joining)
        self._reader = SlowReader(self._joining, self._limits.write_timeout)
        self.host = self.client[0] if self.client else ""
        self._enter(Phase.REQUEST)
        if refused := self._guard.admit(self):
            self._enter(Phase.END)
            self._tell_refusal(refused)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up the connection's place."""
        self._guard.release(self)
        for cycle in self._unanswered:  # uvicorn tells only the last of them
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; from a stranger when it is its turn, and no more of it until then."""
        if self._waiting:
            self._waiting.append(data)
        elif self._is_known or self._guard.strangers.admits(self.host, self._come_in):
            self._take(data)
        else:
            self._waiting.append(data)
            self.flow.pause_reading()

    @property
    def _is_known(self) -> bool:
        """Whether the last request is that of somebody known."""
        return self.cycle is not None and bool(cast("dict[str, Any]", self.cycle.scope).get(KNOWN))

    def _come_in(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._take(data)
        if self._sends_no_more:
            self._refuse(None)

    def _take(self, data: bytes) -> None:
        """Parse what has come, a little at a time, unless the client has been refused."""
        for start in range(0, len(data), _SLICE):
            if self._phase in OVER or self.transport.is_closing():
                return
            piece = data[start : start + _SLICE]
            self._silent += len(piece)
            self._parse(piece)
            if self._silent > self._limits.header_bytes:
                self._refusal = self._refusal or self._too_large()
            if self._refusal:
                self._refuse(self._refusal)

    def _parse(self, piece: bytes) -> None:
        """Parse it; also what is behind a wish for another protocol: none is spoken, so that is the next request.

        Of a request with a body, the parser gets the head again without that wish: else it would not see the body.
        """
        self._unset_keepalive_if_required()
        while piece and not self._refusal:
            try:
                self.parser.feed_data(piece)
            except HttpParserUpgrade as upgrade:
                if self._again:  # the old one takes nothing any more where the head ends the connection
                    self.parser = HttpRequestParser(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                piece, self._again = self._again + piece[upgrade.args[0] :], b""
            except HttpParserError:
                self._refusal = self._refusal or BadRequest(verbatim("Invalid HTTP request received."))
            else:
                return

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. True where it may still be answered, and the connection stays open."""
        self._sends_no_more = True
        if not self._waiting:
            self._refuse(None)
        return bool(self._waiting or self._phase is Phase.LAST) and not self.transport.is_closing()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._size = self._silent = self._body = self._chunks = 0
        if self._phase not in OVER:
            self._enter(Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._silent = 0
        self._size += len(url)
        if self._size > self._limits.header_bytes:
            self._refusal = self._too_large()
        else:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer behind a chunked body."""
        self._silent = 0
        self._size += len(name) + len(value) + len(b": \r\n")
        if self._size > self._limits.header_bytes or len(self.headers) >= self._limits.header_fields:
            self._refusal = self._too_large()
        elif self._phase is not Phase.BODY:  # a trailer is no part of what the head says (RFC 9110, 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete: the application gets the request."""
        self._silent = 0
        parser = self.parser
        version, method, upgrades = parser.get_http_version(), parser.get_method(), parser.should_upgrade()
        if asks_in_vain(method, self.headers, upgrades=upgrades) and not self._refusal:
            self._again = without_upgrade(method, self.url, version, self.headers)
            return
        if wrong := fault(self.headers, version, upgrades=upgrades):
            self._refusal = self._refusal or BadRequest(wrong)
        if len(self.pipeline) >= _PIPELINED:
            self._refusal = self._refusal or BadRequest(
                _("At most {most} requests may wait behind one that is not answered yet", most=_PIPELINED)
            )
        if self._refusal or self._phase in OVER:
            return
        before = self.cycle
        super().on_headers_complete()  # fails where the target is none: then there is no request to speak of
        self._enter(Phase.BODY)
        if self.cycle is not before:
            self.cycle.transport = cast("Any", self._gentle)
            self._unanswered.append(self.cycle)
            if len(self._unanswered) == 1:  # else what comes next is of the answer before
                self._joining.hold_next()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._silent = 0
        if self._refusal:
            return
        self._body += len(body)
        self._chunks += 1
        if self._chunks > _CHUNKS and self._body < _CHUNK * self._chunks:
            self._refusal = BadRequest(_("The body comes in too many chunks of a few bytes"))
        elif self.is_ahead_of_body:
            if self._body > _LEFT_OVER:
                self.end()
        else:
            super().on_body(body)
            self._guard.hold(self, len(body))

    def on_message_complete(self) -> None:
        """The request is complete."""
        if not self._refusal and not self._again and self._phase not in OVER:
            super().on_message_complete()
            self._served += 1
            self._enter(Phase.REQUEST)

    @property
    def is_ahead_of_body(self) -> bool:
        """Whether the answer to the request whose body still comes is complete."""
        return self._phase is Phase.BODY and self.cycle.response_complete

    def end(self) -> None:
        """Take no further request; what still comes is thrown away, and the connection closed soon."""
        self.flow.resume_reading()
        self.transport.write_eof()
        self._enter(Phase.END)

    def on_response_complete(self) -> None:
        """An answer is written: the next request begins, once the client has taken most of what waits to be sent."""
        if self._unanswered:
            self._unanswered.popleft()
        if not self._unanswered:
            self._guard.let_go(self)
        if self._phase is Phase.END:
            return
        if self._phase is Phase.LAST and not self._unanswered:
            self._close_with_last_word()
        elif self.flow.write_paused and not self.transport.is_closing():
            self._is_held = True
            self.flow.pause_reading()
        else:
            super().on_response_complete()

    def pause_writing(self) -> None:
        """More waits to be sent than is sent at once."""
        super().pause_writing()
        self._reader.begin(self.loop.time())

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._reader.end()
        if self._is_held:
            self._is_held = False
            super().on_response_complete()

    def shutdown(self) -> None:
        """Close the connection once its answer is complete; an answer that stays open is told to end."""
        super().shutdown()
        if self._end_open_answer(_("the service is about to stop")):
            self.loop.call_later(_FAREWELL, self.transport.abort)

    def _end_open_answer(self, reason: Message) -> bool:
        """Tell the answer in progress to end, if it is one that stays open."""
        drain = cast("dict[str, Any]", self._unanswered[0].scope).get(DRAIN) if self._unanswered else None
        if drain:
            drain(reason)
        return drain is not None

    @property
    def use(self) -> Use:
        """What it is open for."""
        if self._phase in (Phase.HEAD, Phase.BODY):
            return Use.SENDING
        if not self._unanswered:
            return Use.NOTHING
        scopes = (cast("dict[str, Any]", cycle.scope) for cycle in self._unanswered)
        return Use.ANSWER if any(scope.get(KNOWN) for scope in scopes) else Use.STRANGER

    def shed(self) -> None:
        """Refuse the request whose body is being received."""
        self._refusal = Unavailable(_("The service holds too many request bodies"), headers={"Retry-After": "1"})
        self._refuse(self._refusal)

    def lag(self, now: float) -> Lag | None:
        """What its client has not taken yet, if it has been slow to for a while."""
        return self._reader.lag(now)

    def drop(self, reason: str) -> None:
        """End it at once, with all that was not sent."""
        _log.info("connection dropped", address=self.host, reason=reason)
        self._enter(Phase.END)
        self.transport.abort()

    def check(self, now: float) -> None:
        """End the connection, or what it waits for, when that has taken too long."""
        took = now - self._since
        if self._reader.is_too_slow(now):
            self.drop("the client does not read")
        elif self._phase is Phase.END:
            if took > _LINGER:
                self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._phase is Phase.LAST:
            if now - max(self._since, self._joining.written) > _QUIET:
                self._end_open_answer(_("the connection accepts no further requests"))
        elif self._is_held:
            self._since = now  # what its client sends is not read meanwhile
        elif late := self._too_late(took):
            self._refuse(late)
        elif self._phase is Phase.REQUEST and self._is_idle(now):
            self.transport.close()

    def _too_late(self, took: float) -> Problem | None:
        """What a request is refused with that has been coming for so many seconds, if that is too long."""
        limits = self._limits
        if self._phase is Phase.HEAD and took > limits.header_timeout:
            return RequestTimeout(
                _("The header of the request did not arrive within {seconds} seconds", seconds=limits.header_timeout)
            )
        if self._phase is Phase.BODY and took > limits.body_timeout:
            return RequestTimeout(_("The body did not arrive within {seconds} seconds", seconds=limits.body_timeout))
        return None

    def _is_idle(self, now: float) -> bool:
        """Whether no request has come for too long; uvicorn's own timer forgets it after a stray byte."""
        if self.cycle and not self.cycle.response_complete:
            self._since = now
        return now - self._since > (self._limits.keep_alive if self._served else self._limits.header_timeout)

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, self.loop.time()

    def _too_large(self) -> Problem:
        return head_too_large(self._limits.header_bytes, self._limits.header_fields)

    def _refuse(self, problem: Problem | None) -> None:
        """Take no further request: answer those before, then with the problem if there is one, and close.

        A request of which not everything has come is forgotten.
        """
        if self._phase in OVER:
            return
        if self.is_ahead_of_body:
            self.end()
            return
        if self._phase is Phase.BODY:
            if self.cycle.response_started:
                self.drop(str(problem or "the client left in the middle of its request"))
                return
            self._forget(self.cycle)
        self._last_word = problem
        self._enter(Phase.LAST)
        if not self._unanswered:
            self._close_with_last_word()

    def _forget(self, cycle: RequestResponseCycle) -> None:
        """The newest request is not answered: whatever the application sends later goes nowhere."""
        cycle.disconnected = True
        cycle.message_event.set()
        self._unanswered.pop()
        if self.pipeline:
            self.pipeline.popleft()

    def _close_with_last_word(self) -> None:
        self._guard.let_go(self)
        if self.transport.is_closing():
            return
        if self._last_word is None:
            self.transport.close()
        else:
            self._tell_refusal(self._last_word)
            self.end()

    def _tell_refusal(self, problem: Problem) -> None:
        if not self._guard.answers_refusal(self.host):
            return
        _log.info("connection refused", address=self.host, status=problem.status, reason=str(problem))
        self.transport.write(refusal(problem, new_id("req"), self.server_state.default_headers))
