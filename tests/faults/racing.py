"""What races write, as engineers do."""

from typing import Final

from app.core.auth import Principal
from app.tickets.usecases.caller import Caller

ENGINEER: Final = Caller(Principal("agent", "key_1", engineer_id="eng_1", name="Noor Haddad"), lambda _: None)
