"""Passwords that are guessed first: the commonest, rows and repetitions, phone numbers, the login (NIST SP 800-63B 5.1.1.2).

The lists that are published by the million are mostly words with a number: the words are kept, the rest is a pattern.
"""

import re
from string import ascii_lowercase, digits

# What is left of a common password without its numbers and signs.
_WORDS = """
    a aa aaa ab abc abcd abcde abcdef admin administrator aini alliance asd asdf asdfg asdfgh asdfghjkl baby baseball
    batman caonima changeme cashier charlie computer daniel dearbook default demo demodemo dragon football freedom
    guest haha hahaha hangzhou hello helloworld hunter iloveyou iloveyouforever jesus jordan killer letmein li liu
    login lovely love loveyou manager market master merchant michael mima monkey mustang mypassword nihao ninja owner
    p pass passw passwd password passwordpassword princess q qaz qazwsx qazwsxedc qq qqqq qwe qweasd qweasdzxc qwer
    qwert qwerty qwertyui qwertyuiop root secret server shadow shop shopping soccer starwars store sunshine superman
    system taobao test testtest trustno user wang wangwang welcome woaini woainima woaiwojia xinyi xinyitong
    xinyilianmeng xyz yuan zhang zhejiang zhou zq zxc zxcv zxcvb zxcvbn zxcvbnm
"""
WORDS = frozenset(_WORDS.split())
LEET = str.maketrans("@4301$5!7", "aaeoissit")
ROWS = tuple(
    row + row[::-1]
    for row in (
        digits[1:] + "0" + digits[1:],
        ascii_lowercase,
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "1qaz2wsx3edc4rfv",
    )
)
LONGEST_BLOCK = 4


def is_commonplace(password: str, login: str) -> bool:
    """Whether somebody who guesses tries this within minutes."""
    plain = password.casefold()
    bare = re.sub(r"[^a-z0-9]", "", plain)
    own = re.sub(r"[^a-z0-9]", "", login.casefold())
    if own and (bare == own or (own in bare and len(bare) - len(own) < 6)):
        return True
    if len(set(plain)) < 4 or re.fullmatch(rf"(.{{1,{LONGEST_BLOCK}}})\1+.?", plain, re.DOTALL):
        return True
    if re.fullmatch(r"(\+?86)?1[3-9][0-9]{9}|(19|20)[0-9]{6}[0-9]{0,4}", bare) and bare == plain:
        return True
    return _is_a_row(bare) or _is_a_word(plain)


def _is_a_row(bare: str) -> bool:
    """Made of two rows of neighbouring signs at most, such as 1234567890 or qwertyuiop123."""
    rest, rows = bare, 0
    while rest and rows < 3:
        longest = next(
            length
            for length in range(len(rest), 0, -1)
            if length == 1 or any(rest[:length] in row for row in ROWS)
        )
        rest, rows = rest[longest:], rows + 1
    return bool(bare) and not rest and rows <= 2


def _is_a_word(plain: str) -> bool:
    """A common word, also written twice or with signs for letters, and whatever numbers and signs are with it."""
    if not plain.isascii():
        return False
    spelt = (plain, re.sub(r"[^a-z]+$", "", plain).translate(LEET))
    bare = [re.sub(r"[^a-z]", "", text) for text in spelt]
    once = [re.sub(r"^(.+?)\1+$", r"\1", text) for text in bare]
    return not WORDS.isdisjoint((*bare, *once))
