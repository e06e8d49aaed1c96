import { describe, expect, it } from "vitest";
import { WaitTimeout, waitFor } from "../../.dagger/src/lib/wait.ts";
import type { Clock } from "../../.dagger/src/lib/wait.ts";

function fakeClock(): Clock & { slept: number[] } {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    sleep: (ms) => {
      slept.push(ms);
      time += ms;
      return Promise.resolve();
    },
  };
}

describe("waitFor", () => {
  it("returns what the probe found, without a pause when it is there already", async () => {
    const clock = fakeClock();
    const options = { what: "x", timeoutMs: 10, everyMs: 1, clock };
    await expect(waitFor(options, () => Promise.resolve({ done: 7 }))).resolves.toBe(7);
    expect(clock.slept).toEqual([]);
  });

  it("names what it waited for, how long, and what it saw last", async () => {
    const clock = fakeClock();
    let asked = 0;
    const wait = waitFor({ what: "the moon to rise", timeoutMs: 2500, everyMs: 1000, clock }, () =>
      Promise.resolve({ waiting: `cloud ${++asked}` }),
    );
    await expect(wait).rejects.toThrow("waited 2.5 s for the moon to rise: cloud 4");
    await expect(wait).rejects.toBeInstanceOf(WaitTimeout);
  });

  it("never sleeps past its limit and asks once more at it", async () => {
    const clock = fakeClock();
    let asked = 0;
    const options = { what: "x", timeoutMs: 250, everyMs: 100, clock };
    const wait = waitFor<string>(options, () => Promise.resolve(++asked === 4 ? { done: "late" } : { waiting: "not yet" }));
    await expect(wait).resolves.toBe("late");
    expect(clock.slept).toEqual([100, 100, 50]);
  });

  it("ends at once when the probe throws", async () => {
    const clock = fakeClock();
    const wait = waitFor({ what: "x", timeoutMs: 1000, everyMs: 10, clock }, () => Promise.reject(new Error("never")));
    await expect(wait).rejects.toThrow("never");
    expect(clock.slept).toEqual([]);
  });

  it("tells an observation only when it changes", async () => {
    const seen: string[] = [];
    const lines = ["a", "a", "b", "b"];
    const options = { what: "x", timeoutMs: 1000, everyMs: 10, clock: fakeClock(), onChange: (line: string) => seen.push(line) };
    await waitFor<boolean>(options, () => {
      const line = lines.shift();
      return Promise.resolve(line === undefined ? { done: true } : { waiting: line });
    });
    expect(seen).toEqual(["a", "b"]);
  });
});
