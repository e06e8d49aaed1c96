import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { AGE_SECRET, ageSecret, pluginConfig, sidecar } from "../../.dagger/src/lib/decrypt.ts";

const folder = mkdtempSync(join(tmpdir(), "golden-path-decrypt-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the plugin prints of a release's folder, where `sops` is a program that says or refuses something. */
function generated(sops: string): { code: number | null; stdout: string } {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "service.yaml"), "kind: Service\nmetadata: {name: api}");
  writeFileSync(join(folder, "secret.sops.yaml"), "A: ENC\n");
  writeFileSync(join(folder, "bin/sops"), `#!/bin/sh\n${sops}\n`);
  chmodSync(join(folder, "bin/sops"), 0o755);
  const plugin = JSON.parse((pluginConfig() as unknown as { data: { "plugin.yaml": string } }).data["plugin.yaml"]) as { spec: { discover: unknown; generate: { command: string[]; args: string[] } } };
  expect(plugin.spec.discover).toEqual({ fileName: "./secret.sops.yaml" });
  const [command = "", ...words] = [...plugin.spec.generate.command, ...plugin.spec.generate.args];
  const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, ARGOCD_APP_NAMESPACE: "dev", ARGOCD_APP_SOURCE_PATH: "env/dev/api/manifests" };
  const { status, stdout } = spawnSync(command, words, { cwd: folder, env, encoding: "utf8" });
  return { code: status, stdout };
}

test("the plugin prints the release, and a Secret of the service's name in the place of the encrypted file", () => {
  const { code, stdout } = generated(`printf '{\\n\\t"A": "two\\\\nlines",\\n\\t"B": "x: $y \\\\"q\\\\""\\n}\\n'`);
  expect(code).toBe(0);
  const [service, secret] = parseAllDocuments(stdout).map((document) => document.toJS() as unknown);
  expect(service).toEqual({ kind: "Service", metadata: { name: "api" } });
  expect(secret).toEqual({ apiVersion: "v1", kind: "Secret", metadata: { name: "api", namespace: "dev" }, stringData: { A: "two\nlines", B: 'x: $y "q"' } });
});

test("a file that cannot be decrypted ends it, and gives no Secret", () => {
  const { code, stdout } = generated("echo 'no key fits' >&2; exit 128");
  expect(code).not.toBe(0);
  expect(stdout).not.toContain("kind: Secret");
});

test("the sidecar reads the keys from a Secret that only it mounts, and can change nothing", () => {
  const { spec } = sidecar("image:x") as unknown as { spec: { template: { spec: { containers: Record<string, unknown>[]; volumes: { name: string; secret?: unknown }[] } } } };
  const [container] = spec.template.spec.containers;
  expect(spec.template.spec.containers).toHaveLength(1);
  expect(container).toMatchObject({ image: "image:x", securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } } });
  expect(spec.template.spec.volumes).toContainEqual({ name: AGE_SECRET, secret: { secretName: AGE_SECRET } });
  expect(ageSecret("KEY")).toMatchObject({ metadata: { name: AGE_SECRET, namespace: "argocd" }, stringData: { "keys.txt": "KEY" } });
});
