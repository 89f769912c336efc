#!/usr/bin/python3
"""A small HTTP server that exchanges its own code on SIGHUP: server.py PORT

How it does that, the environment says (RELOAD):
  cut     it starts itself anew by execve. Whatever it had open is closed.
  keep    as cut, but the listening socket lives on: who connects meanwhile waits in its queue.
  drain   as keep, but before that it takes no more connections and answers with `Connection: close`, until its clients have left.
"""

import asyncio
import os
import signal
import socket
import sys

from release import VERSION

DRAIN_S = 0.3 # for clients that ask nothing more, and so are never told to leave
port, how = int(sys.argv[1]), os.environ.get("RELOAD", "cut")
connections = set()
draining = False


async def serve(reader, writer):
    connections.add(writer)
    try:
        last = False
        while not last:
            await reader.readuntil(b"\r\n\r\n")
            last = draining
            body = f"version {VERSION}, process {os.getpid()}\n".encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + (b"Connection: close\r\n" if last else b"") + b"\r\n" + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        connections.discard(writer)
        writer.close()


async def reload(server):
    global draining
    if draining:
        return # under way already, and what comes up will read the newest code
    listener = server.sockets[0].dup() # the kernel's queue stays, when the server's own socket is closed
    if how == "drain":
        draining = True
        server.close()
        deadline = asyncio.get_running_loop().time() + DRAIN_S
        while connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.001)
    if how != "cut":
        os.set_inheritable(listener.fileno(), True)
        os.environ["LISTENER"] = str(listener.fileno())
    os.execv(sys.executable, [sys.executable, *sys.argv])


async def main():
    if "LISTENER" in os.environ:
        listener = socket.socket(fileno=int(os.environ["LISTENER"]))
    else:
        listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    server = await asyncio.start_server(serve, sock=listener)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(reload(server)))
    await asyncio.Event().wait()


asyncio.run(main())
