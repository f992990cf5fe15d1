"""What follows from alerts told in any order, again and again, alone and in groups."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from app.inbound.decisions import Alert, Known, Setting, Thread, decide
from app.inbound.formats.signal import Signal, batch_of

START: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
SIGNALS: Final = st.builds(
    Signal,
    key=st.sampled_from("abc"),
    status=st.sampled_from(["firing", "firing", "resolved", "acknowledged"]),
    title=st.sampled_from(["Disk", "Disk full"]),
    group=st.sampled_from([None, "g"]),
    starts_at=st.sampled_from([None, "1", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00.5+01:00"]),
)
PAYLOADS: Final = st.lists(
    st.tuples(st.lists(SIGNALS, min_size=1, max_size=4), st.sampled_from(["", "", "resolved", "closed"])), max_size=12
)


@settings(deadline=None)  # the machine may be busy
@given(payloads=PAYLOADS, by_group=st.booleans())
def test_an_incident_is_open_exactly_while_something_of_it_fires_and_has_one_live_ticket(
    *, payloads: list[tuple[list[Signal], str]], by_group: bool
) -> None:
    """Each payload may find that somebody has ended all tickets by hand (the text beside it)."""
    alerts: dict[str, Alert] = {}
    threads: dict[str, Thread] = {}
    still_open: frozenset[str] = frozenset()
    told: list[Signal] = []
    for number, (signals, ended) in enumerate(payloads):
        now = START + timedelta(minutes=number)
        if ended:
            threads = {key: replace(thread, status=ended, resolved_at=now) for key, thread in threads.items()}
        keys = {alert.incident_key for alert in alerts.values()}
        firing = {key: frozenset(a.key for a in alerts.values() if a.incident_key == key and fires(a)) for key in keys}
        known = Known(alerts, threads, still_open, firing)
        setting = Setting(now, now, by_group=by_group, window=timedelta(minutes=3))
        told_now = batch_of(signals).signals
        decision = decide(told_now, known, setting)
        told += [one for one, (outcome, _) in zip(told_now, decision.outcomes, strict=True) if outcome != "outdated"]
        alerts = alerts | {alert.key: alert for alert in decision.alerts}
        for step in decision.steps:
            before = threads.get(step.incident_key)
            live = before is not None and before.status == "open"
            assert (step.action == "open") <= (not live)
            assert (step.action == "reopen") <= (before is not None and before.status == "resolved")
            assert (step.action == "tell") <= live
            if step.action in ("open", "reopen"):
                threads = threads | {step.incident_key: Thread(f"tkt_{number}", "open")}
            opened = step.action != "nothing" or step.incident_key in still_open
            still_open |= {step.incident_key} if opened else set()
            if step.ends:
                still_open -= {step.incident_key}
                thread = threads[step.incident_key]
                if thread.status == "open":
                    threads = threads | {step.incident_key: replace(thread, status="resolved", resolved_at=now)}
        assert still_open == {alert.incident_key for alert in alerts.values() if fires(alert)}
        assert {alert.key for alert in alerts.values() if fires(alert)} == still_firing(told)


def fires(alert: Alert) -> bool:
    return alert.status == "firing"


def still_firing(told: list[Signal]) -> set[str]:
    """The keys of which the last that was told, acknowledgements apart, is that they fire."""
    last = {signal.key: signal.status for signal in told if signal.status != "acknowledged"}
    return {key for key, status in last.items() if status == "firing"}


def test_what_is_told_twice_of_one_instant_is_told_once() -> None:
    fired = Signal("a", "firing", "Disk", starts_at="1")
    decision = decide([fired, fired, replace(fired, title="Disk full")], Known(), Setting(START, START))
    assert [outcome for outcome, _ in decision.outcomes] == ["started", "repeated", "changed"]
    (step,) = decision.steps
    assert (step.action, step.ends) == ("open", False)
