"""The sandbox channel: the demo people log in with their names as codes. Never loaded in production."""

from citizens import sandbox_people
from citizens.channels.contract import LegalPerson, Login, LoginCodeInvalid, PhoneCodeInvalid
from citizens.channels.outside import MOBILE
from citizens.channels.zheliban import USCC_FORM
from models.enums import Channel


class SandboxChannel:
    """Accepts `demo-…` and `load-<n>` again and again; `load-<n>@b` is the same person, another identity.

    `uscc-` and a 统一社会信用代码 is the legal person that has it.
    """

    channel = Channel.SANDBOX

    async def exchange(self, code: str) -> Login:
        """See `LoginChannel.exchange`."""
        if USCC_FORM.fullmatch(code.removeprefix("uscc-")):
            return Login(code, None, legal_person=LegalPerson(code.removeprefix("uscc-"), "演示法人"))
        name, _, identity = code.partition("@")
        person = sandbox_people.person_of(name)
        if person is None or identity not in ("", "b"):
            raise LoginCodeInvalid
        return Login(subject=code, person=person)

    async def phone(self, code: str) -> str:
        """See `PhoneChannel.phone`; the code is the number itself."""
        if not MOBILE.fullmatch(code):
            raise PhoneCodeInvalid
        return code
