"""All background work: ``jobs`` is the readable list. The only place that knows APScheduler.

APScheduler polls every job at its interval. Between two polls a job is woken by a write, or by a timer that was
armed for the next instant at which it has something to do. A job only ever runs an idempotent pass: no business
instant lives here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from app.accounts.upkeep import extend_all_holidays
from app.accounts.usecases.ticket_keys import forget_ticket_keys
from app.calls import provision
from app.core.clock import monotonic, wall_now
from app.core.db.engine import Sessions
from app.core.db.statistics import analyze_new_tables
from app.core.jobs.job import Job
from app.core.jobs.runner import Runner
from app.core.limits.rates import forget_levels
from app.core.signals import WakeUp
from app.core.state import State
from app.core.web.kit.idempotency import forget_answers
from app.digests.background import Digests, forget_digests
from app.feed.marks import mark
from app.files.background import Keeper, drop_nobodys
from app.files.scanner import Scanner
from app.inbound.background.processing import Processor
from app.inbound.background.upkeep import forget_receipts, make_room
from app.inbound.background.windows import Ends
from app.inbound.payloads import Room
from app.inbound.readings import Readings
from app.mail.gathering import Gathering
from app.measures.sampling import Sampler
from app.notices.background.send import Notices, notifier
from app.notices.links import forget_links, link_base, site
from app.notices.outbox.claims import forget_notices
from app.notices.sending.channels import configured
from app.paging.pager import Pages, pager
from app.paging.queue import Lane, forget_pages
from app.paging.ways import Ways
from app.problems.alike.grouping import grouped
from app.problems.background.detection import Detection, forget_incidents
from app.problems.background.telling import Telling
from app.reports.facts.folding import Folding
from app.reports.facts.recounting import Recounting
from app.reports.monthly.background import Reports
from app.roster.upkeep import extend_shift_holidays
from app.search.indexing import Indexing
from app.solutions.looking import KnownSolutions
from app.sweep import staffing
from app.sweep.isolation import Isolation
from app.sweep.passes import Sweeper
from app.tickets.background.attendance import Watcher
from app.tickets.background.call_links import Provisioner
from app.tickets.background.former_addresses import Parting
from app.tickets.background.quarantine import quarantine
from app.usage.upkeep import count_tags
from app.webhooks.background.catch_up import CatchingUp, pause_over_quota
from app.webhooks.background.deliver import Sender
from app.webhooks.outbox.outcomes import forget_deliveries, let_stranded_go
from app.webhooks.outbox.subscriptions import refresh_subscriptions

_log = structlog.get_logger(__name__)

POLL: Final = timedelta(milliseconds=250)
"""How soon a replica finds out what another one has made due."""
LATER: Final = 4.0
"""What nobody waits for rests after each batch, this many times as long as it took: it has a fifth of the time."""
SOON: Final = 2.0
"""What is a moment late already has a third of the time."""
PROMPT: Final = 0.5
"""What support waits for while an outage begins has two thirds."""
_POLLS: Final = 1000
"""How many polls of a job APScheduler may believe to be running, before it drops the next one, and all after it.

A poll takes no time, and passes never overlap (``Runner``); but a loop that was held up comes to a poll before it has
noted that the ones before have ended.
"""
STEP_SECONDS: Final = 1.0
"""How far the wall clock may leave the monotonic one before the schedule is made anew."""


def jobs(state: State, sender: Sender) -> Sequence[Job]:
    """Everything that this process does by itself, with the background's connections; the sweep has the clock's."""
    isolation = Isolation(state.sessions, state.metrics)
    sweeper = Sweeper(state.clock.sessions, isolation)
    sampler = Sampler(state.sessions, state.feed, state.metrics)
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    return (
        Job(
            "sweep",
            "processes tickets that have something due: warnings, misses and their effects, the automatic close",
            POLL,
            minute,
            sweeper.run_pass,
            sweeper.next_wake,
            state.wake_ups.sweep,
            sessions=state.clock.sessions,
        ),
        *_staffing(state),
        Job(
            "isolate",
            "processes apart what would hold up the sweep: storms of one account, tickets that fail",
            second,
            minute,
            isolation.run_pass,
            isolation.next_instant,
            isolation.wake_up,
        ),
        Job(
            "deliver",
            "sends webhooks that are due",
            POLL,
            minute,
            sender.run_pass,
            sender.next_instant,
            state.wake_ups.deliveries,
            sender.stop,
        ),
        *_calls(state),
        *_people(state),
        *_receiving(state),
        *_problems(state),
        *_files(state),
        *_endpoints(state, sender),
        *_housekeeping(state),
        Job("sample", "measures what is stored and waits, for the metrics", 10 * second, minute, sampler.run_pass),
    )


def _staffing(state: State) -> Iterator[Job]:
    """What finds engineers for tickets, beside the sweep and the requests that do."""
    wake_ups, minute = state.wake_ups, timedelta(minutes=1)
    what = "processes tickets that need an expert, which the sweep left while others held the roster"
    experts = partial(staffing.run_pass, state.sessions, wake_ups)
    yield Job("experts", what, POLL, minute, experts, wake_up=wake_ups.experts)
    what = "gives tickets that wait for an engineer to whoever has got room for one"
    queue = partial(staffing.fill_room, state.sessions)
    yield Job("queue", what, minute, minute, queue, wake_up=wake_ups.capacity)
    what = "looks for known solutions of new tickets, and tells the next tier where there is none"
    known = KnownSolutions(state.sessions, state.feed, state.metrics)
    yield Job("known solutions", what, timedelta(seconds=1), minute, known.run_pass, rest=LATER)


def _calls(state: State) -> Iterator[Job]:
    """What gets calls their links, and ends them."""
    providers = provision.configured(state.settings, state.http)
    links, watcher = Provisioner(state, providers), Watcher(state.sessions, providers, state.metrics)
    minute, wake_up = timedelta(minutes=1), state.wake_ups.calls
    what = "gets links for requested calls"
    yield Job("calls", what, POLL, minute, links.run_pass, links.next_instant, wake_up, links.stop)
    what = "asks who has come to the calls, and ends the rooms of those that are over"
    yield Job("watch calls", what, timedelta(seconds=1), minute, watcher.run_pass)


def _people(state: State) -> Iterator[Job]:
    """What tells people, and pages engineers."""
    wake_ups, minute = state.wake_ups, timedelta(minutes=1)
    channels, base = configured(state.settings), link_base(state.settings)
    outbox = Notices(channels, state.metrics, base, site(state.settings), state.settings.mail_domain)
    notices = notifier(state.sessions, outbox, wake_ups.notices)
    mails, what = Gathering(state.sessions, state.metrics), "makes mails to customers of what has happened on tickets"
    parting, bell = Parting(state.sessions, state.metrics), wake_ups.former_addresses
    leaving, second = "ends what addresses follow that were people's", timedelta(seconds=1)
    yield Job("former addresses", leaving, second, minute, parting.run_pass, parting.next_instant, bell, rest=SOON)
    yield Job("mailings", what, timedelta(seconds=1), minute, mails.run_pass, mails.next_instant)
    what = "tells people by e-mail and the operator's own channels"
    yield Job("notices", what, POLL, minute, notices.run_pass, notices.next_instant, wake_ups.notices, notices.stop)
    digests = Digests(state.sessions, state.metrics)
    yield Job("digests", "sends technical account managers their week", minute, minute, digests.run_pass)
    reports = Reports(state.sessions, state.metrics)
    yield Job("reports", "sends accounts their monthly reports by e-mail", minute, minute, reports.run_pass)
    ways = Ways(state.settings, state.http)
    lanes: tuple[tuple[Lane, str, WakeUp], ...] = (
        ("mail", "pages engineers by e-mail", wake_ups.mail_pages),
        ("http", "pages engineers by services", wake_ups.pages),
    )
    for lane, what, wake_up in lanes:
        pages = pager(state.sessions, Pages(lane, ways, state.metrics, base, state.settings.mail_domain), wake_up)
        yield Job(f"pages by {lane}", what, POLL, minute, pages.run_pass, pages.next_instant, wake_up, pages.stop)


def _receiving(state: State) -> Sequence[Job]:
    """What works on what has come in, and what keeps its room."""
    readings = Readings(state.offload, state.wake_ups.receipts.ring)
    receipts = state.metrics.receipts
    processor = Processor(
        state.sessions, state.limits.tickets, readings, count=lambda outcome: receipts.labels(outcome).inc()
    )
    room = Room(state.settings.hook_bytes, state.settings.unchecked_hook_bytes)
    ends = Ends(state.sessions, state.limits.tickets, state.metrics)
    over = "drops payloads of hooks that were removed, and the oldest of those that keep nearly as many as they may"
    held = "begins and ends maintenance windows, and opens the alerts that they held back and that still fire"
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    return (
        Job("maintenance", held, second, minute, ends.run_pass, ends.next_instant, state.wake_ups.maintenance),
        Job(
            "receive",
            "makes tickets of what inbound hooks have received",
            POLL,
            minute,
            processor.run_pass,
            processor.next_instant,
            state.wake_ups.receipts,
            readings.stop,
        ),
        Job("make room", over, minute, minute, lambda: make_room(state.sessions, room)),
    )


def _problems(state: State) -> Iterator[Job]:
    """What finds problems and tells tickets of those behind them, and what the search finds texts by."""
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    telling = Telling(state.sessions, state.metrics)
    what = "tells tickets of the problems behind them, and notices the targets that problems miss"
    yield Job("problems", what, second, minute, telling.run_pass, telling.next_instant, state.wake_ups.problems)
    what = "finds incidents that are alike among the tickets that were opened lately"
    detection = Detection(state.sessions, state.feed, lambda *pools: state.offload.run("detect", grouped, *pools))
    yield Job("detect", what, second, minute, detection.run_pass, rest=PROMPT, own_turn=True)
    what = "takes in what the search looks at"
    indexing = Indexing(state.sessions, state.feed)
    yield Job("index texts", what, POLL, minute, indexing.run_pass, rest=LATER, own_turn=True)
    what = "counts for reports what has happened"
    yield Job("count", what, 2 * second, minute, Folding(state.sessions, state.feed).run_pass, rest=LATER)
    what = "counts for reports the tickets with long histories, and those that could not be counted"
    long = Recounting(state.sessions).run_pass
    yield Job("count long histories", what, 2 * second, 6 * minute, long, rest=LATER, own_turn=True)


def _files(state: State) -> Iterator[Job]:
    """What brings files where they are to be, and drops those that are nobody's."""
    store, minute = state.files, timedelta(minutes=1)
    if store is None:
        return
    scanner = Scanner(state.settings.scanner_url) if state.settings.scanner_url else None
    keeper = Keeper(state.sessions, store, scanner, quarantine, state.metrics)
    what = "brings files to their store, and has the scanner look at them"
    yield Job(
        "files", what, timedelta(seconds=1), 5 * minute, keeper.run_pass, keeper.next_instant, state.wake_ups.files
    )
    what = "drops files that were not attached, or whose tickets are gone"
    yield Job("drop files", what, minute, 5 * minute, lambda: drop_nobodys(state.sessions, store))


def _endpoints(state: State, sender: Sender) -> Iterator[Job]:
    """What keeps webhook endpoints as they ought to be."""
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    what = "subscribes webhook endpoints to the event types that another version did not know, or that it wrote"
    yield Job("subscribe", what, minute, minute, lambda: refresh_subscriptions(state.sessions))
    what = "pauses webhook endpoints of accounts that have too many deliveries pending"
    yield Job("pause endpoints", what, 5 * second, minute, lambda: pause_over_quota(state))
    what = "gives deliveries their turn that wait for one which nobody gives them"
    yield Job("give turns", what, timedelta(hours=1), minute, lambda: let_stranded_go(state.sessions))
    what = "makes the deliveries of endpoints that are behind, and resumes those that have caught up"
    catching = CatchingUp(state, sender.loads)
    bell = state.wake_ups.behind
    yield Job("catch up", what, second, minute, catching.run_pass, None, bell, catching.stop, rest=SOON, own_turn=True)


def _housekeeping(state: State) -> Iterator[Job]:
    """What drops rows that nobody needs any more, looks ahead, and tells the planner of what is new."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    works: tuple[tuple[str, str, Callable[[Sessions], Awaitable[object]]], ...] = (
        ("forget answers", "drops answers kept for a day", forget_answers),
        ("forget ticket keys", "drops keys of single tickets that have ended", forget_ticket_keys),
        ("forget rates", "drops the levels of rates that are as good as new", forget_levels),
        ("forget notices", "drops notices past their retention", forget_notices),
        ("forget pages", "drops pages past their retention", forget_pages),
        ("forget digests", "drops what says that a week's digest was sent, once it is long over", forget_digests),
        ("forget incidents", "drops what is remembered of tickets that are compared with no others", forget_incidents),
        ("forget links", "drops the links of alerts that are long over", forget_links),
    )
    for name, what, work in works:
        yield Job(name, what, hour, minute, partial(work, state.sessions))
    what = "drops what hooks have received past its retention, and silent alerts"
    receipts, deliveries = partial(forget_receipts, state.sessions), partial(forget_deliveries, state.sessions)
    yield Job("forget receipts", what, hour, minute, receipts, rest=LATER, own_turn=True)
    what = "drops deliveries past their retention"
    yield Job("forget deliveries", what, hour, minute, deliveries, rest=LATER, own_turn=True)
    what = "gives the planner statistics of tables that have got their first rows"
    yield Job("analyze", what, timedelta(seconds=5), minute, partial(analyze_new_tables, state.sessions))
    what = "adds years to holidays that end soon, for the tickets to come"
    yield Job("extend holidays", what, hour, minute, lambda: extend_all_holidays(state.sessions, state.metrics))
    what = "frees the room in quotas of tags that no open ticket or hook uses any longer"
    yield Job("count tags", what, hour, minute, lambda: count_tags(state.sessions, state.metrics))
    what = "adds years to the holidays of shifts that end soon"
    yield Job("extend shifts", what, hour, minute, lambda: extend_shift_holidays(state.sessions, state.metrics))
    retention = timedelta(days=state.settings.feed_retention)
    what = "notes how far the feed of events has come, and so how far back its retention goes"
    yield Job("mark feed", what, hour, minute, lambda: mark(state.sessions, retention))


class _FromNow(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires so long from now, however long ago it last did.

    After a step of the wall clock by a month, an interval would make APScheduler list millions of missed runs.
    """

    def __init__(self, every: timedelta) -> None:
        self._every = every

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The instant of the next poll."""
        return now + self._every


class Scheduler:
    """Runs the jobs of one process until it is stopped."""

    def __init__(self, state: State, sender: Sender, todo: Sequence[Job] | None = None) -> None:
        """``todo``: these jobs instead of the list above."""
        self._state = state
        turn = asyncio.Lock()
        self._runners = [
            Runner(job, state.sessions, state.metrics, state.heartbeats, asyncio.Lock() if job.own_turn else turn)
            for job in (jobs(state, sender) if todo is None else todo)
        ]
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": _POLLS},
        )
        self._offset = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin: every job polls at once, and then at its interval."""
        all_ = [runner.job for runner in self._runners]
        for runner, job in zip(self._runners, all_, strict=True):
            self._state.heartbeats.expect(job.name, within=job.silence(all_).total_seconds(), now=monotonic())
            if job.wake_up:
                job.wake_up.listen(runner.wake)
            runner.wake()
            self._scheduler.add_job(self._poll, _FromNow(job.every), args=[runner], id=job.name)
        self._scheduler.start()
        self._watch_clock()

    async def _poll(self, runner: Runner) -> None:
        runner.wake()

    def _watch_clock(self) -> None:
        """Once a second: when the wall clock was set, schedule all polls anew, so that none waits for a year."""
        offset = wall_now().timestamp() - monotonic()
        if self._offset and abs(offset - self._offset) > STEP_SECONDS:
            _log.warning("the wall clock was set", by_seconds=round(offset - self._offset, 3))
            for runner in self._runners:
                runner.wake()
                self._scheduler.modify_job(runner.job.name, next_run_time=wall_now() + runner.job.every)
        self._offset = offset
        self._watch = asyncio.get_running_loop().call_later(1.0, self._watch_clock)

    async def stop(self) -> None:
        """Drain: claim nothing anew, let passes and deliveries in flight end, then stop APScheduler."""
        if self._watch:
            self._watch.cancel()
        await asyncio.gather(*(runner.stop() for runner in self._runners))
        self._scheduler.shutdown(wait=False)
