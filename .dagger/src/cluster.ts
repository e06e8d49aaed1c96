import { dag } from "@dagger.io/dagger";
import { k3s } from "./cluster-k3s.ts";
import { API_PORT, withRegistry, withState } from "./cluster-role.ts";
import type { Cluster, ClusterOptions } from "./cluster-role.ts";

/** k3s where its image is named, else an image with the commands `cluster-pki` and `cluster start`. */
export function cluster(options: ClusterOptions): Cluster {
  return /(^|\/)rancher\/k3s[:@]/.test(options.images.cluster) ? k3s(options) : embedded(options);
}

function embedded({ images, registry, key }: ClusterOptions): Cluster {
  const image = dag.container().from(images.cluster);
  // Certificates live for a year; a month in the cache key renews them long before.
  const month = new Date().toISOString().slice(0, 7);
  const pki = image.withEnvVariable("PKI_MONTH", month).withExec(["cluster-pki", "/pki"]).directory("/pki");
  const service = withState(image, images.cluster, "/var/lib/containerd")
    .withMountedDirectory("/pki", pki)
    // No registry that the cluster can reach has these two, so they come as archives.
    .withMountedFile("/images/argocd.tar", dag.container().from(images.argocd).asTarball())
    .withMountedFile("/images/redis.tar", dag.container().from(images.redis).asTarball())
    .with((container) => withRegistry(container, registry))
    .withEnvVariable("CLUSTER_KEY", key)
    .withExposedPort(API_PORT)
    .asService({ args: ["cluster", "start"], insecureRootCapabilities: true });
  return {
    service,
    kubeconfig: pki.file("kubeconfig"),
    kubectl: image.file("/usr/local/bin/kubectl"),
    images: { argocd: "images.golden-path.internal/argocd:imported", redis: "images.golden-path.internal/redis:imported" },
  };
}
