"""A WebSocket server that sends every message back: python3-websockets, in a process of its own,
so that it does not share a core with the test's client.

    python3 websocket_echo.py          prints its port; ends with its standard input
"""

import asyncio
import subprocess
import sys


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    import websockets
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


class WebSocketEcho:
    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.upstream = f"127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *failure):
        self.process.communicate()


if __name__ == "__main__":
    asyncio.run(main())
