"""What senders post: the examples of the document."""

from typing import Any, Final

_ALERT: Final[dict[str, Any]] = {
    "status": "firing",
    "labels": {"alertname": "DiskFull", "instance": "h1", "severity": "critical"},
    "annotations": {"summary": "DiskFull on h1", "runbook_url": "https://wiki.example.com/disk"},
    "startsAt": "2026-11-21T19:29:37Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://prometheus.example.com/graph",
    "fingerprint": "06fde51a4bdb38c5",
}
ALERTMANAGER: Final[dict[str, Any]] = {
    "version": "4",
    "groupKey": '{}:{alertname="DiskFull"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "heliodesk",
    "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": _ALERT["labels"],
    "commonAnnotations": {},
    "externalURL": "https://alertmanager.example.com",
    "alerts": [_ALERT],
}
GRAFANA: Final[dict[str, Any]] = ALERTMANAGER | {
    "version": "1",
    "orgId": 1,
    "title": "[FIRING:1] DiskFull",
    "state": "alerting",
    "message": "DiskFull on h1",
    "alerts": [_ALERT | {"dashboardURL": "https://grafana.example.com/d/disk", "valueString": "[ value=97 ]"}],
}
PAGERDUTY: Final[dict[str, Any]] = {
    "routing_key": "hd_hook_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW",
    "event_action": "trigger",
    "dedup_key": "disk/h1",
    "payload": {"summary": "Disk full on h1", "source": "h1", "severity": "critical", "component": "disk"},
}
CLOUDEVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/monitors/disk",
    "type": "com.example.disk.full",
    "subject": "h1",
    "datacontenttype": "application/json",
    "data": {"severity": "critical", "message": "97 % of /var is used"},
}
EMAIL: Final = """\
From: Ana Silva <ana@example.com>
To: support@helpers.example
Subject: Backups fail
Message-ID: <b7c1@mail.example.com>

They have failed since Monday.
"""
GENERIC: Final[dict[str, Any]] = {
    "key": "disk/h1",
    "status": "firing",
    "title": "Disk full on h1",
    "description": "97 % of /var is used",
    "labels": {"severity": "critical"},
    "link": "https://monitor.example.com/disk/h1",
}
