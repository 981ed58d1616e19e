"""Posts sensor values at a steady rate, each with the moment of its posting as the value. Run by live_bench."""

from __future__ import annotations

import asyncio
import random
import sys
import time

CONNECTIONS = 16


async def _post(port: int, rate: float, seconds: float, count: int, seed: int) -> tuple[int, int]:
    """``rate`` PATCHes a second over 16 connections; (accepted, others)."""
    rng = random.Random(seed)
    good = bad = 0
    start = time.perf_counter()

    async def one(number: int) -> None:
        nonlocal good, bad
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = number
        while (due := start + turn / rate) < start + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            body = b'{"speed":{"type":"Property","value":%.6f}}' % time.time()
            writer.write(
                b"PATCH /ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:%d/attrs HTTP/1.1\r\nHost: localhost\r\n"
                b'Link: </ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"\r\n'
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % (rng.randrange(count), len(body))
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 204 " in head[:20]:
                good += 1
            else:
                bad += 1
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
            turn += CONNECTIONS
        writer.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return good, bad


if __name__ == "__main__":
    port, rate, seconds, count, seed = sys.argv[1:]
    print(*asyncio.run(_post(int(port), float(rate), float(seconds), int(count), int(seed))))
