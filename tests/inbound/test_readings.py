"""Payloads that take long to read: they are read in worker processes, and nobody waits for them meanwhile."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import pytest

from app.core.metrics import Metrics
from app.core.problems import Unavailable
from app.core.settings import Settings
from app.core.workers.offload import Offload
from app.inbound.background.processing import Processor
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.signal import Unreadable
from app.inbound.readings import QUICK_BYTES, QUICK_MAIL, NotRead, Payload, Readings
from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.mail.letters import letter
from tests.support import tasks
from tests.support.waiting import until

EXPENSIVE: Final = {"each": "alerts[?labels.severity == 'critical' || labels.severity == 'warning']"}


def alerts(count: int) -> dict[str, Any]:
    labels = {"severity": "critical", "host": "h1"}
    return {"alerts": [{"key": f"k{number}", "title": "Down", "labels": labels} for number in range(count)]}


def payload(body: bytes, **expressions: str) -> Payload:
    return Payload("generic", body, {}, "rcp_1", Interpretation(expressions))


def test_what_is_small_is_read_at_once() -> None:
    batch = payload(b'{"key": "a"}', title="key").quickly()
    assert batch is not None
    assert [(signal.key, signal.title) for signal in batch.signals] == [("a", "a")]


@pytest.mark.parametrize(
    "heavy",
    [
        pytest.param(payload(b'{"text": "%s"}' % (b"x" * QUICK_BYTES)), id="many bytes"),
        pytest.param(payload(b"{}", title="|".join(["[@,@]"] * 20)), id="many steps"),
        pytest.param(payload(b"[%s]" % b",".join([b"{}"] * 1000), title="a.b.c", key="d.e.f"), id="many alerts"),
    ],
)
def test_what_would_take_long_is_not_read_at_once(heavy: Payload) -> None:
    assert heavy.quickly() is None


def test_what_is_no_json_is_said_at_once() -> None:
    with pytest.raises(Unreadable):
        payload(b"{").quickly()


async def test_a_large_payload_has_the_effects_of_a_small_one(desk: Desk) -> None:
    await desk.make(expressions=EXPENSIVE)
    receipt = await desk.post(alerts(400))
    assert (receipt["state"], len(receipt["signals"])) == ("processed", 400)
    assert {signal["outcome"] for signal in receipt["signals"]} == {"started"}
    assert len(await desk.tickets()) == 200  # one page of them


async def test_a_large_payload_that_makes_no_sense_fails_with_the_reason(desk: Desk) -> None:
    await desk.make(expressions={"each": "join(',', alerts)"})
    receipt = await desk.post(alerts(400))
    assert receipt["state"] == "failed"
    assert receipt["error"].startswith("The hook's expression for 'each' cannot be applied: join() takes")


async def test_a_large_payload_can_be_tried(desk: Desk) -> None:
    await desk.make(expressions=EXPENSIVE)
    tried = await desk.client.post(
        f"/v1/hooks/{desk.hook['id']}/try", json={"payload": alerts(400)}, headers=desk.owner
    )
    assert tried.status_code == 200, tried.text
    assert len(tried.json()["signals"]) == 400
    assert await desk.tickets() == []


async def test_other_hooks_go_on_while_a_payload_is_read(make_desk: MakeDesk, tmp_path: Path) -> None:
    slow, quick = await make_desk(), await make_desk()
    offload = Offload(Settings(offload_workers=1), Metrics())
    busy = asyncio.create_task(offload.run("other", tasks.work_until, tmp_path / "go"))
    readings = Readings(offload, lambda: None)
    processor = Processor(slow.sessions, slow.processor.quota, readings)
    await slow.make(expressions=EXPENSIVE)
    await quick.make()
    await slow.send(alerts(400))
    await quick.send(alerts(1))
    assert await processor.run_pass() == 1
    assert readings.is_begun(slow.hook["id"])
    assert [receipt["state"] for receipt in await quick.receipts()] == ["processed"]
    assert [receipt["state"] for receipt in await slow.receipts()] == ["pending"]
    (tmp_path / "go").touch()

    async def is_processed() -> bool:
        await processor.run_pass()  # a reading that has waited for too long begins again
        return [receipt["state"] for receipt in await slow.receipts()] == ["processed"]

    await until(is_processed)
    await busy
    await offload.close()


class Refusing:
    """Has no time."""

    async def run(self, *_: Any, **_by_name: Any) -> Any:
        raise Unavailable


async def test_a_payload_that_could_not_be_read_now_is_read_later(offload: Offload) -> None:
    rung = asyncio.Event()
    heavy = payload(b'[{"key": "%s"}]' % (b"x" * QUICK_BYTES))
    readings = Readings(cast("Offload", Refusing()), rung.set)
    for _ in range(2):
        with pytest.raises(NotRead):
            readings.of("acc_1", "hook_1", heavy)
        await until(lambda: not readings.is_begun("hook_1"))
        with pytest.raises(NotRead):
            readings.of("acc_1", "hook_1", heavy)
    readings.offload = offload
    with pytest.raises(NotRead):
        readings.of("acc_1", "hook_1", heavy)
    await until(lambda: not readings.is_begun("hook_1"))
    assert rung.is_set()
    assert len(readings.of("acc_1", "hook_1", heavy).signals) == 1


def _is_read(readings: Readings, hook_id: str) -> bool:
    return not readings.is_begun(hook_id)


async def test_readings_that_nobody_asks_for_again_give_way(offload: Offload) -> None:
    readings = Readings(offload, lambda: None)
    heavy = payload(b'[{"key": "%s"}]' % (b"x" * QUICK_BYTES))
    for number in range(20):
        name = f"hook_{number}"
        with pytest.raises(NotRead):
            readings.of(f"acc_{number}", name, heavy)
        await until(partial(_is_read, readings, name))
    assert len(readings.of("acc_19", "hook_19", heavy).signals) == 1
    await readings.stop()


class Forgetting(Readings):
    """Knows a reading when it is asked which there is, and has it no more when it is asked for what it says."""

    def mail_of(self, hook_id: str) -> str | None:
        receipt_id = super().mail_of(hook_id)
        self.over(hook_id)
        return receipt_id


async def test_an_e_mail_whose_reading_is_lost_is_read_again(make_desk: MakeDesk, offload: Offload) -> None:
    desk = await make_desk("itil-native")
    await desk.make(format="email", mapping=[], mail={})
    answer = await desk.send(letter("It is 3.2. " * QUICK_MAIL), "/email")
    assert answer.status_code == 202, answer.text
    processor = Processor(desk.sessions, desk.processor.quota, Forgetting(offload, lambda: None))
    for _ in range(2):
        assert await processor.run_pass() == 0
        await until(partial(_is_read, processor.readings, desk.hook["id"]))
    assert [receipt["state"] for receipt in await desk.receipts()] == ["pending"]
    await desk.process()
    [receipt] = await desk.receipts()
    assert receipt["state"] == "processed"
