"""An applicant at a running service: his calls, and the background check run by hand."""

from dataclasses import dataclass
from typing import Any

import httpx

from alliance.rechecks import RECHECK_JOB
from common import database as db
from common.clock import now
from merchants.submissions import CHECK_JOB
from server.config import load
from server.jobs import JOBS, desk_of
from tests.factories.applications import a_uscc
from tests.service import Service

PDF = b"%PDF-1.7\n" + b"x" * 1000
FORM: dict[str, Any] = {
    "kind": "merchant",
    "sector": "tourism_shopping",
    "region": "330106",
    "name": "湖畔书店",
    "contact_name": "王大友",
    "contact_phone": "13700009050",
}


@dataclass
class Applicant:
    """Who holds the key of an application."""

    service: Service
    http: httpx.AsyncClient
    id: str
    key: str

    async def upload(
        self, content: bytes = PDF, name: str = "执照.pdf", media_type: str = "application/pdf"
    ) -> httpx.Response:
        """Send a document."""
        return await self.http.post(
            "/member-application/documents",
            params={"name": name},
            content=content,
            headers={"Content-Type": media_type},
        )

    async def submit(self) -> httpx.Response:
        """Sign what is in force, and submit."""
        text = (await self.http.get("/commitment-text")).json()
        signature = {"version": text["version"], "sha256": text["sha256"], "signer": "王大友"}
        answer = await self.http.put("/member-application/commitment", json=signature)
        assert answer.status_code == 204, answer.text
        return await self.http.post("/member-application/submission")

    async def checked(self) -> str:
        """Run the background check as the worker does; the state afterwards."""
        settings = load(self.service.environment)
        await db.connect(settings.database_url, pool_size=2)
        try:
            await JOBS[CHECK_JOB](desk_of(settings), {"application_id": self.id}, now())
        finally:
            await db.disconnect()
        return str((await self.http.get("/member-application")).json()["state"])


async def an_applicant(service: Service, **changes: Any) -> Applicant:
    """A draft and its key."""
    client = service.client()
    body = {"uscc": a_uscc(), **FORM, **changes}
    answer = await client.post("/member-applications", json=body)
    assert answer.status_code == 201, answer.text
    key = answer.json()["application_key"]
    client.headers["Authorization"] = f"Bearer {key}"
    return Applicant(service, client, answer.json()["id"], key)


async def rechecked(service: Service, member_id: str, times: int) -> None:
    """Check a member again so many times, as the worker does."""
    settings = load(service.environment)
    await db.connect(settings.database_url, pool_size=2)
    try:
        for _ in range(times):
            await JOBS[RECHECK_JOB](desk_of(settings), {"member_id": member_id}, now())
    finally:
        await db.disconnect()


async def in_review(service: Service, **changes: Any) -> Applicant:
    """One that has passed its checks."""
    applicant = await an_applicant(service, **changes)
    assert (await applicant.upload()).status_code == 201
    assert (await applicant.submit()).json() == {"state": "submitted"}
    await applicant.checked()
    return applicant
