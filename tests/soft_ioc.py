"""A real soft IOC (EPICS Base) on loopback, for tests; run as a program it serves until killed.

It ticks ten times a second: ``OAF:X`` counts from the number it is given, ``OAF:BAD`` too, and is
INVALID when odd.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import asyncio

    from softioc import alarm, asyncio_dispatcher, builder, softioc

    dispatcher = asyncio_dispatcher.AsyncioDispatcher()
    builder.SetDeviceName("OAF")
    number = builder.aIn("X", EGU="mA", PREC=3)
    bad = builder.aIn("BAD")
    wave = builder.WaveformIn("WAVE", initial_value=[0.0] * 8)
    text = builder.stringIn("TEXT", initial_value="start")
    mode = builder.mbbIn("MODE", "OFF", "RAMP", "FLAT", initial_value=0)
    builder.LoadDatabase()
    softioc.iocInit(dispatcher)

    async def tick() -> None:
        count = int(sys.argv[1])
        while True:
            number.set(float(count))
            bad.set(
                float(count),
                severity=alarm.INVALID_ALARM if count % 2 else alarm.NO_ALARM,
                alarm=alarm.READ_ALARM if count % 2 else alarm.NO_ALARM,
            )
            wave.set([float(count)] * 8)
            text.set(f"tick {count}")
            mode.set(count % 3)
            count += 1
            await asyncio.sleep(0.1)

    dispatcher(tick)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the test closes it
