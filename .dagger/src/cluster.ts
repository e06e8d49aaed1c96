import { dag } from "@dagger.io/dagger";
import type { Container, Directory } from "@dagger.io/dagger";
import { k3s } from "./cluster-k3s.ts";
import { API_PORT, withRegistry, withState } from "./cluster-role.ts";
import type { Cluster, ClusterOptions, InClusterImages } from "./cluster-role.ts";
import type { ImageName } from "./lib/images.ts";

type Images = Record<ImageName, string>;

/** k3s where its image is named, else an image with the commands `cluster-pki`, `cluster prepare` and `cluster start`. */
export function cluster(options: ClusterOptions): Cluster {
  return isK3s(options.images) ? k3s(options) : embedded(options);
}

/** What Argo CD's objects must name: references that can be pulled, or the names of what is imported. */
export function inClusterImages(images: Images): InClusterImages {
  if (isK3s(images)) return { argocd: images.argocd, redis: images.redis };
  return { argocd: "images.golden-path.internal/argocd:imported", redis: "images.golden-path.internal/redis:imported" };
}

/** Whether pods can be given images that no registry has. */
export function takesArchives(images: Images): boolean {
  return !isK3s(images);
}

function isK3s(images: Images): boolean {
  return /(^|\/)rancher\/k3s[:@]/.test(images.cluster);
}

function embedded({ images, registry, install, key, store, further = {} }: ClusterOptions): Cluster {
  const image = dag.container().from(images.cluster);
  // Certificates live for a year; a month in the cache key renews them long before.
  const month = new Date().toISOString().slice(0, 7);
  const pki = image.withEnvVariable("PKI_MONTH", month).withExec(["cluster-pki", "/pki"]).directory("/pki");
  const archives = (container: Container): Container =>
    Object.entries(further).reduce((all, [name, one]) => all.withMountedFile(`/images/${name}.tar`, one.asTarball()), container);
  const service = withState(image, images.cluster, "/var/lib/containerd", store)
    .withMountedDirectory("/pki", pki)
    .withMountedDirectory("/seed", seed(image, pki, install))
    // No registry that the cluster can reach has these two, so they come as archives.
    .withMountedFile("/images/argocd.tar", dag.container().from(images.argocd).asTarball())
    .withMountedFile("/images/redis.tar", dag.container().from(images.redis).asTarball())
    .with(archives)
    .with((container) => withRegistry(container, registry))
    .withEnvVariable("CLUSTER_KEY", key)
    .withExposedPort(API_PORT)
    .asService({ args: ["cluster", "start"], insecureRootCapabilities: true });
  return { service, kubeconfig: pki.file("kubeconfig"), kubectl: image.file("/usr/local/bin/kubectl") };
}

/**
 * A datastore with everything of `install` in it, made once for each cluster image, set of
 * certificates and installation; a cluster that begins with it has nothing to install. An image
 * that cannot make one begins empty, and whoever uses the cluster installs.
 */
function seed(image: Container, pki: Directory, install: Directory): Directory {
  return image
    .withMountedDirectory("/pki", pki)
    .withMountedDirectory("/install", install)
    .withMountedTemp("/run")
    .withMountedTemp("/var/log")
    .withExec(["sh", "-ec", "if [ -e /usr/local/lib/cluster/prepare.sh ]; then exec cluster prepare /seed; fi; mkdir /seed"])
    .directory("/seed");
}
