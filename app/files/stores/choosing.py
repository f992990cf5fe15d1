"""Which store an installation has."""

import httpx

from app.core.files import FileStore
from app.core.settings import Settings
from app.files.stores.folder import Folder
from app.files.stores.s3 import Bucket


def store_of(settings: Settings, http: httpx.AsyncClient) -> FileStore | None:
    """The store that the settings name; None where they name none."""
    if settings.s3_url:
        return Bucket(settings, http)
    if settings.files_folder:
        site = str(settings.public_url).rstrip("/") if settings.public_url else ""
        return Folder(settings.files_folder, site, settings.max_body_bytes)
    return None
