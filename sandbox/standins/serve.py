"""`python -m sandbox wechat|alipay|zheliban`: one stand-in at a port, until it is stopped."""

import sys
from collections.abc import Mapping

from sanic import Sanic

from sandbox.standins.alipay import AlipayStandIn
from sandbox.standins.moods import StandIn, app_of, listed
from sandbox.standins.wechat import WeChatStandIn
from sandbox.standins.zheliban import ZhelibanStandIn

STANDINS: Mapping[str, type[StandIn]] = {
    "wechat": WeChatStandIn,
    "alipay": AlipayStandIn,
    "zheliban": ZhelibanStandIn,
}
PORTS = {"wechat": 9101, "alipay": 9102, "zheliban": 9103}


def serve(name: str, port: int | None) -> int:
    """Print what a service has to be told, and serve."""
    port = port or PORTS[name]
    standin = STANDINS[name]()  # type: ignore[call-arg]
    url = f"http://127.0.0.1:{port}"
    about = sys.modules[type(standin).__module__].__doc__ or ""
    print("".join(f"# {line}\n" for line in about.strip().splitlines()), end="")
    print(listed(standin.variables(url).items()))
    print(
        f'# moods: curl -X PUT {url}/control -d \'{{"mood": "hanging"}}\', one of {", ".join(standin.moods)}'
    )
    sys.stdout.flush()
    app = app_of(f"standin-{name}", standin)
    Sanic.start_method = "fork"
    app.run("127.0.0.1", port, single_process=True, motd=False, access_log=False)
    return 0
