import { describe, expect, test } from "vitest";
import { parseEnvironment } from "../../.dagger/src/lib/environments.ts";
import { listOf, plural, sentenceOf } from "../../.dagger/src/lib/errors.ts";
import { DEFAULT_IMAGES, parseImages } from "../../.dagger/src/lib/images.ts";
import { proofLimits } from "../../.dagger/src/lib/integrate-limits.ts";
import { doubleMemory, memoryBytes, milliCores } from "../../.dagger/src/lib/quantity.ts";
import { editDistance, nearest } from "../../.dagger/src/lib/suggest.ts";
import { parseThreshold, reaches } from "../../.dagger/src/lib/threshold.ts";
import { refusal } from "./helpers.ts";

describe("--env", () => {
  test("knows dev, stage and prod", () => {
    expect(["dev", "stage", "prod"].map(parseEnvironment)).toEqual(["dev", "stage", "prod"]);
  });

  test.each([
    ["production", '--env: unknown environment "production" (did you mean "prod"?); use dev, stage or prod'],
    ["Dev", '--env: unknown environment "Dev" (did you mean "dev"?); use dev, stage or prod'],
    ["qa", '--env: unknown environment "qa"; use dev, stage or prod'],
    ["", '--env: unknown environment ""; use dev, stage or prod'],
    ["constructor", '--env: unknown environment "constructor"; use dev, stage or prod'],
  ])("%j is refused", (text, sentence) => {
    expect(refusal(() => parseEnvironment(text))).toBe(sentence);
  });
});

describe("--timeout and --soak", () => {
  test("left out, every wait has its own limit", () => expect(proofLimits(0, 0)).toBeUndefined());

  test("bound each wait, and let a lasting cause be found before", () => {
    expect(proofLimits(30, 0)).toMatchObject({ api: 30, sync: 30, drift: 30, stable: 15 });
    expect(proofLimits(600, 75)).toMatchObject({ sync: 600, stable: 25, soak: 75 });
    expect(proofLimits(0, 75)).toEqual({ soak: 75 });
  });

  test.each([
    [-1, 0, "--timeout: -1 is out of range; use whole seconds from 1 to 7200, or leave it out"],
    [0, 7201, "--soak: 7201 is out of range; use whole seconds from 1 to 7200, or leave it out"],
  ])("%d and %d are refused", (timeout, soak, sentence) => {
    expect(refusal(() => proofLimits(timeout, soak))).toBe(sentence);
  });
});

describe("--fail-on", () => {
  test("knows the severities and none", () => {
    const all = ["none", "unknown", "low", "medium", "high", "critical"];
    expect(all.map(parseThreshold)).toEqual(all);
  });

  test("refuses anything else", () => {
    expect(refusal(() => parseThreshold("hihg"))).toBe(
      '--fail-on: unknown threshold "hihg" (did you mean "high"?); use none, unknown, low, medium, high or critical',
    );
    expect(refusal(() => parseThreshold("9"))).toContain('unknown threshold "9"; use none');
  });

  test("is reached by itself and what is graver", () => {
    expect(reaches("high", "high")).toBe(true);
    expect(reaches("critical", "high")).toBe(true);
    expect(reaches("medium", "high")).toBe(false);
    expect(reaches("unknown", "low")).toBe(false);
    expect(reaches("unknown", "unknown")).toBe(true);
    expect(reaches("critical", "none")).toBe(false);
  });
});

describe("--images", () => {
  test("leaves the defaults where nothing is overridden", () => {
    expect(parseImages([])).toEqual(DEFAULT_IMAGES);
  });

  test("replaces one by name, equals signs in the reference included", () => {
    expect(parseImages(["redis=registry.example/redis:1=2"])).toEqual({ ...DEFAULT_IMAGES, redis: "registry.example/redis:1=2" });
    expect(DEFAULT_IMAGES.redis).not.toContain("registry.example");
  });

  test.each([
    ["debain=x", '--images: unknown image "debain" (did you mean "debian"?); use debian, cluster, argocd or redis, as in debian=registry.example/debian:trixie'],
    ["debian", `--images: "debian" names no image reference; write debian=<reference>, as in debian=${DEFAULT_IMAGES.debian}`],
    ["debian=", `--images: "debian=" names no image reference; write debian=<reference>, as in debian=${DEFAULT_IMAGES.debian}`],
    ["debian=a b", `--images: "debian=a b" names no image reference; write debian=<reference>, as in debian=${DEFAULT_IMAGES.debian}`],
    ["toString=x", '--images: unknown image "toString"; use debian, cluster, argocd or redis, as in debian=registry.example/debian:trixie'],
  ])("%j is refused", (override, sentence) => {
    expect(refusal(() => parseImages([override]))).toBe(sentence);
  });

  test("the same name twice is refused: which one counts would be a guess", () => {
    expect(refusal(() => parseImages(["redis=a", "redis=b"]))).toBe("--images: redis is given twice; give it once");
  });
});

describe("words and quantities", () => {
  test("distance counts edits, a swap as one", () => {
    expect([editDistance("port", "prot"), editDistance("port", "port"), editDistance("", "abc"), editDistance("cat", "dog")]).toEqual([1, 0, 3, 3]);
  });

  test("far words are not suggested", () => {
    expect(nearest("resorces", ["name", "resources"])).toBe("resources");
    expect(nearest("x", ["name", "resources"])).toBeUndefined();
  });

  test("quantities", () => {
    expect([milliCores("250m"), milliCores("1.5"), milliCores("0.05"), milliCores("0"), milliCores("1.0001"), milliCores("-1")])
      .toEqual([250, 1500, 50, undefined, undefined, undefined]);
    expect([memoryBytes("1Ki"), memoryBytes("2M"), memoryBytes("0Mi"), memoryBytes("1"), memoryBytes("1Ti")])
      .toEqual([1024, 2_000_000, undefined, undefined, undefined]);
    expect(doubleMemory("128Mi")).toBe("256Mi");
  });

  test("lists read as sentences", () => {
    expect([listOf([]), listOf(["a"]), listOf(["a", "b"]), listOf(["a", "b", "c"], "or")]).toEqual(["", "a", "a and b", "a, b or c"]);
    expect([plural(1, "finding"), plural(0, "finding")]).toEqual(["1 finding", "0 findings"]);
    expect([sentenceOf(new Error("a")), sentenceOf("b")]).toEqual(["a", "b"]);
  });
});
