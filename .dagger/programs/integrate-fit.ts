/**
 * Fits Argo CD's installation to the ephemeral cluster: `integrate-fit.ts OBJECTS OUT ARGOCD REDIS`
 * writes the lists that are applied one after the other, each all at once.
 *
 * A step of its own since a cluster may begin with the result already applied.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ARGOCD_NAMESPACE, prepareInstall } from "../src/lib/argocd-install.ts";
import type { KubeObject } from "../src/lib/kube.ts";

const [objects = "", out = "", argocdImage = "", redisImage = ""] = process.argv.slice(2);
const install = prepareInstall(JSON.parse(await readFile(objects, "utf8")) as KubeObject[], { argocdImage, redisImage });
// Made here like the cluster's certificates: it guards a Redis that no other cluster has.
install.settings.push({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "argocd-redis", namespace: ARGOCD_NAMESPACE },
  stringData: { auth: randomBytes(18).toString("base64url") },
});
await mkdir(out, { recursive: true });
for (const [index, [name, items]] of Object.entries(install).entries()) {
  await writeFile(join(out, `${index + 1}-${name}.json`), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}
