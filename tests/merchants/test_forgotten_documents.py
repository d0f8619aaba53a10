"""What is removed vanishes from the disk; who sends in and removes over and over comes to an end."""

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from benefits import offer_drafts
from benefits.offer_drafts import TooMuchEvidence
from common.actors import ApplicantActor
from common.database import fetch_one
from common.files import MOST_UPLOADS_A_DAY, FileStore, TooManyUploads
from merchants import application_documents
from models import stored_files
from tests.factories import applications
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.factories.proposals import owner_of

pytestmark = pytest.mark.usefixtures("database")

LATER = NOON + timedelta(hours=2)
DAY = timedelta(days=1)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


async def sent(actor: ApplicantActor, files: FileStore, text: bytes = b"x", at: datetime = NOON) -> UUID:
    """A document whose content was written at that time."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-" + text

    document = await application_documents.add(actor, "执照.pdf", "application/pdf", chunks(), files, at)
    os.utime(await path_of(document, files), (at.timestamp(), at.timestamp()))
    return document


async def path_of(document: UUID, files: FileStore) -> Path:
    row = await fetch_one("SELECT sha256 FROM stored_files WHERE id = $1", document)
    assert row is not None
    return files.path(row["sha256"])


async def test_the_content_of_a_removed_document_is_deleted_once(files: FileStore) -> None:
    actor = await applications.a_draft()
    kept, removed = await sent(actor, files, b"kept"), await sent(actor, files, b"removed")
    await application_documents.remove(actor, removed, NOON)
    forget = stored_files.forgetter(files)
    assert await forget(NOON) == 0  # its content may be on its way in again
    assert await forget(LATER) == 1 and await forget(LATER) == 0
    assert not (await path_of(removed, files)).exists() and (await path_of(kept, files)).exists()


async def test_content_that_another_file_shares_stays_until_the_last(files: FileStore) -> None:
    actor, other = await applications.a_draft(), await applications.a_draft()
    removed, shared = await sent(actor, files), await sent(other, files)
    forget = stored_files.forgetter(files)
    await application_documents.remove(actor, removed, NOON)
    assert await forget(LATER) == 1 and (await path_of(shared, files)).exists()
    await application_documents.remove(other, shared, NOON)
    assert await forget(LATER) == 1 and not (await path_of(shared, files)).exists()


async def test_content_that_is_just_sent_in_anew_is_not_deleted(files: FileStore) -> None:
    """Its row may be written a moment later."""
    actor = await applications.a_draft()
    removed = await sent(actor, files)
    await application_documents.remove(actor, removed, NOON)
    os.utime(await path_of(removed, files), (LATER.timestamp(), LATER.timestamp()))
    forget = stored_files.forgetter(files)
    await forget(LATER)
    assert (await path_of(removed, files)).exists()
    assert await forget(LATER + DAY) == 1 and not (await path_of(removed, files)).exists()


async def test_removed_documents_count_against_the_uploads_of_a_day(files: FileStore) -> None:
    actor = await applications.a_draft()
    for _ in range(MOST_UPLOADS_A_DAY):
        await application_documents.remove(actor, await applications.a_document(actor), NOON)
    with pytest.raises(TooManyUploads) as refused:
        await sent(actor, files)
    assert refused.value.facts == {"most": MOST_UPLOADS_A_DAY} and "24 小时" in refused.value.sentence("zh")
    assert await sent(actor, files, at=NOON + DAY)


async def test_evidence_of_a_day_is_limited(monkeypatch: pytest.MonkeyPatch, files: FileStore) -> None:
    monkeypatch.setattr(offer_drafts, "MOST_EVIDENCE_A_DAY", 2)
    shop, other = await a_shop(), await a_shop()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-x"

    content = await files.keep(chunks(), "application/pdf", 100)
    for _ in range(2):
        await offer_drafts.add_evidence(owner_of(shop), "价目表.pdf", content, NOON)
    for at in (NOON, NOON + DAY - timedelta(seconds=1)):
        with pytest.raises(TooMuchEvidence):
            await offer_drafts.add_evidence(owner_of(shop), "价目表.pdf", content, at)
        with pytest.raises(TooMuchEvidence):
            await offer_drafts.must_have_room(owner_of(shop), at)
    await offer_drafts.add_evidence(owner_of(other), "价目表.pdf", content, NOON)
    await offer_drafts.add_evidence(owner_of(shop), "价目表.pdf", content, NOON + DAY)
