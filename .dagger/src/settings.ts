import type { Container, Directory, File, Secret, Service } from "@dagger.io/dagger";
import { dag } from "@dagger.io/dagger";
import type { GitOpsRepository, GitOpsTools } from "./gitops.ts";
import type { Tree } from "./lib/edits.ts";
import { parseImages } from "./lib/images.ts";
import type { Context } from "./mirrors.ts";
import { programTools } from "./program-tools.ts";
import { readTree } from "./project.ts";
import type { Signing } from "./sign.ts";
import { namedRegistry, ownRegistry, type Registry } from "./registry.ts";

/** What the constructor was given: the durable context of every call. */
export interface Settings {
  source: Directory;
  services: string;
  base: Directory;
  platform: Directory;
  registry: string;
  registryAuth?: Secret;
  gitops: string;
  gitopsService?: Service;
  gitopsToken?: Secret;
  gitopsSshKey?: Secret;
  gitopsKnownHosts?: File;
  branch: string;
  by: string;
  images: string[];
  mirrors?: Secret;
  signingKey?: Secret;
  signingPassword?: Secret;
  verifyKey?: File;
  identityToken?: Secret;
  signingIdentity: string;
  signingIssuer: string;
  advisories?: Directory;
  advisoriesUrl: string;
  ageKey?: Secret;
}

/** What the constructor's arguments mean to the parts that do the work. */
export class Workshop {
  readonly settings: Settings;
  readonly context: Context;

  constructor(settings: Settings) {
    this.settings = settings;
    this.context = { images: parseImages(settings.images), ...(settings.mirrors ? { mirrors: settings.mirrors } : {}) };
  }

  private images?: Promise<Registry>;

  /** Where images go: the same object each time, which is one question to the engine. */
  async registry(): Promise<Registry> {
    const { registry, registryAuth } = this.settings;
    this.images ??= registry === "" ? ownRegistry(this.context) : Promise.resolve(namedRegistry(registry, registryAuth));
    return await this.images;
  }

  /** The GitOps repository, or undefined when none is named. */
  gitops(): GitOpsRepository | undefined {
    const { gitops, gitopsService, gitopsToken, gitopsSshKey, gitopsKnownHosts, branch } = this.settings;
    if (gitops === "" && !gitopsService) return undefined;
    return {
      // An address that the user names goes before the service that the wrapper hands in.
      ...(gitops !== "" ? { url: gitops } : { service: gitopsService! }),
      branch,
      ...(gitopsToken ? { token: gitopsToken } : {}),
      ...(gitopsSshKey ? { sshKey: gitopsSshKey } : {}),
      ...(gitopsKnownHosts ? { knownHosts: gitopsKnownHosts } : {}),
    };
  }

  /** Who runs this, for the record in Git. */
  by(): string {
    return this.settings.by.trim() === "" ? "not said" : this.settings.by;
  }

  /** Who signs, and whose signature counts. */
  signing(): Signing {
    const { signingKey, signingPassword, verifyKey, identityToken, signingIdentity, signingIssuer } = this.settings;
    return {
      ...(signingKey ? { key: signingKey } : {}),
      ...(signingPassword ? { password: signingPassword } : {}),
      ...(verifyKey ? { publicKey: verifyKey } : {}),
      ...(identityToken ? { identityToken } : {}),
      identity: signingIdentity,
      issuer: signingIssuer,
    };
  }

  private golden?: Promise<Tree>;

  /** The golden base's files, read once. */
  async base(): Promise<Tree> {
    this.golden ??= readTree(this.settings.base, "*.yaml");
    return await this.golden;
  }

  private programs?: Promise<Container>;

  /** Git, Node 24 and the module's programs. */
  async tools(): Promise<GitOpsTools> {
    this.programs ??= programTools(this.context);
    return { tools: await this.programs, module: dag.currentModule().source() };
  }
}
