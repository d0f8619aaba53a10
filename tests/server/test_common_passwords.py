"""What is guessed first is no password; anything else of ten characters is, whatever it is made of."""

import pytest

from server import passwords
from server.common_passwords import is_commonplace
from server.passwords import PasswordWeak

LOGIN = "zhang-san"


@pytest.mark.parametrize(
    "password",
    [
        *("1234567890", "0987654321", "qwertyuiop", "qwerty12345", "1qaz2wsx3edc", "abcdefghijkl"),
        *(
            "password123",
            "Passw0rd!!",
            "P@$$w0rd2026",
            "iloveyou520",
            "woaini1314",
            "xinyi@2026",
            "xinyi2026xinyi",
        ),
        *("aaaaaaaaaa", "abcabcabcabc", "1212121212", "13800138000", "8613800138000", "19900101199"),
        *("zhang-san1", "ZhangSan2026", "san-zhang-san"),
    ],
)
def test_what_is_guessed_first_is_commonplace(password: str) -> None:
    assert is_commonplace(password, LOGIN)


@pytest.mark.parametrize(
    "password",
    [
        *(
            "correct horse battery",
            "门店收银雨伞七只在门口",
            "tR7mk2qLp0x",
            "river-lamp-84-otter",
            "k9#mZ!pQ2v",
        ),
        *("a long enough passphrase", "xinyi shop lamp tree", "8 wet umbrellas", "zhang-san likes tea"),
    ],
)
async def test_others_are_taken_without_rules_of_what_they_are_made_of(password: str) -> None:
    assert not is_commonplace(password, LOGIN)
    assert (await passwords.fresh(password, LOGIN)).startswith("$argon2id$")


@pytest.mark.parametrize("password", ["k9#mZ!pQ2", "", "1234567890", "zhang-san-1"])
async def test_a_short_or_commonplace_one_is_refused(password: str) -> None:
    with pytest.raises(PasswordWeak):
        await passwords.fresh(password, LOGIN)
