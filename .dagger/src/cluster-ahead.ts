import { type ClusterNeeds, type IntegrationCluster, integrationCluster } from "./integrate-cluster.ts";
import type { Workshop } from "./settings.ts";

/** A proof's cluster and what it is made from. */
export type ProofCluster = ClusterNeeds & IntegrationCluster;

/** The cluster of one run's proof: started while the images are still being made, and surely ended. */
export class ClusterAhead {
  private readonly make: () => Promise<ProofCluster>;
  private readonly timer: NodeJS.Timeout | undefined;
  private made: Promise<ProofCluster> | undefined;
  private started: Promise<ProofCluster | undefined> | undefined;

  /** @param afterMs when to start it; undefined for never */
  constructor(workshop: Workshop, env: string, afterMs: number | undefined) {
    this.make = async () => {
      const needs = await needsOf(workshop, env);
      return { ...needs, ...(await integrationCluster(needs)) };
    };
    if (afterMs === 0) this.begin();
    else if (afterMs !== undefined) this.timer = setTimeout(() => this.begin(), afterMs);
  }

  /** The same cluster each time, running or not. */
  async get(): Promise<ProofCluster> {
    return await (this.made ??= this.make());
  }

  /** From here on whoever needs the cluster starts it. */
  hold(): void {
    clearTimeout(this.timer);
  }

  /** Ends what was started, used or not. */
  async end(): Promise<void> {
    this.hold();
    const one = await this.started;
    await one?.cluster.service.stop({ kill: true }).catch(() => undefined);
  }

  private begin(): void {
    // A cluster that does not start says why to the stage that needs it.
    const start = async (): Promise<ProofCluster> => {
      const one = await this.get();
      // The engine takes one that ended by itself for running until it is stopped; then whoever needs it starts it anew.
      await one.cluster.service.start().catch(async () => await one.cluster.service.stop({ kill: true }).catch(() => undefined));
      return one;
    };
    this.started = start().catch(() => undefined);
  }
}

async function needsOf(workshop: Workshop, env: string): Promise<ClusterNeeds> {
  const [registry, { tools }] = await Promise.all([workshop.registry(), workshop.tools()]);
  const { images } = workshop.context;
  return { env, images, node: tools, ...(registry.service ? { registry: registry.service } : {}) };
}
