"""What races write, as engineers do."""

from typing import Final

from app.tickets.usecases.caller import Caller

from app.core.auth import Principal

ENGINEER: Final = Caller(Principal("agent", "key_1", engineer_id="eng_1", name="Noor Haddad"), lambda _: None)
