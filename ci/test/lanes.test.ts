import { describe, expect, it } from "vitest";
import { Lanes } from "../../.dagger/src/lib/lanes.ts";

/** Work that ends when it is told to, and what of it ran. */
function scene(count: number) {
  const lanes = new Lanes(count);
  const begun: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const start = (name: string): Promise<string> =>
    lanes.run(async () => {
      begun.push(name);
      await new Promise<void>((resolve, reject) => ends.set(name, { resolve, reject }));
      return name;
    });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { lanes, begun, start, settle, end: (name: string) => ends.get(name)!.resolve(), fail: (name: string) => ends.get(name)!.reject(new Error(name)) };
}

describe("Lanes", () => {
  it("runs as many as it has lanes, and the others in their order", async () => {
    const { lanes, begun, start, settle, end } = scene(2);
    const all = Promise.all(["a", "b", "c", "d"].map(start));
    expect([begun, lanes.waiting]).toEqual([["a", "b"], 2]);
    end("b");
    await settle();
    expect([begun, lanes.waiting]).toEqual([["a", "b", "c"], 1]);
    end("c");
    await settle();
    expect(begun).toEqual(["a", "b", "c", "d"]);
    end("a");
    end("d");
    expect(await all).toEqual(["a", "b", "c", "d"]);
  });

  it("goes on after work that fails", async () => {
    const { begun, start, settle, end, fail } = scene(1);
    const [first, second] = [start("a"), start("b")];
    fail("a");
    await expect(first).rejects.toThrow("a");
    await settle();
    expect(begun).toEqual(["a", "b"]);
    end("b");
    expect(await second).toBe("b");
    expect(begun).toHaveLength(2);
  });

  it("has one lane at least, free again when its work has ended", async () => {
    const { begun, start, settle, end } = scene(0);
    const first = start("a");
    end("a");
    await first;
    void start("b");
    await settle();
    expect(begun).toEqual(["a", "b"]);
  });
});
