import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../.dagger/src/lib/errors.ts";
import type { ManifestFiles } from "../../.dagger/src/lib/manifests.ts";
import type { Release } from "../../.dagger/src/lib/release.ts";
import { parseServiceSpec } from "../../.dagger/src/lib/service-spec.ts";
import type { ServiceSpec } from "../../.dagger/src/lib/service-spec.ts";

export const ROOT = join(import.meta.dirname, "../..");

/** The golden base as it is committed: what is tested is what runs. */
export function goldenBase(): ManifestFiles {
  const folder = join(ROOT, "k8s/base");
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

export const MINIMAL = "name: api\nowner: team-a\nlanguage: python\nport: 8000\n";

/** A spec read from the smallest `service.yaml` and further lines. */
export function spec(more = ""): ServiceSpec {
  return parseServiceSpec(MINIMAL + more, "service/api/service.yaml");
}

export const DIGEST_A = `sha256:${"a".repeat(64)}`;
export const DIGEST_B = `sha256:${"b".repeat(64)}`;
export const REVISION = "1234567890abcdef1234567890abcdef12345678";

export function release(changes: Partial<Release> = {}): Release {
  const service = changes.service ?? "api";
  const digest = changes.digest ?? DIGEST_A;
  return {
    service,
    owner: "team-a",
    env: "dev",
    version: "2026.11.22-1234567",
    sourceRevision: REVISION,
    sourceTime: "2026-11-22T02:00:00Z",
    image: `registry.golden-path.internal/${service}@${digest}`,
    digest,
    ...changes,
  };
}

/** The sentence of the UserError that the call must throw. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("expected a UserError, but the call returned");
}

/** Numbers that look random and are the same in every run, so that a failure can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}
