"""A bucket of an S3-compatible store (AWS, MinIO, Ceph, ...): browsers send and get the bytes there, not here.

Requests are signed by botocore and sent by the service's own client, behind the wall around outgoing HTTP. What comes
lands in a place of its own, and is copied to where it is read from once it is all there: whoever has the link for
sending cannot change what was checked.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.core.files import DOWNLOAD, UPLOAD, Link, StoredFile, StoreFailed, Upload
from app.core.settings import Settings
from app.files.rules import disposition

_MISSING: Final = 404
_SECONDS: Final = httpx.Timeout(60, connect=5)
_UNHASHED: Final = "UNSIGNED-PAYLOAD"


class _Signing(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Signs a request without its body, which is not read for it: TLS keeps that."""

    def payload(self, request: AWSRequest) -> str:
        del request
        return _UNHASHED


class Bucket:
    """Files in a bucket, by their accounts."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http, self._region = http, settings.s3_region
        self._base = f"{str(settings.s3_url).rstrip('/')}/{settings.s3_bucket}"
        self._copied_from = f"/{settings.s3_bucket}"
        self._credentials = Credentials(settings.s3_access_key, settings.s3_secret_key.get_secret_value())

    def upload(self, file: StoredFile, now: datetime) -> Upload:
        """See ``FileStore``. Size and type are signed, so the store takes nothing else."""
        headers = {"Content-Type": file.content_type, "Content-Length": str(file.size)}
        url = self._presigned("PUT", _sent(file), UPLOAD.total_seconds(), headers=headers)
        return Upload(url, {"Content-Type": file.content_type}, now + UPLOAD)

    def link(self, file: StoredFile, now: datetime) -> Link:
        """See ``FileStore``."""
        saved = {
            "response-content-disposition": disposition(file.name),
            "response-content-type": file.content_type,
            "response-cache-control": "private, no-store",
        }
        return Link(self._presigned("GET", _kept(file), DOWNLOAD.total_seconds(), saved), now + DOWNLOAD)

    async def take(self, file: StoredFile) -> bool:
        """See ``FileStore``."""
        if await self._size(_kept(file)) == file.size:
            return True
        source = {"x-amz-copy-source": quote(f"{self._copied_from}/{_sent(file)}")}
        if await self._asked("PUT", _kept(file), headers=source) == _MISSING:
            return False
        if await self._size(_kept(file)) != file.size:
            await self.delete(file)
            return False
        await self._asked("DELETE", _sent(file))
        return True

    async def write(self, file: StoredFile, chunks: AsyncIterator[bytes]) -> None:
        """See ``FileStore``."""
        headers = {"Content-Type": file.content_type, "Content-Length": str(file.size)}
        if await self._asked("PUT", _kept(file), headers=headers, content=chunks) == _MISSING:
            raise StoreFailed(f"PUT {file.id}: there is no such bucket")

    async def read(self, file: StoredFile) -> AsyncIterator[bytes]:
        """See ``FileStore``."""
        async with self._answered("GET", _kept(file)) as answer:
            if not answer.is_success:
                raise StoreFailed(f"GET {file.id}: {answer.status_code}")
            async for chunk in answer.aiter_raw():
                yield chunk

    async def size(self, file: StoredFile) -> int | None:
        """See ``FileStore``."""
        return await self._size(_kept(file))

    async def delete(self, file: StoredFile) -> None:
        """See ``FileStore``."""
        for key in (_sent(file), _kept(file)):
            await self._asked("DELETE", key)

    async def _size(self, key: str) -> int | None:
        async with self._answered("HEAD", key) as answer:
            if answer.status_code == _MISSING:
                return None
            return int(_checked(answer, "HEAD", key).headers["content-length"])

    async def _asked(self, method: str, key: str, **more: Any) -> int:
        """The status of an answer: a success, or that there is no such thing. Raises ``StoreFailed``."""
        async with self._answered(method, key, **more) as answer:
            if answer.status_code != _MISSING:
                _checked(answer, method, key)
            body = (await answer.aread())[:1000]
            if b"<Error>" in body and answer.is_success:  # a copy that failed after its answer had begun
                raise StoreFailed(f"{method} {key}: {body!r}")
            return answer.status_code

    @asynccontextmanager
    async def _answered(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str] | None = None,
        content: AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        request = AWSRequest(method, self._url(key), headers={**(headers or {})})
        _Signing(self._credentials, "s3", self._region).add_auth(request)
        signed = {**dict(request.headers.items()), "Accept-Encoding": "identity"}
        try:
            async with self._http.stream(
                method, self._url(key), headers=signed, content=content, timeout=_SECONDS
            ) as answer:
                yield answer
        except httpx.HTTPError as error:
            raise StoreFailed(f"{method} {key}: {type(error).__name__}: {error}") from error

    def _presigned(
        self,
        method: str,
        key: str,
        seconds: float,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        url = f"{self._url(key)}?{urlencode(query, quote_via=quote)}" if query else self._url(key)
        request = AWSRequest(method, url, headers={**(headers or {})})
        S3SigV4QueryAuth(self._credentials, "s3", self._region, expires=int(seconds)).add_auth(request)
        return str(request.url)

    def _url(self, key: str) -> str:
        return f"{self._base}/{key}"


def _kept(file: StoredFile) -> str:
    return f"files/{file.account_id}/{file.id}"


def _sent(file: StoredFile) -> str:
    return f"sent/{file.account_id}/{file.id}"


def _checked(answer: httpx.Response, method: str, key: str) -> httpx.Response:
    if not answer.is_success:
        raise StoreFailed(f"{method} {key}: {answer.status_code}")
    return answer
