"""Hooks of services that are processes of their own."""

from typing import Any

import httpx

from tests.support.service import Service


async def make_hook(client: httpx.AsyncClient, service: Service, admin: str, account_id: str) -> dict[str, Any]:
    mapping = [{"match": {"severity": "critical"}, "impact": "large", "urgency": "medium"}]
    body = {"name": "Prometheus", "account_id": account_id, "format": "alertmanager", "mapping": mapping}
    answer = await client.post(f"{service.url}/v1/hooks", json=body, headers={"Authorization": f"Bearer {admin}"})
    assert answer.status_code == 201, answer.text
    hook: dict[str, Any] = answer.json()
    return hook
