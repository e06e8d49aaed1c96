import { describe, expect, test } from "vitest"
import { type Followed, type Look, follow } from "../../.dagger/src/lib/recovery.ts"

const LIMITS = { healthySeconds: 45, soakSeconds: 90 }
const HEALTHY = { sync: "Synced", health: "Healthy" }
const STARTING = { sync: "Synced", health: "Progressing" }

/** Looks at a new release at the given seconds, and says what is known after the last look. */
function seen(...looks: [at: number, look: Partial<Look>][]): Followed {
  let known: Followed = { digest: "old", phase: "proven", arrived: 0 }
  for (const [at, look] of looks) known = follow(known, { at: at * 1000, digest: "new", restarts: 0, ...HEALTHY, ...look }, LIMITS)
  return known
}

describe("a release that comes while somebody follows", () => {
  test("is proven after it was Healthy through its soak", () => {
    expect(seen([1, STARTING]).phase).toBe("waiting")
    expect(seen([1, STARTING], [9, {}]).phase).toBe("soaking")
    expect(seen([1, STARTING], [9, {}], [98, {}]).phase).toBe("soaking")
    expect(seen([1, STARTING], [9, {}], [99, {}]).phase).toBe("proven")
  })

  test("fails when it is not Healthy in its time, and says what was seen", () => {
    expect(seen([1, STARTING], [45, STARTING]).phase).toBe("waiting")
    expect(seen([1, STARTING], [46, { ...STARTING, detail: "0 of 1 updated replicas are available" }])).toMatchObject({
      phase: "failed", decided: 46_000, reason: "not Healthy within 45 s: 0 of 1 updated replicas are available",
    })
  })

  test("fails at once when its process does not stay up, but not at the first glance", () => {
    const trouble = { ...STARTING, trouble: "it ended with exit code 1, 1 restart" }
    expect(seen([1, STARTING], [3, trouble])).toMatchObject({ phase: "waiting", troubledSince: 3000 })
    expect(seen([1, STARTING], [3, trouble], [8, trouble])).toMatchObject({ phase: "failed", reason: "it ended with exit code 1, 1 restart" })
  })

  test("is not blamed for a trouble that passes", () => {
    const trouble = { ...STARTING, trouble: "it ended with exit code 1, 1 restart" }
    const known = seen([1, trouble], [4, {}], [7, trouble], [10, trouble])
    expect(known).toMatchObject({ phase: "soaking", troubledSince: 7000 })
  })

  test("may restart once at its start, and not after it was Healthy", () => {
    const once = { restarts: 1, ended: "it ended with exit code 3 after 60 s" }
    expect(seen([1, STARTING], [5, once], [20, once]).phase).toBe("soaking")
    expect(seen([1, STARTING], [5, {}], [65, once], [70, once])).toMatchObject({
      phase: "failed", reason: "it ended with exit code 3 after 60 s, 65 s after it was first Healthy",
    })
  })

  test("fails when it degrades within its soak, and stays when it does after", () => {
    expect(seen([1, {}], [46, STARTING], [90, STARTING], [91, STARTING])).toMatchObject({ phase: "failed" })
    expect(seen([1, {}], [91, {}], [100, STARTING], [200, STARTING]).phase).toBe("proven")
  })

  test("is left alone when it was there before, and starts anew with the next", () => {
    const look = { at: 0, digest: "old", restarts: 9, ...STARTING }
    const known = follow(undefined, look, LIMITS)
    expect(follow(known, { ...look, at: 1e6 }, LIMITS).phase).toBe("standing")
    expect(follow(known, { ...look, at: 1e6, digest: "new" }, LIMITS)).toMatchObject({ phase: "waiting", arrived: 1e6 })
    // A repository that cannot be read for a while says nothing of what runs.
    expect(follow(known, { ...look, at: 1e6, digest: "" }, LIMITS)).toBe(known)
  })
})
