import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { MARKER, gitService, prepareInstall, withRepository } from "../../.dagger/src/lib/argocd-install.ts";
import { contentId } from "../../.dagger/src/lib/canonical.ts";
import type { KubeObject } from "../../.dagger/src/lib/kube.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => parse(readFileSync(new URL(path, root), "utf8")) as KubeObject;

/** What stands at a path of field names and indexes; enough of a type for a test. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

const SOURCE = ["spec", "template", "spec", "source", "repoURL"];
const OPTIONS = { argocdImage: "argo:here", redisImage: "redis:here" };

function deployment(name: string, image: string): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      template: {
        spec: {
          initContainers: [{ name: "secret-init", image: "quay.io/argoproj/argocd:v3.2.11" }],
          containers: [{ image, imagePullPolicy: "Always", readinessProbe: { initialDelaySeconds: 5, periodSeconds: 10 } }],
        },
      },
    },
  };
}

describe("prepareInstall", () => {
  const config: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-cm" } };
  const crd: KubeObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "applications.argoproj.io" },
    spec: { schema: { description: "prose", properties: { description: { type: "string", description: "prose" } } } },
  };
  const argo = deployment("argocd-repo-server", "quay.io/argoproj/argocd:v3.2.11");
  const redis = deployment("argocd-redis", "public.ecr.aws/docker/library/redis:8.2.2-alpine");
  const install = prepareInstall([argo, config, crd, redis], OPTIONS);
  const pod = (index: number) => at(install.workloads, index, "spec", "template", "spec");

  it("puts what pods refer to before the pods", () => {
    expect(install.types.map((o) => o.kind)).toEqual(["Namespace", "CustomResourceDefinition"]);
    expect(install.settings.map((o) => o.metadata.name)).toEqual(["argocd-cm", MARKER]);
    expect(install.workloads.map((o) => o.metadata.name)).toEqual(["argocd-repo-server", "argocd-redis"]);
  });

  it("replaces images, pull policy and slow probes, and drops what only prepares", () => {
    expect(pod(0)).toEqual({
      containers: [
        {
          image: "argo:here",
          imagePullPolicy: "IfNotPresent",
          readinessProbe: { initialDelaySeconds: 0, periodSeconds: 1 },
          env: [
            { name: "ARGOCD_GPG_ENABLED", value: "false" },
            { name: "GOGC", value: "400" },
          ],
        },
      ],
    });
    expect(at(pod(1), "containers", 0, "image")).toBe("redis:here");
  });

  it("sets the namespace except on what has none, and takes only prose out of schemas", () => {
    expect(install.settings[0]?.metadata.namespace).toBe("argocd");
    expect(install.types[1]?.metadata.namespace).toBeUndefined();
    expect(install.types[1]?.["spec"]).toEqual({ schema: { properties: { description: { type: "string" } } } });
  });

  it("is named by its content, so that a cluster that began with it is known", () => {
    const digest = (options: typeof OPTIONS) => at(prepareInstall([argo, config, crd, redis], options).settings.at(-1), "data", "digest");
    expect(digest(OPTIONS)).toBe(at(install.settings.at(-1), "data", "digest"));
    expect(digest({ ...OPTIONS, redisImage: "redis:other" })).not.toBe(digest(OPTIONS));
  });

  it("leaves its input alone", () => {
    expect(at(argo, "spec", "template", "spec", "containers", 0, "image")).toBe("quay.io/argoproj/argocd:v3.2.11");
  });
});

describe("gitService", () => {
  it("gives pods the Git server's own address under its name", () => {
    const [service, slice] = gitService("git", "10.1.2.3", 9418);
    expect(at(service, "spec", "clusterIP")).toBe("None");
    expect(at(slice, "metadata", "labels")).toEqual({ "kubernetes.io/service-name": service?.metadata.name });
    expect(at(slice, "endpoints", 0, "addresses")).toEqual(["10.1.2.3"]);
  });
});

describe("withRepository", () => {
  const [project, application] = parseAllDocuments(readFileSync(new URL("gitops/argocd/platform.yaml", root), "utf8")).map((one) => one.toJS() as KubeObject);
  const set = read("gitops/argocd/applicationset.yaml");

  it("points projects and sets at another repository as a whole", () => {
    const url = "git://elsewhere/gitops";
    expect(at(withRepository(project!, url), "spec", "sourceRepos")).toEqual([url]);
    const moved = withRepository(set, url);
    expect(at(moved, "spec", "generators", 0, "git", "repoURL")).toBe(url);
    expect(at(moved, ...SOURCE)).toBe(url);
    expect(at(set, ...SOURCE)).toBe(at(application, "spec", "source", "repoURL"));
  });
});

describe("contentId", () => {
  it("depends on content, not on the order of fields", () => {
    expect(contentId({ a: 1, b: [{ c: "x", d: undefined }] })).toBe(contentId({ b: [{ c: "x" }], a: 1 }));
    expect(contentId({ a: 1 })).not.toBe(contentId({ a: 2 }));
  });
});
