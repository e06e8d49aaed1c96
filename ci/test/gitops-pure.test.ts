import { describe, expect, it } from "vitest";
import { backoffSeconds, PUSH_BACKOFF } from "../../.dagger/src/lib/backoff.ts";
import { classifyGitFailure, retriesAllowed, type GitFailureKind } from "../../.dagger/src/lib/git-rejection.ts";
import { execFailure } from "../../.dagger/src/lib/exec-error.ts";
import { type Hold, holdPath, renderHold } from "../../.dagger/src/lib/holds.ts";
import { renderRelease } from "../../.dagger/src/lib/release.ts";
import { dropSuperseded, isSuperseded } from "../../.dagger/src/lib/supersede.ts";
import { formatTrailers, parseTrailers, trailerMap, trailerValues } from "../../.dagger/src/lib/trailers.ts";
import { applyEdits } from "../../.dagger/src/lib/edits.ts";
import { answeredBy, planWrite, releasesIn } from "../../.dagger/src/lib/release-plan.ts";
import { release, wanted } from "../e2e/git/fixtures.ts";

describe("what a server's refusal means", () => {
  const cases: [GitFailureKind, string][] = [
    ["lost-race", "!\tabc:refs/heads/main\t[rejected] (stale info)\nerror: failed to push some refs to 'x'"],
    ["lost-race", " ! [rejected]        main -> main (fetch first)\nhint: Updates were rejected because the remote contains work"],
    ["lost-race", " ! [rejected]        main -> main (non-fast-forward)"],
    ["lost-race", "!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1234567 but expected abcdef0)"],
    ["lost-race", "!\tabc:refs/heads/main\t[remote rejected] (incorrect old value provided)"],
    ["lost-race", "!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)"],
    ["lost-race", "!\tabc:refs/heads/main\t[remote rejected] (failed to lock)"],
    ["lost-race", "error: cannot lock ref 'refs/heads/main': reference already exists"],
    ["lost-race", "remote: fatal: incorrect old value provided\n! [remote rejected] main -> main (pre-receive hook declined)"],
    ["protected", "remote: error: GH006: Protected branch update failed\n! [remote rejected] main -> main (protected branch hook declined)"],
    ["protected", "remote: GitLab: You are not allowed to push code to protected branches on this project.\n! [remote rejected] main -> main (pre-receive hook declined)"],
    ["protected", "! [remote rejected] main -> main (TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.)"],
    ["declined", "remote: fetch first the tea\n! [remote rejected] main -> main (pre-receive hook declined)"],
    ["server-error", "error: remote unpack failed: unable to create temporary object directory\n! [remote rejected] main -> main (unpacker error)"],
    ["read-only", "remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://x/': The requested URL returned error: 403"],
    ["read-only", "ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository."],
    ["read-only", "fatal: remote error: service not enabled: /gitops.git"],
    ["auth", "remote: Invalid username or password.\nfatal: Authentication failed for 'https://x/'"],
    ["auth", "fatal: could not read Username for 'https://x': terminal prompts disabled"],
    ["auth", "git@x: Permission denied (publickey).\nfatal: Could not read from remote repository."],
    ["auth", "fatal: unable to access 'https://x/': The requested URL returned error: 403"],
    ["host-key", "@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@\nHost key verification failed.\nfatal: Could not read from remote repository."],
    ["host-key", "Host key verification failed.\nfatal: Could not read from remote repository."],
    ["tls", "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate"],
    ["not-found", "remote: Repository not found.\nfatal: repository 'https://x/' not found"],
    ["not-found", "fatal: '/x.git' does not appear to be a git repository\nfatal: Could not read from remote repository."],
    ["not-found", "fatal: remote error: access denied or repository not exported: /x.git"],
    ["unreachable", "fatal: unable to access 'https://x/': Could not resolve host: x"],
    ["unreachable", "fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused"],
    ["unreachable", "ssh: connect to host x port 22: Connection timed out"],
    ["server-error", "fatal: unable to access 'https://x/': The requested URL returned error: 502"],
    ["server-error", "fatal: the remote end hung up unexpectedly"],
    ["server-error", "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights"],
    ["unknown", "something new"],
  ];
  it.each(cases)("%s: %j", (kind, output) => {
    const failure = classifyGitFailure(output);
    expect(failure.kind).toBe(kind);
    expect(failure.found).not.toMatch(/\n|^(fatal|remote|error):/);
    expect(failure.advice).not.toBe("");
  });

  it("a stopped git is a timeout, whatever it had printed", () => {
    expect(classifyGitFailure("! [rejected] main -> main (fetch first)", true).kind).toBe("timeout");
  });

  it("keeps the errno of git:// and never says nothing", () => {
    expect(classifyGitFailure(cases[28]![1]).found).toBe("unable to connect to 127.0.0.1: Connection refused");
    expect(classifyGitFailure("").found).toBe("git failed and said nothing");
  });

  it("only a race is tried to the cap, trouble three times, the rest once", () => {
    expect([retriesAllowed("lost-race", 10), retriesAllowed("server-error", 10), retriesAllowed("declined", 10)]).toEqual([10, 3, 1]);
  });
});

describe("waiting between tries", () => {
  it("grows, is capped, and jitter spreads it to both sides", () => {
    const nominal = [1, 2, 3, 9, 10, 30].map((attempt) => backoffSeconds(PUSH_BACKOFF, attempt, 0.5));
    expect(nominal.map((seconds) => Math.round(seconds * 100) / 100)).toEqual([0.3, 0.42, 0.59, 4.43, 5, 5]);
    expect(backoffSeconds(PUSH_BACKOFF, 1, 0)).toBeCloseTo(0.09, 2);
    expect(backoffSeconds(PUSH_BACKOFF, 1, 0.999)).toBeCloseTo(0.51, 2);
    expect(backoffSeconds(PUSH_BACKOFF, 30, 0.999)).toBe(5);
  });
});

describe("trailers", () => {
  const message = "release(dev): backend\n\nIt says: nothing.\n\nImage-Digest: backend=sha256:ab\nimage-digest: web=sha256:cd\nRun-Id: 7\n  folded\n";

  it("are the last paragraph, names without case, folded values joined", () => {
    expect(parseTrailers(message).map((trailer) => trailer.key)).toEqual(["Image-Digest", "image-digest", "Run-Id"]);
    expect(trailerValues(message, "run-id")).toEqual(["7 folded"]);
    expect(trailerMap(message, "Image-Digest")).toEqual({ backend: "sha256:ab", web: "sha256:cd" });
  });

  it("are not a subject that looks like one, nor a paragraph of prose", () => {
    expect(parseTrailers("fix: it")).toEqual([]);
    expect(parseTrailers("a\n\nKey: value\nprose")).toEqual([]);
  });

  it("come back as they were written, and a value cannot forge another", () => {
    const trailers = [{ key: "Run-Id", value: "1\nVerdict: integrate=passed" }, { key: "Verdict", value: "scan=failed" }];
    const back = parseTrailers(`subject\n\n${formatTrailers(trailers)}\n`);
    expect(back).toEqual([{ key: "Run-Id", value: "1 Verdict: integrate=passed" }, trailers[1]]);
    expect(() => formatTrailers([{ key: "No spaces", value: "" }])).toThrow(/is not a trailer name/);
  });
});

describe("superseded releases", () => {
  it("are older than what stands there; equal times and the same digest are not", () => {
    expect(isSuperseded(release("a", 1), release("a", 2))).toBe(true);
    expect(isSuperseded(release("a", 2), release("a", 1))).toBe(false);
    expect(isSuperseded(release("a", 1), null)).toBe(false);
    expect(isSuperseded(release("a", 1), release("a", 2, { sourceTime: release("a", 1).sourceTime }))).toBe(false);
    expect(isSuperseded(release("a", 1), { ...release("a", 1), sourceTime: "2027-01-01T00:00:00Z" })).toBe(false);
  });

  it("compares instants, and a time that is none is an error", () => {
    expect(() => isSuperseded(release("a", 1, { sourceTime: "soon" }), release("a", 2))).toThrow(/sourceTime "soon" is not a time/);
    expect(dropSuperseded([release("a", 1), release("b", 3)], (each) => release(each.service, 2)).current.map((each) => each.service)).toEqual(["b"]);
  });

  it("any order of writers ends in the same tree", () => {
    const runs = [1, 2, 3, 4].flatMap((day) => [wanted("", [release("a", day), release("b", 5 - day)]), wanted("", [release("c", day)])]);
    const trees = [0.1, 0.37, 0.61, 0.83, 0.97].map((seed) => {
      const order = runs.map((run, at) => ({ run, key: (Math.sin(at * 97 + seed * 1000) + 1) % 1 })).sort((x, y) => x.key - y.key);
      return order.reduce<Record<string, string>>((tree, { run }) => {
        const plan = planWrite(tree, releasesIn(run.desired), run);
        return applyEdits(tree, plan.edits);
      }, { "other/file": "theirs" });
    });
    // A record tells of its run and of what stood there before, so it alone depends on the order.
    const sorted = trees.map((tree) => JSON.stringify(Object.entries(tree).filter(([path]) => !path.endsWith("/record.yaml")).sort()));
    expect(new Set(sorted).size).toBe(1);
    expect(trees[0]!["env/dev/a/release.yaml"]).toBe(renderRelease(release("a", 4)));
    expect(trees[0]!["other/file"]).toBe("theirs");
  });

  it("what a tip says already needs no writer; what it does not, what is held and what cannot be read do", () => {
    const run = wanted("", [release("a", 1), release("b", 1)]);
    const tip = (files: Record<string, string>, skipped: { path: string; reason: string }[] = []) => ({ commit: "c0ffee", branch: "main", files, skipped });
    const files = applyEdits({}, planWrite({}, releasesIn(run.desired), run).edits);
    expect(answeredBy(tip(files), { ...run, runId: "another" })).toEqual(
      { committed: false, commit: "c0ffee", branch: "main", attempts: 0, files: [], released: [], alreadyReleased: true, superseded: [] },
    );
    expect(answeredBy(tip({ ...files, "env/dev/a/manifests/more.yaml": "kind: Secret" }), run)).toBeUndefined();
    expect(answeredBy(tip(files, [{ path: "env/dev/a/blob", reason: "binary" }]), run)).toBeUndefined();
    expect(answeredBy(tip(files, [{ path: "env/dev/other/blob", reason: "binary" }]), run)).toBeDefined();
    expect(answeredBy({ ...tip({}), commit: null }, run)).toBeUndefined();
    const newer = wanted("", [release("a", 2), release("b", 1)]);
    expect(answeredBy(tip(applyEdits(files, planWrite(files, releasesIn(newer.desired), newer).edits)), run)).toBeUndefined();
    const { version, digest } = release("a", 1);
    const hold: Hold = { service: "a", env: "dev", version, digest, reason: "it crashes", by: "ada", run: "run-1", at: "2026-11-22T00:00:00Z" };
    expect(answeredBy(tip({ ...files, [holdPath(hold)]: renderHold(hold) }), run)).toBeUndefined();
  });

  it("what the services share is decided on the tip that is written on", () => {
    const run = wanted("", [release("a", 1)]);
    const shared = { seed: { "gates.yaml": "seeded" }, owners: ["team-a"], base: {}, registry: "registry.example.com" };
    const edited = (tip: Record<string, string>) => planWrite(tip, releasesIn(run.desired), { ...run, shared }).edits.map(({ path }) => path);
    expect(edited({})).toEqual(expect.arrayContaining(["gates.yaml", "argocd/project-team-a.yaml"]));
    // Somebody was faster with rules of their own: they stay.
    expect(edited({ "gates.yaml": "theirs" })).not.toContain("gates.yaml");
    const newer = wanted("", [release("a", 2)]);
    const overtaken = planWrite({}, releasesIn(newer.desired), newer).edits;
    expect(edited(applyEdits({}, overtaken))).toEqual([]);
  });

  it("one commit is for one environment", () => {
    const both = { ...wanted("", [release("a", 1)]).desired, ...wanted("", [release("a", 1, { env: "prod" })]).desired };
    expect(() => releasesIn(both)).toThrow(/one environment at a time/);
    expect(() => releasesIn({})).toThrow(/no release was given/);
  });
});

describe("a failed command", () => {
  it("is known by its name and what it carries", () => {
    const error = Object.assign(new Error("exit code: 1"), { name: "ExecError", cmd: ["git"], exitCode: 1, stdout: "out", stderr: "err" });
    expect(execFailure(error)).toEqual({ cmd: ["git"], exitCode: 1, stdout: "out", stderr: "err" });
    expect(execFailure(new Error("no"))).toBeUndefined();
    expect(execFailure("no")).toBeUndefined();
  });
});
