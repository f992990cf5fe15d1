"""Schemathesis: requests that it makes up from the document, valid and not, get no 5xx and nothing undeclared.

``HELIODESK_FUZZ`` is the number of made-up requests for each operation; with it they are others at each run. For each
kind of key there is a run of ``HELIODESK_FUZZ_SECONDS`` over all operations (a minute in CI, ten in `make fuzz`).
"""

import ctypes
import gc
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from random import randrange
from threading import Thread
from typing import Any, Final, NamedTuple, TypeAlias, get_args

import pytest
import requests
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Config
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode, derive_operation_seed
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.specs.openapi._caches import clear_all
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from app.core import auth
from app.core.clock import monotonic
from app.core.keys.scopes import SCOPES
from app.core.settings import Settings
from app.main import create_app
from tests.contract.callers import RULES
from tests.contract.document import DOCUMENT, OPERATIONS
from tests.contract.kept import forget
from tests.contract.world import World, open_world
from tests.support.actors import Headers
from tests.support.database import new_database
from tests.support.ports import free_port

Case: TypeAlias = Any  # generic over the transport's answer, which nothing here looks at
Send = Callable[[Case, Headers], object]

WANTED: Final = os.environ.get("HELIODESK_FUZZ")
SECONDS: Final = os.environ.get("HELIODESK_FUZZ_SECONDS")
BUDGET: Final = float(SECONDS or 2)
RUN: Final = randrange(2**32) if WANTED else 0  # noqa: S311  it chooses examples
CONFIG: Final[dict[str, Any]] = {
    "suppress-health-check": ["too_slow", "filter_too_much"],
    "request-timeout": 60,  # how long answers take is for bench/
    "generation": {
        "max-examples": int(WANTED or 3),
        "deterministic": not WANTED,
        "database": "none",
        "with-security-parameters": False,  # the keys are ours
        "allow-extra-parameters": False,  # one that is not known is refused: tests/contract/test_parameters.py
    },
    "checks": {
        "positive_data_acceptance": {"enabled": False},  # no schema tells which plan or which transition there is
        "negative_data_rejection": {"expected-statuses": ["4xx"]},  # 412 comes before a look at the body
    },
}
EDGES: Final[dict[str, Any]] = {"phases": {"coverage": {"unexpected-methods": []}}}
"""Methods that a path does not have are tried in test_bad_input.py."""
NO_EDGES: Final = {"phases": {"coverage": {"enabled": False}}}
ENDLESS: Final = "stream_events"
"""Its answer does not end, unless ``seconds`` says so; it reads its parameters as ``list_events`` does."""
READS: Final = {name for name, operation in OPERATIONS.items() if operation.method == "GET"}
READS_FIRST: Final = sorted(OPERATIONS.keys() - {ENDLESS}, key=lambda name: (name not in READS, name))
FOR_ADMINS: Final = [name for name, refused in RULES.items() if "owner" in refused]

READING: Final = [scope for scope in SCOPES if scope.endswith(":read")]
KINDS: Final = (
    "admin",
    "agent",
    "engineer",
    "support, reading",
    "owner",
    "editor",
    "viewer",
    "account, reading",
    "own hook",
    "widget, person",
    "widget, own tickets",
    "widget, guest",
    "ticket, person",
    "ticket, follower",
    "nobody",
)

CI: Final = Path(__file__).resolve().parents[2] / ".ci" / "run"
_KIND: Final = re.compile(r"Bearer hd_([a-z]+)_")


@schemathesis.serializer("message/rfc822")
def as_mail(_: object, value: Any) -> bytes:
    """A raw e-mail, as bytes are made up for one."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


# A stateful run takes the links of its document apart.
everything = schemathesis.openapi.from_dict(deepcopy(DOCUMENT), config=Config.from_dict(CONFIG | EDGES)).exclude(
    operation_id=ENDLESS
)
for_customers = schemathesis.openapi.from_dict(deepcopy(DOCUMENT), config=Config.from_dict(CONFIG | NO_EDGES))


class Served(NamedTuple):
    """A service, and where it is."""

    app: FastAPI
    address: str


@contextmanager
def serving(url: str) -> Iterator[Served]:
    """The service on the database at ``url``, in a thread with a loop of its own."""
    port = free_port()
    unlimited: dict[str, Any] = {
        "rate_per_key": 0,
        "rate_per_account": 0,
        "bytes_per_account": 0,
        "rate_per_address": 0,
        "rate_per_network": 0,
        "rate_per_visiting_address": 0,
        "tickets_per_minute": 0,
    }
    app = create_app(Settings(database_url=url, background=False, **unlimited))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield Served(app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """What requests were made up from is let go after the last test here: it is hundreds of MB."""
    yield
    every_operation.cache_clear()
    for schema in (everything, for_customers):
        schema._operations.clear_cache()  # type: ignore[attr-defined]  # it has no name of its own
    clear_all()
    gc.collect()
    with suppress(AttributeError):  # another C library than glibc keeps what it has
        ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope="module")
async def url(server: str, template: str) -> AsyncIterator[str]:
    async with new_database(server, template) as url:
        yield url


@pytest.fixture(scope="module")
def served(url: str) -> Iterator[Served]:
    with serving(url) as served:
        yield served


@pytest.fixture(scope="module")
def send(served: Served, desk: World) -> Iterator[Send]:
    """Sends a case to the service over one connection, and checks the answer.

    That an operation needs a key at all is tried once, with the first request of it that has been granted.
    """
    guarded: set[str] = set()
    with requests.Session() as session:
        session.trust_env = False

        def send(case: Case, headers: Headers) -> None:
            unjudged: list[Any] = [negative_data_rejection] if _is_written_as_a_list(case) else []
            unjudged += [ignored_auth] if case.operation.label in guarded else []
            answer = case.call_and_validate(
                base_url=served.address, session=session, headers=headers, excluded_checks=unjudged
            )
            if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
                guarded.add(case.operation.label)
            desk.is_used |= case.method != "GET" and answer.status_code < HTTPStatus.MULTIPLE_CHOICES
            if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and case.method == "POST":
                faults = answer.json().get("errors", ())
                assert [fault for fault in faults if not _leads_into(fault["pointer"], case.body)] == []

        yield send


def _is_written_as_a_list(case: Case) -> bool:
    """Whether the query has one value where the document wants a list: written, that is a list of one text."""
    lists = OPERATIONS[case.operation.definition.raw["operationId"]].lists
    return any(name in lists and not isinstance(value, list) for name, value in (case.query or {}).items())


def _leads_into(pointer: str, body: object) -> bool:
    """Whether a pointer names a place of the body that was sent, or a member that it should have."""
    if pointer.startswith("#"):
        return True
    value = body
    for token in pointer.split("/")[1:-1]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True


@pytest.fixture(scope="module")
async def desk(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(url, tmp_path_factory.mktemp("files")) as world:
        yield world


@pytest.fixture
async def things(desk: World, served: Served) -> World:
    """The desk, with new things unless nothing has been written since there were new ones."""
    if desk.is_used:
        await desk.renew()
        forget(served.app.state.heliodesk.sessions)
    return desk


def wait_for_nothing(case: Case) -> None:
    """A request that waits would hold the test for as long as it says."""
    if str((case.query or {}).get("wait", "")).isdecimal():
        case.query["wait"] = 0


def aim(case: Case, world: World) -> None:
    """Put real ids in the place of made-up ones, unless the path is meant to be wrong. No request waits."""
    path = case.meta.components.get(ParameterLocation.PATH)
    if path is None or path.mode.is_positive:
        case.path_parameters |= {name: world.ids[name] for name in case.path_parameters if name in world.ids}
    wait_for_nothing(case)


def is_tried_elsewhere(case: Case) -> bool:
    """Whether a case is an edge of a body that another operation takes too, which comes before this one."""
    edge = case.meta.phase.data
    if not isinstance(edge, CoveragePhaseData) or edge.parameter_location != ParameterLocation.BODY:
        return False
    name = str(case.operation.definition.raw["operationId"])
    return name != FIRST_WITH.get(body_of(name), name)


def body_of(operation: str) -> str:
    """The name of the schema of what an operation takes; empty if it has none."""
    schemas = [media["schema"] for media in OPERATIONS[operation].request_media().values()]
    return str(schemas[0].get("$ref", "")) if schemas else ""


FIRST_WITH: Final = {body: name for name in reversed(READS_FIRST) if (body := body_of(name))}


def _send_all(operation: str, schema: Any, send: Callable[[Case], object]) -> None:
    """Send the examples, the edges and some made-up cases of an operation.

    They are made when the test runs: at collection, each process of the run would make those of all operations.
    """
    found = schema.find_operation_by_id(operation)
    phases = schema.config.phases_for(operation=found)
    config = HypothesisTestConfig(
        modes=[mode for mode in HypothesisTestMode if getattr(phases, mode.value).enabled],
        settings=schema.config.get_hypothesis_settings(operation=found, phase="fuzzing"),
        seed=derive_operation_seed(schema.config.seed, found.label),
        project=schema.config,
    )
    create_test(operation=found, test_func=send, config=config)()


@pytest.mark.parametrize("operation", READS_FIRST)
def test_an_admin_gets_nothing_unexpected(operation: str, send: Send, things: World) -> None:
    def one(case: Case) -> None:
        if is_tried_elsewhere(case):
            return
        aim(case, things)
        for repeating in ("If-Match", "Idempotency-Key"):  # with them most requests end before their body is looked at
            case.headers.pop(repeating, None)
        send(case, things.keys["admin"])

    _send_all(operation, everything, one)


@pytest.mark.parametrize("operation", [name for name in READS_FIRST if name not in FOR_ADMINS])
def test_a_customer_gets_nothing_unexpected(operation: str, send: Send, things: World) -> None:
    def one(case: Case) -> None:
        aim(case, things)
        send(case, things.keys["owner"])

    _send_all(operation, for_customers, one)


@pytest.fixture
async def keys(things: World) -> dict[str, Headers]:
    """Request headers for each of KINDS."""
    support, account = [await things.limited(who, READING) for who in ("agent", "owner")]
    visitors = {
        "widget, person": things.visitors["person"],
        "widget, own tickets": things.visitors["nobody"],
        "widget, guest": things.visitors["guest"],
        "ticket, person": things.keys["ticket"],
        "ticket, follower": things.visitors["follower"],
    }
    return things.keys | visitors | {"support, reading": support, "account, reading": account, "nobody": {}}


def _run_in_ci() -> tuple[str, ...]:
    """Those of KINDS that CI has a run for: its step names them as ``-k`` does, by parts of their names."""
    step = re.search(r"FUZZ_SECONDS=60 .*\n.*'kind_of_key and \((.+)\)'", CI.read_text())
    assert step
    return tuple(kind for kind in KINDS if any(part in kind for part in step[1].split(" or ")))


@pytest.mark.parametrize("kinds", [KINDS, _run_in_ci()], ids=["make fuzz", "CI"])
def test_every_kind_of_key_and_visitor_has_a_run(
    kinds: tuple[str, ...], things: World, keys: dict[str, Headers]
) -> None:
    shown = [keys[kind] for kind in kinds]
    named = {(found := _KIND.match(each.get("Authorization", ""))) and found[1] for each in shown}
    assert named == {None, *get_args(auth.KeyKind), auth.TICKET_KEY}
    link = things.keys["ticket"]["Authorization"].removeprefix("Bearer ")
    alone = [each for each in things.visitors.values() if each.get("Heliodesk-Identity") != link]
    assert [each for each in alone if each not in [*shown, things.visitors["viewer"]]] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_key_gets_anything_unexpected(
    kind: str, send: Send, things: World, keys: dict[str, Headers]
) -> None:
    """Each operation in turn, as far as the time goes; with ``HELIODESK_FUZZ_SECONDS`` as often as it goes."""
    tries = every_operation()
    end = monotonic() + BUDGET
    for number, (operation, mode) in enumerate(cycle(tries) if SECONDS else tries):
        if monotonic() > end:
            break
        with suppress(Unsatisfiable):  # nothing of this operation can be wrong
            strategy = operation.as_strategy(generation_mode=mode)
            _try(strategy, lambda case: send(case, keys[kind]), things, number // len(tries))


@cache
def every_operation() -> list[tuple[Any, GenerationMode]]:
    """Each operation with each kind of data; those that fit the document come first.

    They are the same for all kinds of keys, since what they make up requests from is costly to build.
    """
    operations = [found.ok() for found in everything.get_all_operations() if isinstance(found, Ok)]
    return [(operation, mode) for mode in GenerationMode for operation in operations]


def _try(cases: SearchStrategy[Case], send: Callable[[Case], object], world: World, lap: int) -> None:
    """Send some cases: other ones in each lap, but the same ones in each run of CI."""

    @settings(
        max_examples=int(WANTED or 2),
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @seed(RUN + lap)
    @given(cases)
    def one(case: Case) -> None:
        aim(case, world)
        send(case)

    one()


def test_operations_in_a_row_get_nothing_unexpected(served: Served, desk: World) -> None:
    """Things are made, read, changed and removed, in orders that Schemathesis reads off the document."""

    class Row(everything.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Case) -> None:
            wait_for_nothing(case)

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:  # noqa: ARG002 - Schemathesis' own signature
            return {"base_url": served.address, "headers": desk.keys["admin"]}

    few: dict[str, Any] = {
        "max_examples": int(WANTED or 6),
        "stateful_step_count": 8,
        "derandomize": not WANTED,
        "database": None,
    }
    Row.run(settings=settings(**few, deadline=None, suppress_health_check=list(HealthCheck)))
