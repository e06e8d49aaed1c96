import { describe, expect, test } from "vitest";
import { escaped, fileHref, html, prose } from "../../.dagger/src/lib/page/html.ts";
import { renderPage } from "../../.dagger/src/lib/page/page.ts";
import { tickMarks } from "../../.dagger/src/lib/page/timeline.ts";
import type { RunReport } from "../../.dagger/src/lib/report.ts";
import { EVIDENCE, FAILED, GOOD, VERDICT } from "./report-fixtures.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\`&{{}}\u001b[31m\u0000\u202e</style></title>`;

/** Every text of a value replaced by a hostile one, except those that the types fix. */
function poisoned<T>(value: T, kept: ReadonlySet<string>, key = ""): T {
  if (typeof value === "string") return (kept.has(key) ? value : `${HOSTILE}${key}`) as T;
  if (Array.isArray(value)) return value.map((one) => poisoned(one, kept, key)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, kept, name)])) as T;
}

describe("what comes from outside", () => {
  test("is escaped in every place of the page", () => {
    const kept = new Set(["status", "outcome", "severity", "kind", "path"]);
    for (const report of [GOOD, FAILED]) {
      const files = EVIDENCE.map((file) => ({ ...file, ...(file.text === undefined ? {} : { text: HOSTILE }) }));
      const page = renderPage({ report: poisoned<RunReport>(report, kept), verdict: poisoned(VERDICT, new Set()), files: [...files, { path: `a/${HOSTILE}`, bytes: 1 }] });
      expect(/<script|<img|<iframe|<object|<link|<base|javascript:/i.exec(page)).toBeNull();
      expect(page.match(/<\/style>/g)).toHaveLength(1);
      expect(page.match(/<\/title>/g)).toHaveLength(1);
      expect(/[\u0000\u001b\u202e]/.exec(page)).toBeNull(); // eslint-disable-line no-control-regex
      expect(page.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(20);
      // Every attribute is in quotes and none of an event.
      expect(/<[^>]*\son\w+=/i.exec(page.replace(/&[a-z#0-9]+;/g, "").replace(/"[^"]*"/g, '""'))).toBeNull();
    }
  });

  test("cannot become a link to elsewhere", () => {
    expect(fileHref("javascript:alert(1)")).toBe("./javascript%3Aalert(1)");
    expect(fileHref("../../etc/passwd")).toBe("./etc/passwd");
    expect(fileHref("//evil/x y?#")).toBe("./evil/x%20y%3F%23");
  });

  test("is escaped in a template unless it is HTML already", () => {
    expect(html`<b title="${'"'}">${"<"}${html`<i>${"&"}</i>`}${undefined}${3}</b>`.text).toBe('<b title="&quot;">&lt;<i>&amp;</i>3</b>');
    expect(escaped("\u001b[1mred\u001b[0m \ud800 \u{1f600}")).toBe("red \ufffd \u{1f600}");
  });

  test("fenced blocks and code of a sentence are shown as such", () => {
    const shown = prose("`sh -c x` ended:\n\n```\n<b>\n```").text;
    expect(shown).toContain("<code>sh -c x</code> ended:");
    expect(shown).toContain('<pre class="log" tabindex="0">&lt;b&gt;</pre>');
    expect(prose("a lone ` stays").text).toBe("<p>a lone &#96; stays</p>");
  });
});

describe("the page", () => {
  const good = renderPage({ report: GOOD, verdict: VERDICT, files: EVIDENCE });
  const failed = renderPage({ report: FAILED, files: EVIDENCE });

  test("says at the top how it ended", () => {
    expect(good).toContain("<h1>api passed and is released to dev</h1>");
    expect(failed).toContain("<h1>Integrate failed</h1>");
    expect(failed).toContain("No commit was made; dev is as it was.");
    expect(failed.indexOf("planted: cannot start")).toBeLessThan(failed.indexOf("<nav"));
  });

  test("fetches nothing and runs nothing", () => {
    for (const page of [good, failed]) {
      expect(page).toContain("default-src 'none'");
      expect(page).not.toMatch(/\b(src|srcset|action)=|url\(|@import|https?:/);
      for (const [, href] of page.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^(#|\.\/)/);
    }
  });

  test("draws stages where they were in time", () => {
    expect(good).toContain('aria-label="build: passed, from 0.4 s, for 7.9 s"');
    expect(good).toMatch(/<rect class="passed" x="25\.311%" y="50%" width="69\.295%"/);
    expect(good).toContain("Argo CD available");
    expect(failed).toContain('aria-label="promote: not run"');
  });

  test("shows what changed, what was found, how big it is, and the files", () => {
    expect(good).toContain("41 commits since abcdef0; the newest 2");
    expect(good).toContain('<span class="add">+  replicas: 2</span>');
    // What each release changes is folded.
    expect(good).toMatch(/<details open><summary><code>env\/<wbr>dev\/<wbr>api\/<wbr>manifests\/<wbr>deployment.yaml<\/code>/);
    expect(good).toMatch(/<details><summary><code>[^\n]*release.yaml<\/code>[^\n]*version, revision and digest only/);
    expect(good.match(/digest only/g)).toHaveLength(1);
    expect(good.indexOf("openssl")).toBeLessThan(good.indexOf("zlib"));
    expect(good).toContain("27.8 MB");
    expect(good).toContain('href="./integrate/logs/dev-api-7887cd5b4-9npw4-api.log"');
    expect(good).not.toContain("What failed");
  });

  test("a failed run's evidence can be read in it", () => {
    expect(failed).toContain("Back-off restarting failed container");
    expect(failed).toContain("Deployment api is Degraded: exceeded its progress deadline");
    expect(failed).toContain("Not run because of it: promote.");
  });

  test("only the end of a long log stands in it", () => {
    const text = Array.from({ length: 4000 }, (_, index) => `line ${index}`).join("\n");
    const page = renderPage({ report: FAILED, files: [{ path: "logs/api/test.log", bytes: text.length, text }] });
    expect(page).toContain("The last 150 of 4000 lines");
    expect(page).not.toContain("line 3849\n");
    expect(page).toContain("line 3999");
  });

  test("damaged evidence costs no page", () => {
    expect(renderPage({ report: FAILED, files: [{ path: "integrate/applications.yaml", bytes: 3, text: "a: [\n{{" }] })).toContain("Argo CD had no Application");
  });
});

test("the time axis has few marks at round seconds", () => {
  expect(tickMarks(10)).toEqual([0, 2, 4, 6, 8]);
  expect(tickMarks(48.2)).toEqual([0, 10, 20, 30, 40]);
  expect(tickMarks(0.1)).toEqual([0]);
  for (const end of [0.3, 1, 7, 29, 90, 271, 1000, 9000, 50_000]) expect(tickMarks(end).length).toBeLessThan(9);
});
