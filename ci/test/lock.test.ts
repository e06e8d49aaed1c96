import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fetchList, type Lock, parseLock, relock, renderLock } from "../../.dagger/src/lib/lock.ts";

const record = (name: string, version: string, fields = "") =>
  `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n${fields}Filename: pool/main/x/${name}_${version}_amd64.deb\nSize: 10\nSHA256: ${"a".repeat(64)}\nDescription: text\n with more lines\n\n`;

const LOCK: Lock = {
  suite: "trixie", architecture: "amd64", roots: ["interpreter"], leaveOut: { debconf: "asks questions" }, remove: [], packages: [],
};
const RECORDS =
  record("interpreter", "3.1-1+b2", "Source: snake (3.1-1)\nPre-Depends: libc6 (>= 2.38)\nDepends: debconf (>= 0.5) | debconf-2.0, media | mime, libq:any\n") +
  record("libc6", "2.41-1", "Source: glibc\nDepends: libgcc\n") + record("libgcc", "14-1", "Depends: libc6\n") +
  record("mime", "1") + record("libq-real", "2", "Provides: libq (= 2)\n") + record("unrelated", "1");

describe("relock", () => {
  it("takes the roots and what they depend on, less what is left out", () => {
    const names = relock(LOCK, RECORDS).packages.map((locked) => locked.name);
    expect(names).toEqual(["interpreter", "libc6", "libgcc", "libq-real", "mime"]);
  });

  it("keeps the source package and its version, which scans compare", () => {
    const [interpreter, libc6] = relock(LOCK, RECORDS).packages;
    expect(interpreter).toMatchObject({ source: "snake", sourceVersion: "3.1-1", archive: "debian", size: 10 });
    expect(libc6).toMatchObject({ source: "glibc", sourceVersion: "2.41-1" });
  });

  it("refuses a root or a dependency that is not there", () => {
    expect(() => relock({ ...LOCK, roots: ["nothing"] }, RECORDS)).toThrow(/has no package nothing/);
    expect(() => relock(LOCK, record("interpreter", "1", "Depends: gone\n"))).toThrow(/interpreter depends on gone/);
  });
});

describe("a lock file", () => {
  it("is written one package a line and reads back the same", () => {
    const lock = relock(LOCK, RECORDS);
    expect(parseLock(renderLock(lock), "lock")).toEqual(lock);
    expect(renderLock(lock).split("\n").filter((line) => line.includes('"sha256"'))).toHaveLength(5);
  });

  it("is refused without a checksum, or when it is no JSON", () => {
    const lock = relock(LOCK, RECORDS);
    lock.packages[0]!.sha256 = "";
    expect(() => parseLock(renderLock(lock), "locks/x.json")).toThrow("locks/x.json: interpreter: has no checksum");
    expect(() => parseLock("{", "locks/x.json")).toThrow(/^locks\/x.json: not JSON/);
  });

  it.each(["python", "node"])("of %s is whole and as relock writes it", (runtime) => {
    const file = `.dagger/locks/${runtime}.json`;
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const lock = parseLock(text, file);
    expect(renderLock(lock)).toBe(text);
    expect(fetchList(lock).trim().split("\n")).toHaveLength(lock.packages.length);
    const names = lock.packages.map((locked) => locked.name);
    for (const unwanted of ["dash", "bash", "dpkg", "apt", "coreutils", "perl-base"]) expect(names).not.toContain(unwanted);
  });
});
