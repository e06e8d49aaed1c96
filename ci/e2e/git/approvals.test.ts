import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { asked, effects, git, release, rendered, Scene, sentence } from "./fixtures.ts";

/** Approvals are real commits with real ssh signatures. */
let scene: Scene;
let bare: string;
let url: string;
beforeEach(() => {
  scene = new Scene();
  bare = scene.bare();
  url = `file://${bare}`;
  for (const person of ["alice", "bob", "mallory"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", person, "-f", join(scene.dir, person)]);
});
afterEach(() => scene.close());

const publicKey = (person: string): string => readFileSync(join(scene.dir, `${person}.pub`), "utf8").trim();
let clones = 0;
function approve(person: string, trailer: string, signed = true): void {
  const clone = join(scene.dir, `clone-${++clones}`);
  git(["clone", "--quiet", bare, clone]);
  const sign = signed ? ["-c", "gpg.format=ssh", "-c", `user.signingkey=${join(scene.dir, person)}`] : [];
  git(["-C", clone, ...sign, "commit", "--quiet", "--allow-empty", ...(signed ? ["-S"] : []), "-m", "Approve it", "-m", trailer]);
  git(["-C", clone, "push", "--quiet", "origin", "HEAD:main"]);
}
const go = async (to: "stage" | "prod" = "stage") => await promote({ ...asked(url, "go"), to }, effects());

it("two people sign for exactly this digest and environment; anybody else's word does not count", async () => {
  await write(rendered(url, [release("backend", 22)]), effects());
  const policy = "apiVersion: golden-path/v1\nkind: Gates\nstage:\n  approvals: {count: 2, from: [alice@example.com, bob@example.com]}\n";
  scene.push(bare, { "gates.yaml": policy });
  expect(await sentence(go())).toMatch(/^reading approvals: the GitOps repository has no file approvers; add it with a line for each person/);
  scene.push(bare, { approvers: `alice@example.com ${publicKey("alice")}\nbob@example.com ${publicKey("bob")}\nmallory@example.com ${publicKey("mallory")}\n` });
  const text = await sentence(go());
  expect(text).toMatch(/gate approvals: 0 of 2; one of alice@example\.com, bob@example\.com signs a commit with the trailer "Approved-Release: stage\/backend=sha256:[0-9a-f]{64}"/);
  const trailer = /"(Approved-Release: [^"]+)"/.exec(text)![1]!;
  approve("alice", trailer);
  approve("alice", trailer);
  approve("mallory", trailer);
  approve("bob", trailer, false);
  approve("bob", trailer.replace("stage/", "prod/"));
  approve("bob", trailer.replace(/[0-9a-f]{64}/, "0".repeat(64)));
  expect(await sentence(go())).toMatch(/gate approvals: 1 of 2, by alice@example\.com \([0-9a-f]{7}\); one of/);
  approve("bob", trailer);
  const done = await go();
  expect(done.committed).toBe(true);
  expect(done.services[0]!.gates.find(({ gate }) => gate === "approvals")!.evidence).toMatch(/^approved by alice@example\.com \([0-9a-f]{7}\), bob@example\.com \([0-9a-f]{7}\)$/);
  // Another release needs their word again.
  await write(rendered(url, [release("backend", 23)]), effects());
  expect(await sentence(go())).toMatch(/gate approvals: 0 of 2/);
});
