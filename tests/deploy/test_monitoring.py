"""What deploy/ has for monitoring: checked by Prometheus' own tools, and tried from a scrape to a ticket."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

import httpx
import orjson
import pytest
import yaml

from app.core.auth import make_key as new_key
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.paging.schemas import Kind
from tests.support.actors import make_account, make_key
from tests.support.desk import connected, fetch, store_plan
from tests.support.ports import free_port
from tests.support.programs import program
from tests.support.service import ROOT, serving
from tests.support.waiting import until

DEPLOY: Final = ROOT / "deploy"
RULES: Final = DEPLOY / "prometheus" / "heliodesk.rules.yml"
DASHBOARD: Final = DEPLOY / "grafana" / "heliodesk.json"
_NAME: Final = re.compile(r"\bheliodesk_[a-z_]+")
_SUFFIX: Final = re.compile(r"_(total|bucket|count|sum)$")


def known() -> set[str]:
    """The names of all metrics of a process."""
    return {family.name for family in Metrics().registry.collect()}


def asked(*expressions: str) -> set[str]:
    """The names of the metrics that these expressions ask for."""
    return {_SUFFIX.sub("", name) for expression in expressions for name in _NAME.findall(expression)}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def run(*command: str | Path, stdin: bytes = b"") -> str:
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return (done.stdout + done.stderr).decode()


def test_the_rules_are_valid_and_fire_as_their_own_tests_say() -> None:
    promtool = program("promtool", "prometheus")
    run(promtool, "check", "rules", RULES)
    run(promtool, "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert "SUCCESS" in run(promtool, "test", "rules", RULES.with_suffix(".test.yml"))


def test_every_rule_is_tested_and_explained() -> None:
    tests, page = RULES.with_suffix(".test.yml").read_text(), (ROOT / "docs" / "operations.md").read_text()
    names = {rule["alert"] for rule in rules()}
    assert {name for name in names if name not in tests} == set()
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert {rule["labels"]["severity"] for rule in rules()} == {"critical", "warning"}


def test_rules_and_dashboard_ask_for_metrics_that_there_are() -> None:
    panels = [panel for panel in orjson.loads(DASHBOARD.read_bytes())["panels"] if panel["type"] != "row"]
    drawn = [target["expr"] for panel in panels for target in panel["targets"]]
    assert asked(*drawn, *(rule["expr"] for rule in rules())) - known() == set()
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_dashboard_draws_what_is_valid() -> None:
    promtool = program("promtool", "prometheus")
    panels = orjson.loads(DASHBOARD.read_bytes())["panels"]
    drawn = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    group = {"name": "drawn", "rules": [{"record": f"drawn:{place}", "expr": each} for place, each in enumerate(drawn)]}
    with TemporaryDirectory() as folder:
        (Path(folder) / "drawn.yml").write_text(yaml.safe_dump({"groups": [group]}))
        run(promtool, "check", "rules", Path(folder) / "drawn.yml")


def test_failures_that_alert_are_counted_from_zero() -> None:
    """To Prometheus, what appears as 1 has not increased."""
    samples = [sample for family in Metrics().registry.collect() for sample in family.samples]
    zeros = {sample.name for sample in samples if sample.labels.get("outcome") == "failed" and sample.value == 0}
    alerting = re.findall(r'(\w+){outcome="failed"}', RULES.read_text())
    assert len(alerting) == 4
    assert set(alerting) - zeros == set()
    assert {sample.labels["kind"] for sample in samples if "kind" in sample.labels} == set(get_args(Kind))


async def test_promtool_finds_nothing_to_say_of_the_metrics(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).content
    printed = await asyncio.to_thread(run, program("promtool", "prometheus"), "check", "metrics", stdin=text)
    assert printed == ""


def test_the_configuration_of_alertmanager_is_valid() -> None:
    run(program("amtool", "prometheus-alertmanager"), "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@contextmanager
def started(*command: str | Path, log: Path) -> Iterator[None]:
    """A program that runs until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _configure(folder: Path, service: str, alertmanager: int, hook: dict[str, Any], dead: int) -> None:
    """The files of deploy/ with addresses of this test, and with intervals of a tenth of a second and no ``for``."""
    quick = re.sub(r"for: \d+m", "for: 0s", RULES.read_text())
    (folder / RULES.name).write_text(quick)
    prometheus = (DEPLOY / "prometheus" / "prometheus.yml").read_text().replace("15s", "200ms")
    targets = f'{service.removeprefix("http://")}", "127.0.0.1:{dead}'
    prometheus = prometheus.replace("127.0.0.1:8000", targets).replace("9093", str(alertmanager))
    (folder / "prometheus.yml").write_text(prometheus)
    told = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text().replace("http://127.0.0.1:8000", service)
    told = told.replace("HOOK_ID", hook["id"]).replace("group_wait: 10s", "group_wait: 100ms")
    (folder / "key").write_text(hook["secret"])
    (folder / "alertmanager.yml").write_text(told.replace("/etc/alertmanager/heliodesk-hook-key", str(folder / "key")))


@pytest.mark.faults
async def test_an_alert_of_our_own_rules_becomes_a_ticket(own_database: str) -> None:
    """Prometheus scrapes the service and one that is not there, and Alertmanager posts to the hook."""
    prometheus, alertmanager = (
        program("prometheus", "prometheus"),
        program("prometheus-alertmanager", "prometheus-alertmanager"),
    )
    async with connected(own_database) as sessions:
        account = await make_account(sessions, await store_plan(sessions, "zmanda-premium"))
        owner = await make_key(sessions, account_id=account.account_id, role="owner")
        with TemporaryDirectory() as name, serving(Path(name), own_database, new_key("admin")) as service:
            folder, port, dead = Path(name), free_port(), free_port()
            mapping = [{"match": {"severity": "critical"}, "priority": "P2"}]
            body = {"name": "Alertmanager", "format": "alertmanager", "mapping": mapping}
            answer = httpx.post(f"{service.url}/v1/hooks", json=body, headers=owner, trust_env=False)
            _configure(folder, service.url, port, answer.raise_for_status().json(), dead)
            flags = ["--web.listen-address=127.0.0.1:{}", "--storage.{}path=" + str(folder)]
            with (
                started(
                    alertmanager,
                    f"--config.file={folder / 'alertmanager.yml'}",
                    flags[0].format(port),
                    flags[1].format("") + "/alertmanager",
                    "--cluster.listen-address=",
                    log=folder / "alertmanager.log",
                ),
                started(
                    prometheus,
                    f"--config.file={folder / 'prometheus.yml'}",
                    flags[0].format(free_port()),
                    flags[1].format("tsdb.") + "/prometheus",
                    log=folder / "prometheus.log",
                ),
            ):
                await until(lambda: fetch(sessions, "SELECT FROM tickets"), within=30)
            (ticket,) = await fetch(sessions, "SELECT title, priority, channel FROM tickets")
    assert ticket == {
        "title": f"Heliodesk does not answer on 127.0.0.1:{dead}",
        "priority": "P2",
        "channel": "hook",
    }


def test_no_file_of_deploy_names_a_setting_that_there_is_not() -> None:
    for path in DEPLOY.rglob("*"):
        assert not path.is_file() or "HELIODESK_" not in path.read_text() or _settings_of(path) <= _settings()


def _settings_of(path: Path) -> set[str]:
    return set(re.findall(r"\bHELIODESK_[A-Z_]+\b", path.read_text()))


def _settings() -> set[str]:
    return {f"HELIODESK_{name.upper()}" for name in Settings.model_fields}
