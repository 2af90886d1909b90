"""Runs under Wine: the named pipe that DbgEng connects to, joined to the KD server's TCP port.

``python pipe_bridge.py PIPE PORT``; prints "serving" when the pipe is there. The TCP connection is made when
a debugger opens the pipe and closed when it lets go of it, so that the server sees both.
"""

import asyncio
import socket
import sys
from typing import List, Optional


class Bridge(asyncio.Protocol):
    """One debugger on the pipe."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pipe: Optional[asyncio.Transport] = None
        self._server: Optional[asyncio.StreamWriter] = None
        self._early: List[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._pipe = transport
        asyncio.get_event_loop().create_task(self._connect())

    async def _connect(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = writer
        for data in self._early:
            writer.write(data)
        while True:
            data = await reader.read(65536)
            if not data or self._pipe is None:
                return
            self._pipe.write(data)

    def data_received(self, data: bytes) -> None:
        if self._server is None:
            self._early.append(data)
        else:
            self._server.write(data)

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._pipe = None
        if self._server is not None:
            self._server.close()


def main() -> None:
    pipe, port = sys.argv[1], int(sys.argv[2])
    loop = asyncio.ProactorEventLoop()  # type: ignore[attr-defined,unused-ignore]
    asyncio.set_event_loop(loop)
    loop.run_until_complete(loop.start_serving_pipe(lambda: Bridge(port), pipe))
    print("serving", flush=True)
    loop.run_forever()


if __name__ == "__main__":
    main()
