import { describe, expect, it } from "vitest";
import { readSecurityData } from "../../.dagger/src/lib/debian-sources.ts";
import { type Bom, components, gate, parsePurl, scanBom } from "../../.dagger/src/lib/findings.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const release = (date: string) => `Origin: Debian\nSuite: stable-security\nCodename: trixie-security\nDate: ${date}\n`;
const SOURCES = "Package: openssl\nVersion: 3.5.7-1~deb13u3\n\nPackage: openssl\nVersion: 3.5.1-1+deb13u1\n\nPackage: zlib\nVersion: 1:1.3-2\n";
const data = () => readSecurityData(release("Sat, 21 Nov 2026 09:11:12 UTC"), SOURCES, NOW);

const bom = (...purls: string[]): Bom => ({ components: purls.map((purl) => ({ purl })) });
const deb = (name: string, version: string, upstream = "") =>
  `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=amd64&distro=debian-13${upstream && `&upstream=${encodeURIComponent(upstream)}`}`;

describe("Debian's security data", () => {
  it("keeps the newest version of each source, and the day it was signed", () => {
    expect(data()).toMatchObject({ suite: "trixie-security", date: "2026-11-21T09:11:12Z" });
    expect([...data().fixed]).toEqual([["openssl", "3.5.7-1~deb13u3"], ["zlib", "1:1.3-2"]]);
  });

  it.each([
    ["stale", release("Sat, 14 Nov 2026 09:00:00 UTC"), SOURCES, /signed 8 days ago .* is too old to judge by/],
    ["without a date", "Origin: Debian\n", SOURCES, /carries no date/],
    ["signed in the future", release("Tue, 24 Nov 2026 09:00:00 UTC"), SOURCES, /in the future/],
    ["empty", release("Sun, 22 Nov 2026 09:00:00 UTC"), "\n", /names no source package/],
  ])("fails closed when %s", (_, header, sources, message) => {
    expect(() => readSecurityData(header, sources, NOW)).toThrow(message);
  });
});

describe("parsePurl", () => {
  it("names a Debian package's source and its version", () => {
    expect(parsePurl(deb("libssl3t64", "3.5.1-1+b2", "openssl"))).toMatchObject({ name: "libssl3t64", source: "openssl", sourceVersion: "3.5.1-1" });
    expect(parsePurl(deb("libx", "1:2.0-1+b1", "x@2.0-1"))).toMatchObject({ version: "1:2.0-1+b1", source: "x", sourceVersion: "2.0-1" });
    expect(parsePurl(deb("netbase", "6.5"))).toMatchObject({ source: "netbase", sourceVersion: "6.5" });
  });

  it("keeps an npm scope in the name", () => {
    expect(parsePurl("pkg:npm/%40types/node@24.1.0")).toMatchObject({ type: "npm", name: "@types/node" });
  });
});

describe("scanBom", () => {
  const scan = (...purls: string[]) => scanBom("backend", "sha256:00", bom(...purls), data());

  it("finds a missed security update, by source package", () => {
    const result = scan(deb("libssl3t64", "3.5.1-1", "openssl"), deb("openssl", "3.5.1-1"), deb("zlib1g", "1:1.3-2", "zlib"));
    expect(result.findings).toEqual([{
      id: "trixie-security:openssl", package: "openssl", version: "3.5.1-1", fixedIn: "3.5.7-1~deb13u3",
      severity: "high", source: "Debian trixie-security", location: "libssl3t64, openssl",
    }]);
  });

  it("says what was looked at and what was not", () => {
    const result = scan(deb("zlib1g", "1:1.3-2", "zlib"), "pkg:pypi/fastapi@0.1", "pkg:generic/node@24.21.0", "pkg:generic/node@24.21.0");
    expect(result.covered).toEqual(["1 Debian package against trixie-security"]);
    expect(result.notCovered).toEqual(["1 upstream binary (node 24.21.0)", "1 Python package (fastapi 0.1)"]);
    expect(components(bom("pkg:generic/node@24.21.0", "pkg:generic/node@24.21.0"))).toHaveLength(1);
  });

  it("fails closed on a bill of materials without Debian packages", () => {
    expect(() => scan("pkg:pypi/fastapi@0.1")).toThrow(/names no Debian package/);
  });

  it("passes or fails at the threshold, with a sentence", () => {
    const missed = scan(deb("libssl3t64", "3.5.1-1", "openssl"));
    expect(gate(missed, "high")).toMatchObject({ passed: false, sentence: expect.stringMatching(/^scan backend: 1 finding at or above "high": openssl 3\.5\.1-1 \(fixed in 3\.5\.7-1~deb13u3\); relock/) as string });
    expect(gate(missed, "critical").passed).toBe(true);
    expect(gate(missed, "none").passed).toBe(true);
    expect(gate(scan(deb("zlib1g", "1:1.3-3", "zlib")), "unknown").sentence).toBe(
      "scan backend: no findings (1 Debian package against trixie-security, data of 2026-11-21T09:11:12Z)");
  });
});
