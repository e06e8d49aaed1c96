import { afterEach, beforeEach, expect, it } from "vitest";
import { read } from "../../.dagger/programs/gitops-read.ts";
import { write } from "../../.dagger/programs/gitops-write.ts";
import { trailerMap, trailerValues } from "../../.dagger/src/lib/trailers.ts";
import { effects, log, release, Scene, sentence, show, wanted } from "../e2e/git/fixtures.ts";

/** The writer on a real repository, in the fewest strokes; servers, races and refusals are in ci/e2e/git. */
let scene: Scene;
let bare: string;
let url: string;
beforeEach(() => {
  scene = new Scene();
  bare = scene.bare();
  url = `file://${bare}`;
});
afterEach(() => scene.close());

it("makes the first commit of an empty repository with its trailers, and none for the same release again", async () => {
  const [backend, frontend] = [release("backend", 22), release("frontend", 21)];
  const result = await write(wanted(url, [backend, frontend]), effects());
  expect(result).toMatchObject({ committed: true, branch: "main", attempts: 1, released: ["backend", "frontend"], alreadyReleased: false });
  const message = log(bare, "%B").join("\n");
  expect(trailerMap(message, "Image-Digest")).toEqual({ backend: backend.digest, frontend: frontend.digest });
  expect(trailerValues(message, "Run-Id")).toEqual(["run-1"]);
  const again = await write(wanted(url, [backend], { runId: "run-2" }), effects());
  expect(again).toMatchObject({ committed: false, alreadyReleased: true, commit: result.commit, released: [] });
  expect(await read({ remote: { url, branch: "main" }, prefixes: ["env/dev/backend"] })).toMatchObject({ commit: result.commit });
});

it("re-applies on the fresh tip when it lost the race, and leaves what is newer", async () => {
  const beforePush = async (attempt: number): Promise<void> => {
    if (attempt === 1) await write(wanted(url, [release("frontend", 23)]), effects());
  };
  const result = await write(wanted(url, [release("backend", 22), release("frontend", 20)]), effects({ beforePush }));
  expect(result).toMatchObject({ committed: true, attempts: 2, released: ["backend"] });
  expect(result.superseded.map(({ service }) => service)).toEqual(["frontend"]);
  expect(show(bare, "env/dev/frontend/release.yaml")).toContain(release("frontend", 23).digest);
  // Overtaken as a whole: nothing to commit, and no failure.
  const late = await write(wanted(url, [release("frontend", 21)]), effects());
  expect(late).toMatchObject({ committed: false, attempts: 1, released: [], superseded: [{ service: "frontend" }] });
});

it("says in one sentence what a repository refuses", async () => {
  scene.push(bare, { "env/dev/backend/release.yaml": "apiVersion: golden-path/v1\nkind: Release\nservice: [\n" });
  expect(await sentence(write(wanted(url, [release("backend", 22)]), effects()))).toMatch(/^env\/dev\/backend\/release\.yaml:\d+:\d+: not valid YAML/);
  expect(log(bare)).toHaveLength(1);
});
