import { dag } from "@dagger.io/dagger";
import type { File } from "@dagger.io/dagger";
import { createHash } from "node:crypto";
import { UserError } from "./lib/errors.ts";

/** Where an image may carry the manifests of its own version. */
const IN_IMAGE = "/opt/argocd/core-install.yaml";

/** The published manifests of the version that is named by default, for images that carry none. */
const PUBLISHED = {
  version: "v3.2.11",
  sha256: "a48ce0ab6ff5f7aac90a8bd0374434f4d15edeaa85f774672c8692c9819d2ae8",
};

/** Argo CD's core installation, of the image's own version. */
export async function installManifest(image: string): Promise<File> {
  const container = dag.container().from(image);
  if (await container.exists(IN_IMAGE)) return container.file(IN_IMAGE);
  const doing = `installing Argo CD from ${image}`;
  const tag = /:([^:/@]+)(@|$)/.exec(image)?.[1];
  if (tag !== PUBLISHED.version) {
    throw new UserError(
      `${doing}: the image has no ${IN_IMAGE} and the pipeline knows only the manifests of ${PUBLISHED.version}; use that version, or an image that carries the file`,
    );
  }
  const url = `https://raw.githubusercontent.com/argoproj/argo-cd/${PUBLISHED.version}/manifests/core-install.yaml`;
  const text = await dag.http(url).contents();
  const sha256 = createHash("sha256").update(text).digest("hex");
  if (sha256 !== PUBLISHED.sha256) {
    throw new UserError(`${doing}: ${url} has checksum ${sha256}, expected ${PUBLISHED.sha256}; nothing was installed`);
  }
  return dag.directory().withNewFile("core-install.yaml", text).file("core-install.yaml");
}
