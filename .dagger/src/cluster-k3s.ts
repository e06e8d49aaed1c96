import { dag } from "@dagger.io/dagger";
import type { Directory } from "@dagger.io/dagger";
import { API_PORT, withRegistry, withState } from "./cluster-role.ts";
import type { Cluster, ClusterOptions } from "./cluster-role.ts";
import { K3S_PKI, K3S_PROGRAM, K3S_REGISTRIES, K3S_START, K3S_STORE, K3S_TLS, k3sRegistries } from "./lib/k3s.ts";

const REGISTRY_NAME = "registry.golden-path.internal";

/**
 * k3s in the cluster role, by its documented interface. Its containerd pulls Argo CD and Redis
 * itself: where k3s' image can be pulled, theirs can be too. It begins empty: whoever uses it installs.
 */
export function k3s({ images, registry, key, store: own }: ClusterOptions): Cluster {
  const image = dag.container().from(images.cluster);
  const pki = k3sPki(images.debian);
  const service = withState(image, images.cluster, K3S_STORE, own)
    .withMountedDirectory(K3S_TLS, pki.directory("tls"))
    .withNewFile(K3S_REGISTRIES, k3sRegistries(REGISTRY_NAME, "http://registry:5000"))
    .withNewFile("/usr/local/bin/start-k3s", K3S_START, { permissions: 0o755 })
    .with((container) => withRegistry(container, registry))
    .withEnvVariable("CLUSTER_KEY", key)
    .withExposedPort(API_PORT)
    .asService({ args: ["sh", "/usr/local/bin/start-k3s"], insecureRootCapabilities: true });
  return {
    service,
    kubeconfig: pki.file("kubeconfig"),
    // /bin/kubectl is a link to it.
    kubectl: image.file(K3S_PROGRAM),
  };
}

/** Made in an exec that Dagger keeps; a month in its key renews the certificates long before they end. */
function k3sPki(debian: string): Directory {
  const month = new Date().toISOString().slice(0, 7);
  return dag
    .container()
    .from(debian)
    .withEnvVariable("PKI_MONTH", month)
    .withExec(["sh", "-ec", "apt-get update -qq && apt-get install -qq -y --no-install-recommends openssl >/dev/null"])
    .withExec(["sh", "-ec", K3S_PKI])
    .directory("/pki");
}
