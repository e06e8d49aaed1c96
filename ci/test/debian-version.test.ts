import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { compareVersions } from "../../.dagger/src/lib/debian-version.ts";

const VERSIONS = [
  "0", "1", "1.0", "1.0-0", "1.0-1", "1.0-1+b1", "1.0-1+deb13u1", "1.0-1+deb13u10", "1.0-1+deb13u2", "1.0~rc1-1", "1.0~~", "1.0~",
  "1.0a", "1.0.1", "1.0+dfsg-1", "1:0.9", "2:0.1-1", "1.3.dfsg+really1.3.1-1", "1.3.dfsg+really1.3.1-1+deb13u1", "3.5.7-1~deb13u3",
  "3.5.7-1", "20250419", "20250419+deb13u1", "2026f-0+deb13u1", "3.13.5-2+deb13u5", "2.41-12+deb13u4", "6.5+20250216-2", "1.0-1.1", "00001.0",
  "5.1.1alpha+20120614", "1-2-3", "a", "A", "1.0+", "99999999999999999999", "1:99999999999999999998",
  "1.0-1~bpo12+1", "1.0-1~deb12u1", "1.0-1+deb13u1~", "1.0-1+", "1.0.0", "1.0.10", "1.0.9", "1.0rc1", "1.0+git20250101.abc", "1.0+ds1-1", "1.0+ds1-1+b10",
  "1.0-1a", "1.0-1b", "1.0-1Z", "1.0-01", "1.00-1", "0:1.0-1", "1.0.~", "1.0.", "1.0~-1", "2026f-0", "2026a-1", "14.2.0-19", "8:7.1.1.43+dfsg1-1", "9e-3",
];

const sign = (version: number) => (version < 0 ? "lt" : version > 0 ? "gt" : "eq");

describe("compareVersions", () => {
  it.each([
    ["1.0~rc1-1", "1.0-1", "lt"], ["1.0-1", "1.0-1+deb13u1", "lt"], ["1.0-1+deb13u2", "1.0-1+deb13u10", "lt"],
    ["1:0.1", "9.9", "gt"], ["1.0", "1.0-0", "eq"], ["1.0", "00001.0", "eq"], ["1.0a", "1.0+", "lt"],
  ])("%s against %s: %s", (a, b, expected) => {
    expect(sign(compareVersions(a, b))).toBe(expected);
  });

  it("is an order: a pair turned round has the opposite answer", () => {
    for (const a of VERSIONS) for (const b of VERSIONS) expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
  });

  // dpkg is the judge; where it is not installed, the fixed pairs above stand alone.
  const dpkg = spawnSync("dpkg", ["--version"]).status === 0;
  it.runIf(dpkg)("agrees with dpkg on every pair", () => {
    // dpkg's order is total, so its answer on neighbours decides every pair, in a hundredth of the processes.
    const order = [...VERSIONS].sort(compareVersions);
    const script = 'read -r a; while read -r b; do for r in lt eq gt; do if dpkg --compare-versions "$a" $r "$b" 2>/dev/null; then echo $r; break; fi; done; a=$b; done';
    const judged = spawnSync("sh", ["-c", script], { input: order.map((version) => `${version}\n`).join(""), encoding: "utf8" });
    const relations = judged.stdout.trim().split("\n");
    expect(relations).toHaveLength(order.length - 1);
    expect(relations).not.toContain("gt");
    let rank = 0;
    const ranked = order.map((version, i) => ({ version, rank: (rank += i > 0 && relations[i - 1] === "lt" ? 1 : 0) }));
    for (const a of ranked) {
      for (const b of ranked) expect([a.version, b.version, sign(compareVersions(a.version, b.version))]).toEqual([a.version, b.version, sign(a.rank - b.rank)]);
    }
  }, 20_000);
});
